#include "metrics.hpp"

#include "server_context.hpp"

#include <fmt/core.h>

namespace quorate::mail {
namespace {

const std::vector<double> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                      0.1,   0.25,   0.5,   1,    2.5,   10};

std::array<io::Counter*, kProtocols> connection_counters(io::Metrics& metrics) {
    std::array<io::Counter*, kProtocols> counters{};
    for (std::size_t i = 0; i < kProtocols; ++i) {
        const auto label = fmt::format("protocol=\"{}\"", protocol_name(static_cast<Protocol>(i)));
        counters[i] = &metrics.counter("maild_connections", "Connections accepted", label);
    }
    return counters;
}

}  // namespace

MailMetrics::MailMetrics(io::Metrics& metrics)
    : connections(connection_counters(metrics)),
      refused_connections(metrics.counter("maild_refused_connections",
                                          "Connections refused because of a limit or a proxy")),
      logins(metrics.counter("maild_logins", "Authentications that succeeded")),
      login_failures(metrics.counter("maild_login_failures", "Authentications that were refused")),
      delivered(metrics.counter("maild_delivered_messages",
                                "Messages delivered, one for each account that got one")),
      delivered_bytes(metrics.counter("maild_delivered_bytes", "Octets of delivered messages")),
      delivery_failures(
          metrics.counter("maild_delivery_failures", "Recipients that were refused at delivery")),
      delivery_seconds(metrics.histogram("maild_delivery_seconds",
                                         "From the end of a message to its answer", kSeconds)),
      command_seconds(metrics.histogram("maild_imap_command_seconds",
                                        "IMAP commands on a mailbox, until all was sent",
                                        kSeconds)) {}

void add_gauges(io::Metrics& metrics, const ServerContext& server) {
    const auto statistic = [&server](std::uint64_t store::Store::Statistics::*member) {
        return [&server, member] {
            const auto numbers = server.store.statistics();
            return static_cast<double>(numbers.*member);
        };
    };
    using Statistics = store::Store::Statistics;
    for (std::size_t i = 0; i < kProtocols; ++i) {
        const std::string_view name = protocol_name(static_cast<Protocol>(i));
        metrics.gauge(
            "maild_sessions", "Connections open now",
            [&server, name] {
                std::size_t count = 0;
                for (const auto& row : server.sessions.rows()) {
                    count += row.protocol == name ? 1 : 0;
                }
                return static_cast<double>(count);
            },
            fmt::format("protocol=\"{}\"", name));
    }
    metrics.gauge("maild_queued_jobs", "Jobs that wait for a worker",
                  [&server] { return static_cast<double>(server.workers.queued()); });
    metrics.gauge("maild_collected_bytes", "Octets of arriving messages held in memory",
                  [&server] { return static_cast<double>(server.collected_bytes); });
    metrics.gauge("maild_journal_failed", "1 when the journal failed and nothing is acknowledged",
                  [&server] { return server.gate.failed() ? 1.0 : 0.0; });
    metrics.gauge("maild_open_accounts", "Account databases open",
                  statistic(&Statistics::open_accounts));
    metrics.gauge("maild_journal_segments", "Segments of the journal",
                  statistic(&Statistics::segments));
    metrics.gauge("maild_journal_bytes", "Octets of the journal",
                  statistic(&Statistics::journal_bytes));
    metrics.counter_from("maild_journal_flushes", "Flushes of the journal",
                         statistic(&Statistics::flushes));
    metrics.counter_from("maild_journal_records", "Records written to the journal",
                         statistic(&Statistics::records));
}

}  // namespace quorate::mail
