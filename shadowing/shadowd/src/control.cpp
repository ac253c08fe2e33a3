#include <unistd.h>

#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/control_fields.hpp"
#include "io/metrics.hpp"
#include "shadowing/errc.hpp"
#include "unit_report.hpp"

// shadowd's part of the control API (docs/protocols/control.md).
namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

ControlResponse answer(const Status& status) {
    if (status) {
        return {};
    }
    const bool refused = status.error().code == errc::refused;
    return ControlResponse::error(refused ? 409 : 500, refused ? "refused" : "failed",
                                  status.error().to_string());
}

// `done` false: it is begun, and goes on.
ControlResponse answer(const Result<bool>& done) {
    if (!done) {
        return answer(Status(tl::unexpected<Error>(done.error())));
    }
    ControlResponse response;
    response.body = json::object{{"done", *done}};
    return response;
}

class Control {
public:
    explicit Control(Shadowd& shadowd) : shadowd_(shadowd) { add_metrics(metrics_, shadowd); }

    awaitable<ControlResponse> status(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"daemon", "shadowd"},
                                     {"api_version", 1},
                                     {"pid", ::getpid()},
                                     {"units", shadowd_.units().size()}};
        co_return response;
    }

    awaitable<ControlResponse> list(ControlRequest) {
        json::array units;
        for (const auto& [name, unit] : shadowd_.units()) {
            units.push_back(report(shadowd_, unit));
        }
        ControlResponse response;
        response.body = json::object{{"units", std::move(units)}};
        co_return response;
    }

    awaitable<ControlResponse> show(ControlRequest request) {
        const auto* unit = shadowd_.find(std::string(request.parameter("unit")));
        if (unit == nullptr) {
            co_return absent(request);
        }
        ControlResponse response;
        response.body = report(shadowd_, *unit);
        co_return response;
    }

    awaitable<ControlResponse> mount(ControlRequest request) {
        bool accept_loss = false;
        auto file = unit_file_of(request, accept_loss);
        if (!file) {
            co_return ControlResponse::error(400, "bad_request", file.error().detail);
        }
        auto mounted = co_await shadowd_.mount(std::move(*file), accept_loss);
        co_return answer(mounted);
    }

    // Of a unit of several nodes.
    awaitable<ControlResponse> plan(ControlRequest request) {
        bool accept_loss = false;
        auto file = unit_file_of(request, accept_loss);
        if (!file) {
            co_return ControlResponse::error(400, "bad_request", file.error().detail);
        }
        auto plan = co_await shadowd_.plan(std::move(*file), accept_loss);
        if (!plan) {
            co_return answer(Status(tl::unexpected<Error>(plan.error())));
        }
        ControlResponse response;
        response.body = json::object{
            {"allowed", plan->plan.allowed || !plan->mounted_on.empty()},
            {"plan", plan->plan.to_string()},
            {"mounted_on", json::array(plan->mounted_on.begin(), plan->mounted_on.end())}};
        co_return response;
    }

    awaitable<ControlResponse> dismount(ControlRequest request) {
        auto done = co_await shadowd_.dismount(std::string(request.parameter("unit")));
        co_return answer(done);
    }

    awaitable<ControlResponse> accept_loss(ControlRequest request) {
        auto done = co_await shadowd_.accept_loss(std::string(request.parameter("unit")));
        co_return answer(done);
    }

    awaitable<ControlResponse> add(ControlRequest request) {
        io::ControlFields fields(request.body);
        auto disk = fields.text("disk");
        const bool force = fields.optional_flag("force").value_or(false);
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        auto done =
            co_await shadowd_.add(std::string(request.parameter("unit")), std::move(disk), force);
        co_return answer(done);
    }
    awaitable<ControlResponse> remove(ControlRequest request) {
        io::ControlFields fields(request.body);
        auto disk = fields.text("disk");
        const bool minicopy = fields.optional_flag("minicopy").value_or(false);
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        auto done = co_await shadowd_.remove(std::string(request.parameter("unit")),
                                             std::move(disk), minicopy);
        co_return answer(done);
    }
    awaitable<ControlResponse> expand(ControlRequest request) {
        auto done = co_await shadowd_.expand(std::string(request.parameter("unit")));
        co_return answer(done);
    }

    // Merge, copy or scrub of this opener.
    awaitable<ControlResponse> steer(ControlRequest request) {
        const auto* unit = shadowd_.find(std::string(request.parameter("unit")));
        if (unit == nullptr || !unit->set) {
            co_return absent(request);
        }
        Steer word;
        const auto named = work_named(request.parameter("work"));
        if (!named) {
            co_return ControlResponse::error(404, "not_found", "the work is merge, copy or scrub");
        }
        word.work = *named;
        word.pace = unit->set->status().set.of(word.work).pace;
        io::ControlFields fields(request.body);
        word.pace.runs = fields.optional_flag("runs").value_or(word.pace.runs);
        const auto share = fields.optional_number("priority").value_or(word.pace.share);
        word.pass_now = fields.optional_flag("pass_now").value_or(false);
        if (share < 1 || share > 100) {
            fields.complain("priority", "1 to 100");
        }
        if (word.pass_now && word.work != Work::kScrub) {
            fields.complain("pass_now", "is the scrub's");
        }
        if (const auto read = fields.finish(); !read) {
            co_return ControlResponse::error(400, "bad_request", read.error().detail);
        }
        word.pace.share = static_cast<std::uint32_t>(share);
        unit->set->steer(word);
        co_return ControlResponse();
    }

    awaitable<ControlResponse> events(ControlRequest request) {
        const auto* unit = shadowd_.find(std::string(request.parameter("unit")));
        if (unit == nullptr) {
            co_return absent(request);
        }
        ControlResponse response;
        response.body = json::object{{"events", report_events(*unit)}};
        co_return response;
    }

    awaitable<ControlResponse> metrics(ControlRequest) {
        ControlResponse response;
        response.text = metrics_.text();
        response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        co_return response;
    }

private:
    static ControlResponse absent(const ControlRequest& request) {
        return ControlResponse::error(
            404, "not_found", fmt::format("{} is not mounted here", request.parameter("unit")));
    }

    static std::optional<Work> work_named(std::string_view name) {
        for (std::size_t i = 0; i < kWorks; ++i) {
            if (name_of(static_cast<Work>(i)) == name) {
                return static_cast<Work>(i);
            }
        }
        return std::nullopt;
    }

    static Result<UnitFile> unit_file_of(const ControlRequest& request, bool& accept_loss) {
        io::ControlFields fields(request.body);
        UnitFile file;
        file.unit = std::string(request.parameter("unit"));
        file.disks = fields.texts("disks");
        file.cluster = fields.optional_flag("cluster").value_or(false);
        file.shared = fields.optional_flag("shared").value_or(false);
        file.quorum_disk = fields.optional_flag("quorum_disk").value_or(false);
        accept_loss = fields.optional_flag("accept_loss").value_or(false);
        if (!is_unit_name(file.unit)) {
            fields.complain("disks", "no name of a unit");
        }
        QUORATE_CHECK(fields.finish());
        return file;
    }

    Shadowd& shadowd_;
    io::Metrics metrics_;
};

}  // namespace

void add_control_routes(io::ControlServer& server, Shadowd& shadowd) {
    // Owned by all its routes.
    const auto control = std::make_shared<Control>(shadowd);
    const auto add = [&](const char* method, const char* path,
                         awaitable<ControlResponse> (Control::*call)(ControlRequest)) {
        server.route(method, path, [control, call](ControlRequest request) {
            return ((*control).*call)(std::move(request));
        });
    };
    add("GET", "/v1/status", &Control::status);
    add("GET", "/v1/shadow", &Control::list);
    add("GET", "/v1/shadow/{unit}", &Control::show);
    add("POST", "/v1/shadow/{unit}/mount", &Control::mount);
    add("DELETE", "/v1/shadow/{unit}", &Control::dismount);
    add("POST", "/v1/shadow/{unit}/add", &Control::add);
    add("POST", "/v1/shadow/{unit}/remove", &Control::remove);
    add("POST", "/v1/shadow/{unit}/plan", &Control::plan);
    add("POST", "/v1/shadow/{unit}/accept-loss", &Control::accept_loss);
    add("POST", "/v1/shadow/{unit}/expand", &Control::expand);
    add("POST", "/v1/shadow/{unit}/work/{work}", &Control::steer);
    add("GET", "/v1/shadow/{unit}/events", &Control::events);
    add("GET", "/metrics", &Control::metrics);
}

}  // namespace quorate::shadowing
