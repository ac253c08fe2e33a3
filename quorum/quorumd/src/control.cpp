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
#include "witness_desk.hpp"

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

    awaitable<ControlResponse> confirm_fence(ControlRequest request) {
        co_return take_confirmation(request);
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

    // Somebody else has ended the life that the node's page shows.
    ControlResponse take_confirmation(const ControlRequest& request) {
        if (request.uid != 0) {
            return ControlResponse::error(403, "forbidden", "only root may say so");
        }
        io::ControlFields fields(request.body);
        const auto name = fields.text("node");
        if (auto read = fields.finish(); !read) {
            return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        if (!parts_.voter) {
            return ControlResponse::error(409, "not_voting", parts_.waiting);
        }
        const auto* node = find(name);
        if (node == nullptr) {
            return ControlResponse::error(404, "not_found", name + ": no such node");
        }
        const NodeId target(node->id);
        const auto seen = parts_.voter->board().heartbeat(target);
        if (auto why_not = lives(*node, seen); !why_not.empty()) {
            return ControlResponse::error(409, "refused", why_not);
        }
        const auto incarnation = seen->page.incarnation;
        log_.warn("fence_confirmed", "node", target.value(), "incarnation", incarnation.value());
        parts_.events.add(io::wall_now(), "fence_confirmed", name);
        parts_.voter->feed(FenceConfirmed{target, incarnation});
        ControlResponse response;
        response.body = json::object{{"node_id", target.value()},
                                     {"incarnation", fmt::format("{:016x}", incarnation.value())}};
        return response;
    }

    // What speaks against the word that it is off; empty: nothing that is known here.
    std::string lives(const ConfNode& node, const std::optional<PageBoard::Seen>& seen) const {
        const auto status = parts_.voter->status();
        const auto moved = io::exact_boot_now() - 3 * parts_.voter->options().timing.heartbeat;
        if (node.id == parts_.conf->local) {
            return "this is the node itself";
        }
        if (status.members.has(NodeId(node.id))) {
            return node.name + " is in Corosync's ring: it runs";
        }
        if (!status.trusted) {
            return "this node cannot reach the quorum disk: say it on one that can";
        }
        if (!seen) {
            return "no page of " + node.name + " is on the disk: there is nothing to confirm";
        }
        if (seen->changed.value_or(BootTime()) > moved) {
            return node.name + " still writes its page: it runs";
        }
        return {};
    }

    // By name or by id.
    const ConfNode* find(const std::string& name) const {
        const auto* node = parts_.conf->find(std::string_view(name));
        const auto id = parse_u64(name);
        return node == nullptr && id ? parts_.conf->find(static_cast<std::uint32_t>(*id)) : node;
    }

    Parts& parts_;
    const io::Metrics& metrics_;
    Logger log_{};
    DeviceChange change_{parts_};
};

}  // namespace

void add_control_routes(io::ControlServer& server, Parts& parts, const io::Metrics& metrics) {
    // Owned by all its routes.
    const auto control = std::make_shared<Control>(parts, metrics);
    const auto desk = std::make_shared<WitnessDesk>(parts);
    const auto calls = [](const auto& owner, auto call) {
        return
            [owner, call](ControlRequest request) { return ((*owner).*call)(std::move(request)); };
    };
    server.route("GET", "/v1/status", calls(control, &Control::status));
    server.route("GET", "/v1/quorum", calls(control, &Control::quorum));
    server.route("GET", "/v1/events/recent", calls(control, &Control::recent));
    server.route("GET", "/metrics", calls(control, &Control::metrics));
    server.route("POST", "/v1/fences", calls(control, &Control::fence));
    server.route("POST", "/v1/fences/confirmed", calls(control, &Control::confirm_fence));
    server.route("PUT", "/v1/device", calls(control, &Control::put_device));
    server.route("GET", "/v1/witnesses", calls(desk, &WitnessDesk::read));
    server.route("PUT", "/v1/witnesses", calls(desk, &WitnessDesk::write));
    // Of other nodes' quorumds.
    auto& peers = parts.requests;
    peers.route("POST", "/v1/device/check", calls(control, &Control::check_device));
    peers.route("PUT", "/v1/device/here", calls(control, &Control::put_device_here));
    peers.route("GET", "/v1/quorum", calls(control, &Control::quorum));
    peers.route("GET", "/v1/witnesses/here", calls(desk, &WitnessDesk::read_here));
    peers.route("PUT", "/v1/witnesses/here", calls(desk, &WitnessDesk::write_here));
}

}  // namespace quorate::quorum
