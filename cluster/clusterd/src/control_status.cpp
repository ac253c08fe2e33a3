#include <unistd.h>

#include <memory>
#include <optional>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "cluster_report.hpp"
#include "control_routes.hpp"
#include "io/time.hpp"
#include "unix_time.hpp"
#include "version.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

std::int64_t seconds_since(WallTime start) {
    return std::chrono::duration_cast<std::chrono::seconds>(io::wall_now() - start).count();
}

// When that was; 0: never.
std::int64_t unix_time_of(const std::optional<BootTime>& then) {
    if (!then) {
        return 0;
    }
    const auto ago =
        std::chrono::duration_cast<std::chrono::milliseconds>(io::exact_boot_now() - *then);
    return unix_seconds(io::wall_now() - ago);
}

class StatusRoutes {
public:
    explicit StatusRoutes(ControlContext& context) : context_(context) {}

    awaitable<ControlResponse> status(ControlRequest) {
        const auto now = context_.machine.status();
        auto state = state_of(sources(now));
        ControlResponse response;
        response.body =
            json::object{{"daemon", "clusterd"},
                         {"version", kVersion},
                         {"api_version", 1},
                         {"node", context_.config.node},
                         {"pid", ::getpid()},
                         {"uptime_seconds", seconds_since(context_.started)},
                         {"membership", context_.config.solo ? "solo" : "corosync"},
                         {"state", std::move(state.state)},
                         {"reason", std::move(state.reason)},
                         {"cluster", context_.config.name},
                         {"epoch", now.view ? now.view->epoch.value() : 0},
                         {"members", now.view && !now.expelled ? now.view->members.size() : 0},
                         {"quorate", now.quorate},
                         {"commands_enabled", context_.config.run_commands}};
        co_return response;
    }

    awaitable<ControlResponse> cluster(ControlRequest) {
        co_await context_.survey.refresh();
        const auto now = context_.machine.status();
        ControlResponse response;
        response.body = report_cluster(sources(now));
        co_return response;
    }

    awaitable<ControlResponse> recent(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"events", context_.events.recent()}};
        co_return response;
    }

    awaitable<ControlResponse> events(ControlRequest request) {
        const auto since = request.parameter("since");
        const auto number = parse_u64(since);
        if (!since.empty() && !number) {
            co_return ControlResponse::error(400, "bad_request", "since: the number of an event");
        }
        ControlResponse response;
        response.content_type = "application/jsonl";
        response.stream = [&events = context_.events,
                           seen = number.value_or(context_.events.newest())]() mutable {
            return events.next(seen);
        };
        co_return response;
    }

    awaitable<ControlResponse> metrics(ControlRequest) {
        ControlResponse response;
        response.text = context_.metrics.text();
        response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        co_return response;
    }

private:
    ReportSources sources(const MachineStatus& now) const {
        return {context_.config,
                now,
                context_.survey.findings(),
                context_.chronicle,
                context_.nodes,
                context_.fencers.desk(),
                context_.group,
                context_.fingerprint,
                context_.stopping,
                unix_time_of(now.last_transition),
                context_.chronicle.formed() ? unix_seconds(*context_.chronicle.formed()) : 0,
                unix_seconds(io::wall_now())};
    }

    ControlContext& context_;
};

}  // namespace

void add_status_routes(ControlRoutes& routes) {
    // Owned by all its routes.
    const auto status = std::make_shared<StatusRoutes>(routes.context());
    const auto add = [&](ControlRoutes::Audience audience, const char* path,
                         awaitable<ControlResponse> (StatusRoutes::*call)(ControlRequest)) {
        routes.add(audience, "GET", path, [status, call](ControlRequest request) {
            return ((*status).*call)(std::move(request));
        });
    };
    using Audience = ControlRoutes::Audience;
    add(Audience::kBoth, "/v1/status", &StatusRoutes::status);
    add(Audience::kBoth, "/v1/cluster", &StatusRoutes::cluster);
    add(Audience::kBoth, "/v1/events/recent", &StatusRoutes::recent);
    add(Audience::kLocal, "/v1/events", &StatusRoutes::events);
    add(Audience::kLocal, "/metrics", &StatusRoutes::metrics);
}

}  // namespace quorate::cluster
