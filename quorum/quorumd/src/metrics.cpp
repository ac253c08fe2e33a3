#include "metrics.hpp"

#include <functional>
#include <utility>

#include "io/time.hpp"
#include "version.hpp"

namespace quorate::quorum {
namespace {

using Kind = io::Metrics::Kind;
using Samples = std::vector<io::Metrics::Sample>;
using io::label;

class Writer {
public:
    Writer(io::Metrics& metrics, const Parts& parts) : metrics_(metrics), parts_(parts) {}

    // Of the voter; 0 while there is none.
    template <class Read>
    void gauge(const char* name, const char* help, Read read) {
        metrics_.gauge(name, help, [&parts = parts_, read] {
            return parts.voter ? static_cast<double>(read(parts.voter->status())) : 0.0;
        });
    }
    template <class Read>
    void of_disks(const char* name, const char* help, Kind kind, Read read) {
        metrics_.samples_from(name, help, kind, [&parts = parts_, read] {
            Samples samples;
            for (const auto* place :
                 parts.disks ? parts.disks->places() : std::vector<const DiskBench::Place*>()) {
                samples.push_back(
                    {label("disk", place->disk.path), static_cast<double>(read(*place))});
            }
            return samples;
        });
    }

private:
    io::Metrics& metrics_;
    const Parts& parts_;
};

void add_voter(Writer& metrics) {
    using Status = VoterStatus;
    metrics.gauge("quorumd_epoch", "Newest award of the disk's votes that this node knows",
                  [](const Status& now) { return now.epoch.value(); });
    metrics.gauge("quorumd_held_epoch", "Newest award that this node held",
                  [](const Status& now) { return now.held.value(); });
    metrics.gauge("quorumd_state", "State of the voter, numbered as on the disk",
                  [](const Status& now) { return static_cast<int>(now.state); });
    metrics.gauge("quorumd_casting", "1 while this node casts the disk's votes",
                  [](const Status& now) { return now.casting ? 1 : 0; });
    metrics.gauge("quorumd_trusted", "1 when the disk shows what is there",
                  [](const Status& now) { return now.trusted ? 1 : 0; });
    metrics.gauge("quorumd_lease_remaining_seconds", "Until the lease ends; 0: it does not run",
                  [](const Status& now) {
                      const auto left = now.lease ? *now.lease - io::exact_boot_now()
                                                  : std::chrono::microseconds(0);
                      return std::chrono::duration<double>(left).count();
                  });
    metrics.gauge("quorumd_members", "Nodes of this node's ring",
                  [](const Status& now) { return now.members.size(); });
    metrics.gauge("quorumd_silent_nodes", "Nodes whose page does not change",
                  [](const Status& now) { return now.silent.size(); });
}

void add_disks(Writer& metrics) {
    using Place = DiskBench::Place;
    metrics.of_disks("quorumd_disk_opened", "1 when the disk is in use", Kind::kGauge,
                     [](const Place& place) { return place.opened ? 1 : 0; });
    metrics.of_disks("quorumd_disk_reads", "Readings of all pages", Kind::kCounter,
                     [](const Place& place) { return place.reads; });
    metrics.of_disks("quorumd_disk_writes", "Pages written", Kind::kCounter,
                     [](const Place& place) { return place.writes; });
    metrics.of_disks("quorumd_disk_errors", "I/Os that failed", Kind::kCounter,
                     [](const Place& place) { return place.errors; });
    metrics.of_disks("quorumd_disk_late", "I/Os that took longer than late_io", Kind::kCounter,
                     [](const Place& place) { return place.late; });
    metrics.of_disks(
        "quorumd_disk_last_io_seconds", "How long the last I/O took", Kind::kGauge,
        [](const Place& place) { return std::chrono::duration<double>(place.last).count(); });
}

}  // namespace

void add_metrics(io::Metrics& metrics, const Parts& parts) {
    metrics.gauge(
        "quorumd_build_info", "The version that runs", [] { return 1.0; },
        label("version", kVersion));
    metrics.gauge("quorumd_votes", "Votes that votequorum counts on this node", [&parts] {
        return parts.votes ? static_cast<double>(parts.votes->count().total) : 0.0;
    });
    metrics.gauge("quorumd_quorate", "1 when votequorum of this node has quorum",
                  [&parts] { return parts.votes && parts.votes->count().quorate ? 1.0 : 0.0; });
    Writer writer(metrics, parts);
    add_voter(writer);
    add_disks(writer);
}

}  // namespace quorate::quorum
