#include "control.hpp"

#include <unistd.h>

#include <functional>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "base/text.hpp"
#include "device_change.hpp"
#include "io/control_fields.hpp"
#include "io/time.hpp"
#include "quorum/request.hpp"
#include "report.hpp"
#include "version.hpp"
#include "witness_json.hpp"

namespace quorate::quorum {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

class Control {
public:
    Control(Parts& parts, const io::Metrics& metrics) : parts_(parts), metrics_(metrics) {}

    awaitable<ControlResponse> status(ControlRequest) {
        ControlResponse response;
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(io::wall_now() - parts_.started);
        response.body =
            json::object{{"daemon", "quorumd"},
                         {"version", kVersion},
                         {"api_version", 1},
                         {"pid", ::getpid()},
                         {"uptime_seconds", seconds.count()},
                         {"state", parts_.voter ? std::string(text_of(parts_.voter->status().state))
                                                : "waiting"},
                         {"reason", parts_.voter ? parts_.voter->status().reason : parts_.waiting}};
        co_return response;
    }

    awaitable<ControlResponse> quorum(ControlRequest) {
        ControlResponse response;
        response.body = report_quorum(parts_);
        co_return response;
    }

    awaitable<ControlResponse> recent(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"events", parts_.events.recent()}};
        co_return response;
    }

    awaitable<ControlResponse> metrics(ControlRequest) {
        ControlResponse response;
        response.text = metrics_.text();
        response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        co_return response;
    }

    awaitable<ControlResponse> fence(ControlRequest request) {
        if (request.uid != 0) {
            co_return ControlResponse::error(403, "forbidden", "only root may ask for this");
        }
        io::ControlFields fields(request.body);
        const auto name = fields.text("node");
        auto reason = fields.optional_text("reason").value_or("asked for");
        if (reason.size() > kMaxReason) {
            fields.complain("reason", fmt::format("is longer than {} octets", kMaxReason));
        }
        if (auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        if (!parts_.voter) {
            co_return ControlResponse::error(409, "not_voting", parts_.waiting);
        }
        const auto* node = find(name);
        if (node == nullptr) {
            co_return ControlResponse::error(404, "not_found", name + ": no such node");
        }
        if (node->id == parts_.conf->local) {
            co_return ControlResponse::error(409, "refused", "a node does not fence itself");
        }
        const auto target = node->id;
        auto done = co_await parts_.voter->fence(NodeId(target), std::move(reason));
        if (!done) {
            co_return ControlResponse::error(409, "refused", done.error().detail);
        }
        if (!done->done) {
            co_return ControlResponse::error(409, "not_fenced", done->text);
        }
        ControlResponse response;
        response.body =
            json::object{{"node_id", target},
                         {"incarnation", fmt::format("{:016x}", done->incarnation.value())},
                         {"text", done->text}};
        co_return response;
    }

    awaitable<ControlResponse> put_witness(ControlRequest request) {
        if (request.uid != 0) {
            co_return ControlResponse::error(403, "forbidden", "only root may ask for this");
        }
        const auto witness = witness_from(request.body);
        if (!witness) {
            co_return ControlResponse::error(400, "bad_request", witness.error().detail);
        }
        if (!parts_.voter) {
            co_return ControlResponse::error(409, "not_voting", parts_.waiting);
        }
        auto held = co_await parts_.voter->write_witness(*witness);
        if (!held) {
            co_return ControlResponse::error(409, "refused", held.error().detail);
        }
        ControlResponse response;
        response.body = json::object{{"held", *held}};
        co_return response;
    }

    awaitable<ControlResponse> witnesses(ControlRequest) {
        if (!parts_.voter) {
            co_return ControlResponse::error(409, "not_voting", parts_.waiting);
        }
        auto all = co_await parts_.voter->read_witnesses();
        if (!all) {
            co_return ControlResponse::error(409, "refused", all.error().detail);
        }
        json::array list;
        for (const auto& one : *all) {
            list.push_back(to_json(one));
        }
        ControlResponse response;
        response.body = json::object{{"witnesses", std::move(list)}};
        co_return response;
    }

    // The section quorum.device, on all nodes or on none.
    awaitable<ControlResponse> put_device(ControlRequest request) {
        return changed(std::move(request),
                       [this](DeviceKeys keys) { return change_.change_all(std::move(keys)); });
    }
    awaitable<ControlResponse> put_device_here(ControlRequest request) {
        return changed(std::move(request),
                       [this](DeviceKeys keys) { return change_.change_here(std::move(keys)); });
    }
    awaitable<ControlResponse> check_device(ControlRequest request) {
        return changed(std::move(request),
                       [this](DeviceKeys keys) { return change_.check_here(std::move(keys)); });
    }

private:
    using Change = std::function<awaitable<Status>(DeviceKeys)>;
    awaitable<ControlResponse> changed(ControlRequest request, Change change) {
        if (request.uid != 0) {
            co_return ControlResponse::error(403, "forbidden", "only root may ask for this");
        }
        const auto* object = request.body.if_contains("keys");
        auto keys = object != nullptr && object->is_object()
                        ? keys_from(object->get_object())
                        : Result<DeviceKeys>(fail({}, "keys: wants an object"));
        if (!keys) {
            co_return ControlResponse::error(400, "bad_request", keys.error().detail);
        }
        if (!parts_.conf) {
            co_return ControlResponse::error(409, "refused", parts_.waiting);
        }
        auto done = co_await change(std::move(*keys));
        if (!done) {
            co_return ControlResponse::error(409, "refused", done.error().detail);
        }
        co_return ControlResponse();
    }

    // By name or by id.
    const ConfNode* find(const std::string& name) const {
        const auto* node = parts_.conf->find(std::string_view(name));
        const auto id = parse_u64(name);
        return node == nullptr && id ? parts_.conf->find(static_cast<std::uint32_t>(*id)) : node;
    }

    Parts& parts_;
    const io::Metrics& metrics_;
    DeviceChange change_{parts_};
};

}  // namespace

void add_control_routes(io::ControlServer& server, Parts& parts, const io::Metrics& metrics) {
    // Owned by all its routes.
    const auto control = std::make_shared<Control>(parts, metrics);
    const auto add = [&](const char* method, const char* path,
                         awaitable<ControlResponse> (Control::*call)(ControlRequest)) {
        server.route(method, path, [control, call](ControlRequest request) {
            return ((*control).*call)(std::move(request));
        });
    };
    add("GET", "/v1/status", &Control::status);
    add("GET", "/v1/quorum", &Control::quorum);
    add("GET", "/v1/events/recent", &Control::recent);
    add("GET", "/metrics", &Control::metrics);
    add("POST", "/v1/fences", &Control::fence);
    add("PUT", "/v1/device", &Control::put_device);
    add("GET", "/v1/witnesses", &Control::witnesses);
    add("PUT", "/v1/witnesses", &Control::put_witness);
    const auto add_for_peers = [&](const char* method, const char* path,
                                   awaitable<ControlResponse> (Control::*call)(ControlRequest)) {
        parts.requests.route(method, path, [control, call](ControlRequest request) {
            return ((*control).*call)(std::move(request));
        });
    };
    add_for_peers("POST", "/v1/device/check", &Control::check_device);
    add_for_peers("PUT", "/v1/device/here", &Control::put_device_here);
    add_for_peers("GET", "/v1/quorum", &Control::quorum);
}

}  // namespace quorate::quorum
