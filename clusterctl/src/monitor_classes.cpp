#include "monitor_classes.hpp"

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "open_metrics.hpp"

namespace quorate::ctl {
namespace {

double figure(const json::object& object, const char* key) {
    return static_cast<double>(number_of(object, key));
}

std::vector<Reading> read_cluster(const Context& context) {
    const auto view = context.cluster.get("/v1/cluster");
    std::vector<Reading> readings{
        {"transitions since start", "", false, figure(view, "transitions")}};
    for (const auto& item : array_of(view, "circuits")) {
        const auto& circuit = item.as_object();
        const auto peer = text_of(circuit, "node");
        const auto add = [&](const char* what, const char* unit, bool counter, const char* key) {
            readings.push_back(
                {fmt::format("{}: {}", peer, what), unit, counter, figure(circuit, key)});
        };
        add("messages sent", "/s", true, "sent_messages");
        add("messages received", "/s", true, "received_messages");
        add("bytes sent", "/s", true, "sent_bytes");
        add("bytes received", "/s", true, "received_bytes");
        add("messages resent", "/s", true, "resent_messages");
        add("bytes queued", "", false, "queued_bytes");
    }
    return readings;
}

std::vector<Reading> read_lease(const Context& context) {
    const auto view = context.cluster.get("/v1/cluster");
    std::vector<Reading> readings{
        {"lease left", "ms", false, figure(object_of(view, "lease"), "remaining_ms")}};
    for (const auto& item : array_of(view, "circuits")) {
        const auto& circuit = item.as_object();
        for (const auto& row : array_of(circuit, "rings")) {
            const auto& ring = row.as_object();
            if (text_of(ring, "state") == "up") {
                readings.push_back({fmt::format("{}: round trip, ring {}", text_of(circuit, "node"),
                                                number_of(ring, "ring")),
                                    "us", false, figure(ring, "round_trip_us")});
            }
        }
    }
    return readings;
}

std::vector<Reading> read_mail(const Context& context) {
    const auto text = context.api.text("/metrics");
    std::vector<Reading> readings{
        {"sessions", "", false, metric_sum(text, "maild_sessions")},
        {"open accounts", "", false, metric_sum(text, "maild_open_accounts")},
    };
    constexpr struct {
        const char* item;
        const char* metric;
    } kCounters[] = {{"connections", "maild_connections_total"},
                     {"logins", "maild_logins_total"},
                     {"logins refused", "maild_login_failures_total"},
                     {"messages delivered", "maild_delivered_messages_total"},
                     {"bytes delivered", "maild_delivered_bytes_total"},
                     {"IMAP commands", "maild_imap_command_seconds_count"},
                     {"journal flushes", "maild_journal_flushes_total"}};
    for (const auto& counter : kCounters) {
        readings.push_back({counter.item, "/s", true, metric_sum(text, counter.metric)});
    }
    return readings;
}

struct LockFigure {
    const char* item;
    const char* metric;
    bool counter = true;
};

std::vector<Reading> read_locks(const Context& context, const std::vector<LockFigure>& figures) {
    const auto text = context.cluster.text("/metrics");
    std::vector<Reading> readings;
    for (const auto& one : figures) {
        readings.push_back(
            {one.item, one.counter ? "/s" : "", one.counter, metric_sum(text, one.metric)});
    }
    return readings;
}

std::vector<Reading> read_lock(const Context& context) {
    return read_locks(context, {{"locks", "clusterd_locks", false},
                                {"resources", "clusterd_lock_resources", false},
                                {"clients", "clusterd_lock_clients", false},
                                {"requests completed", "clusterd_lock_completions_total"},
                                {"locks granted", "clusterd_lock_wait_seconds_count"},
                                {"locks released", "clusterd_lock_hold_seconds_count"},
                                {"blocking events", "clusterd_lock_blocking_events_total"}});
}

std::vector<Reading> read_dlock(const Context& context) {
    return read_locks(context,
                      {{"directory entries", "clusterd_lock_directory_entries", false},
                       {"messages unacknowledged", "clusterd_lock_messages_unacknowledged", false},
                       {"deadlocks", "clusterd_lock_deadlocks_total"}});
}

std::vector<Reading> read_rlock(const Context& context) {
    return read_locks(context, {{"trees", "clusterd_lock_trees", false},
                                {"trees mastered here", "clusterd_lock_trees_mastered", false},
                                {"recovery under way", "clusterd_lock_recovering", false},
                                {"trees moved", "clusterd_lock_tree_moves_total"}});
}

}  // namespace

const std::vector<MonitorClass>& monitor_classes() {
    static const std::vector<MonitorClass> kClasses{
        {"cluster", "CLUSTER INTERCONNECT STATISTICS", read_cluster},
        {"lease", "LEASE STATISTICS", read_lease},
        {"mail", "MAIL STATISTICS", read_mail},
        {"lock", "LOCK MANAGEMENT STATISTICS", read_lock},
        {"dlock", "DISTRIBUTED LOCK MANAGEMENT STATISTICS", read_dlock},
        {"rlock", "DYNAMIC LOCK REMASTERING STATISTICS", read_rlock}};
    return kClasses;
}

}  // namespace quorate::ctl
