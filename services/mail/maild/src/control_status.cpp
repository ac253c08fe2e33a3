#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "control_routes.hpp"
#include "io/time.hpp"
#include "mail/auth/address.hpp"
#include "recipients.hpp"
#include "version.hpp"

namespace quorate::mail {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

std::int64_t seconds_since(WallTime start) {
    return std::chrono::duration_cast<std::chrono::seconds>(io::wall_now() - start).count();
}

std::int64_t unix_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

class StatusRoutes {
public:
    StatusRoutes(ServerContext& server, const io::Metrics& metrics)
        : server_(server), metrics_(metrics) {}

    awaitable<ControlResponse> status(ControlRequest) {
        ControlResponse response;
        response.body = json::object{{"daemon", "maild"},
                                     {"version", kVersion},
                                     {"api_version", 1},
                                     {"node", server_.config.node_name},
                                     {"pid", ::getpid()},
                                     {"uptime_seconds", seconds_since(server_.started)},
                                     {"state", state()},
                                     {"sessions", server_.sessions.size()},
                                     {"delivered", server_.metrics.delivered.value()},
                                     {"postmaster_missing", postmaster_missing()},
                                     {"certificate_expires", certificate_expires()},
                                     {"listeners", listeners()},
                                     {"store", store()}};
        co_return response;
    }

    awaitable<ControlResponse> sessions(ControlRequest request) {
        const auto checked = check_parameters(request, {"account"});
        if (!checked) {
            co_return to_response(checked.error());
        }
        std::string wanted(request.parameter("account"));
        if (!wanted.empty()) {
            auto address = full_address(server_, wanted);
            if (!address) {
                co_return to_response(address.error());
            }
            const auto parts = auth::split_address(*address);
            wanted = parts ? parts->to_string() : *address;
        }
        json::array rows;
        for (const auto& row : server_.sessions.rows()) {
            if (wanted.empty() || iequals(row.account, wanted)) {
                rows.push_back(
                    {{"id", row.id},
                     {"protocol", row.protocol},
                     {"peer",
                      row.port == 0 ? row.address : row.address + ":" + std::to_string(row.port)},
                     {"account", row.account},
                     {"tls", row.tls},
                     {"seconds", seconds_since(row.since)}});
            }
        }
        ControlResponse response;
        response.body = json::object{{"sessions", std::move(rows)}};
        co_return response;
    }

    awaitable<ControlResponse> kick(ControlRequest request) {
        const auto id = parse_u64(request.parameter("id"));
        if (!id || !server_.sessions.kick(*id)) {
            co_return ControlResponse::error(404, "not_found", "no such session; see: who");
        }
        co_return ControlResponse();
    }

    awaitable<ControlResponse> metrics(ControlRequest) {
        ControlResponse response;
        response.text = metrics_.text();
        response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        co_return response;
    }

private:
    const char* state() const {
        if (server_.gate.failed()) {
            return "journal_failed";
        }
        return server_.draining ? "stopping" : "running";
    }

    json::array postmaster_missing() const {
        json::array rows;
        for (const auto& domain : domains_without_postmaster(server_.directory, server_.config)) {
            rows.emplace_back(domain);
        }
        return rows;
    }

    json::array listeners() const {
        json::array rows;
        for (const auto& one : server_.listening) {
            rows.push_back({{"protocol", protocol_name(one.protocol)},
                            {"address", one.address},
                            {"tls", tls_mode_name(one.tls)}});
        }
        return rows;
    }

    json::object store() const {
        const auto numbers = server_.store.statistics();
        const auto space = server_.volume.space();
        return {{"segments", numbers.segments},
                {"journal_bytes", numbers.journal_bytes},
                {"flushes", numbers.flushes},
                {"records", numbers.records},
                {"open_accounts", numbers.open_accounts},
                {"replayed", numbers.replayed},
                {"volume_bytes", space ? space->total : 0},
                {"volume_free_bytes", space ? space->free : 0}};
    }

    // Seconds since 1970; 0 without TLS.
    std::int64_t certificate_expires() const {
        return server_.tls ? unix_seconds(server_.tls->expires()) : 0;
    }

    ServerContext& server_;
    const io::Metrics& metrics_;
};

}  // namespace

void add_status_routes(io::ControlServer& control, ServerContext& server,
                       const io::Metrics& metrics) {
    const RouteAdder add(control, server, std::make_shared<StatusRoutes>(server, metrics));
    add("GET", "/v1/status", &StatusRoutes::status);
    add("GET", "/v1/sessions", &StatusRoutes::sessions);
    add("DELETE", "/v1/sessions/{id}", &StatusRoutes::kick);
    add("GET", "/metrics", &StatusRoutes::metrics);
}

}  // namespace quorate::mail
