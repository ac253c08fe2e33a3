#include "metrics.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "io/time.hpp"
#include "version.hpp"

namespace quorate::cluster {
namespace {

using Kind = io::Metrics::Kind;
using Samples = std::vector<io::Metrics::Sample>;
using io::label;

class ClusterMetrics {
public:
    ClusterMetrics(io::Metrics& metrics, const MachineShell& machine)
        : metrics_(metrics), machine_(machine) {}

    template <class Read>
    void gauge(const char* name, const char* help, Read read) {
        metrics_.gauge(name, help, [&machine = machine_, read] {
            return static_cast<double>(read(machine.status()));
        });
    }
    template <class Read>
    void of_circuits(const char* name, const char* help, Kind kind, Read read) {
        metrics_.samples_from(name, help, kind, [&machine = machine_, read] {
            Samples samples;
            for (const auto& circuit : machine.status().circuits) {
                samples.push_back(
                    {label("node", circuit.name), static_cast<double>(read(circuit))});
            }
            return samples;
        });
    }
    // Nothing where `read` has nothing.
    template <class Read>
    void of_rings(const char* name, const char* help, Read read) {
        metrics_.samples_from(name, help, Kind::kGauge, [&machine = machine_, read] {
            Samples samples;
            for (const auto& circuit : machine.status().circuits) {
                for (const auto& ring : circuit.rings) {
                    if (const std::optional<double> value = read(ring)) {
                        samples.push_back(
                            {label("node", circuit.name) + fmt::format(",ring=\"{}\"", ring.ring),
                             *value});
                    }
                }
            }
            return samples;
        });
    }

private:
    io::Metrics& metrics_;
    const MachineShell& machine_;
};

double seconds(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1e6; }

void add_view(ClusterMetrics& metrics) {
    using Status = MachineStatus;
    metrics.gauge("clusterd_epoch", "Epoch of the view; 0: none",
                  [](const Status& now) { return now.view ? now.view->epoch.value() : 0; });
    metrics.gauge("clusterd_members", "Members of the view",
                  [](const Status& now) { return now.view ? now.view->members.size() : 0; });
    metrics.gauge(
        "clusterd_votes", "Votes of the members and the quorum disk", [](const Status& now) {
            std::uint32_t votes = now.view ? now.view->disk_votes : 0;
            for (const auto& member : now.view ? now.view->members : std::vector<Member>()) {
                votes += member.votes;
            }
            return votes;
        });
    metrics.gauge("clusterd_quorate", "1 when the view has quorum",
                  [](const Status& now) { return now.quorate ? 1 : 0; });
    metrics.gauge(
        "clusterd_lease_running", "1 when this node may touch what is shared",
        [](const Status& now) { return now.lease.state == LeaseState::kRunning ? 1 : 0; });
    metrics.gauge(
        "clusterd_lease_remaining_seconds",
        "Until the lease ends; 0 when it does not run, or never ends",
        [](const Status& now) { return now.lease.remaining ? seconds(*now.lease.remaining) : 0; });
    metrics.gauge("clusterd_takeovers_waiting", "Lost lives not yet taken over from",
                  [](const Status& now) { return now.takeovers.size(); });
}

void add_circuits(ClusterMetrics& metrics) {
    using Circuit = CircuitStatus;
    metrics.of_circuits("clusterd_circuit_sent_messages", "Messages sent", Kind::kCounter,
                        [](const Circuit& c) { return c.sent_messages; });
    metrics.of_circuits("clusterd_circuit_sent_bytes", "Octets of messages sent", Kind::kCounter,
                        [](const Circuit& c) { return c.sent_bytes; });
    metrics.of_circuits("clusterd_circuit_received_messages", "Messages received", Kind::kCounter,
                        [](const Circuit& c) { return c.received_messages; });
    metrics.of_circuits("clusterd_circuit_received_bytes", "Octets of messages received",
                        Kind::kCounter, [](const Circuit& c) { return c.received_bytes; });
    metrics.of_circuits("clusterd_circuit_resent_messages", "Messages sent again on another ring",
                        Kind::kCounter, [](const Circuit& c) { return c.resent_messages; });
    metrics.of_circuits("clusterd_circuit_refused_messages", "Messages of another epoch, refused",
                        Kind::kCounter, [](const Circuit& c) { return c.refused_messages; });
    metrics.of_circuits("clusterd_circuit_queued_messages", "Messages not yet acknowledged",
                        Kind::kGauge, [](const Circuit& c) { return c.queued_messages; });
    metrics.of_circuits("clusterd_circuit_queued_bytes", "Octets not yet acknowledged",
                        Kind::kGauge, [](const Circuit& c) { return c.queued_bytes; });
    metrics.of_rings("clusterd_ring_up", "1 when the ring to this node is up",
                     [](const RingStatus& ring) { return std::optional(ring.up ? 1.0 : 0.0); });
    metrics.of_rings("clusterd_ring_round_trip_seconds",
                     "Round trip of heartbeats, each of the newest counting an eighth",
                     [](const RingStatus& ring) {
                         return ring.round_trip ? std::optional(seconds(*ring.round_trip))
                                                : std::nullopt;
                     });
}

}  // namespace

void add_metrics(io::Metrics& metrics, const MachineShell& machine, const PeerListener& listener,
                 const Chronicle& chronicle) {
    metrics.gauge(
        "clusterd_build_info", "The version that runs", [] { return 1.0; },
        label("version", kVersion));
    ClusterMetrics cluster(metrics, machine);
    add_view(cluster);
    metrics.counter_from("clusterd_transitions", "Views committed since the start",
                         [&machine] { return static_cast<double>(machine.status().transitions); });
    metrics.counter_from("clusterd_peer_refusals", "Connections of strangers, refused",
                         [&listener] { return static_cast<double>(listener.refused()); });
    metrics.gauge("clusterd_members_refused", "Nodes that may not be members",
                  [&chronicle] { return static_cast<double>(chronicle.refusals().size()); });
    add_circuits(cluster);
}

void add_ping_metrics(io::Metrics& metrics, const Ping& ping) {
    metrics.counter_from("clusterd_ping_out_of_sequence",
                         "Messages of pings that came where another was due",
                         [&ping] { return static_cast<double>(ping.out_of_sequence()); });
}

void add_busy_poll_metrics(io::Metrics& metrics, const io::BusyPollCounts& counts) {
    const auto counter = [&](const char* name, const char* help, auto read) {
        metrics.counter_from(name, help, [&counts, read] { return double(read(counts)); });
    };
    using Counts = io::BusyPollCounts;
    counter("clusterd_busy_poll_looks", "Looks for the next event before a sleep",
            [](const Counts& now) { return now.looks; });
    counter("clusterd_busy_poll_found", "Events that they found: sleeps that were not needed",
            [](const Counts& now) { return now.found; });
    counter("clusterd_busy_poll_spent_seconds", "Time spent looking in vain",
            [](const Counts& now) { return std::chrono::duration<double>(now.spent).count(); });
}

void add_fencer_metrics(io::Metrics& metrics, const FencerDesk& desk) {
    const auto each = [&](const char* name, const char* help, auto read) {
        metrics.samples_from(name, help, Kind::kGauge, [&desk, read] {
            Samples samples;
            for (const auto& [fencer, entry] : desk.fencers()) {
                samples.push_back({label("fencer", fencer), read(entry)});
            }
            return samples;
        });
    };
    using Fencer = FencerDesk::Fencer;
    each("clusterd_fencer_attached", "1 when the program of this outside fencer is there",
         [](const Fencer& fencer) { return fencer.session != 0 ? 1.0 : 0.0; });
    each("clusterd_fencer_unconfirmed", "Lost lives that this fencer has yet to confirm",
         [](const Fencer& fencer) { return static_cast<double>(fencer.requests.size()); });
    each("clusterd_fencer_wait_seconds", "For how long the oldest of them has been waited for",
         [](const Fencer& fencer) {
             auto oldest = io::wall_now();
             for (const auto& [lost, request] : fencer.requests) {
                 oldest = std::min(oldest, request.asked);
             }
             return std::chrono::duration<double>(io::wall_now() - oldest).count();
         });
}

}  // namespace quorate::cluster
