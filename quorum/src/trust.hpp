#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "disks.hpp"
#include "message.hpp"
#include "slots.hpp"

namespace quorate::quorum {

// Whether what a disk shows is worth anything: its header is that of the disk it should be, what
// this node wrote is there, and what peers of the same ring say that they have written is there
// too. So a cache that shows old pages is found out while the cluster is whole.
class Trust {
public:
    Trust(NodeId self, Incarnation incarnation, Timing timing)
        : self_(self), incarnation_(incarnation), timing_(timing) {}

    // A peer said what it has written. It stays true whatever the peer says later, or does not say.
    // What it only claims keeps a disk from being trusted, but takes no trust away: the fault may
    // be on the peer's path.
    void told(BootTime now, NodeId peer, const Advert& advert);
    // A write of this node's heartbeat ended.
    void wrote(DiskNumber disk, bool in_time) { disks_[disk.value()].wrote = in_time; }
    struct Finding {
        bool foreign = false;  // another voter writes this node's page
        std::string problem;   // empty: a clean cycle, or half of one
    };
    // A reading of the disk ended.
    Finding judge(BootTime now, const Slots& slots, const DiskUsed& disk, Uuid cluster,
                  const Disks::ReadEnded& ended);
    // Those that did nothing right for so long.
    void expire(BootTime now, std::chrono::milliseconds patience);
    // When the first of them will have done nothing right for so long.
    BootTime deadline(std::chrono::milliseconds patience) const;
    void forget(DiskNumber disk) {
        disks_[disk.value()] = {};
        sane_.remove(disk);
    }

    DiskSet trusted() const { return trusted_; }
    // Those of which the last reading showed nothing wrong, trusted yet or not.
    DiskSet sane() const { return sane_; }

private:
    struct Disk {
        std::uint32_t clean = 0;
        bool wrote = false;
        BootTime last_clean;
    };
    std::string problem(const Slots& slots, const DiskUsed& disk, Uuid cluster,
                        const Disks::ReadEnded& ended) const;
    void revoke(DiskNumber disk);
    void count(DiskNumber disk);

    struct Told {
        Uuid disk;
        std::uint64_t sequence = 0;
        BootTime when;
    };
    using ToldBy = std::map<NodeId, std::vector<Told>>;
    static void note(std::vector<Told>& known, BootTime now,
                     const std::vector<Advert::Written>& written);
    static bool unread(const ToldBy& told, const Slots& slots, const DiskUsed& disk);
    static bool lacks(const ToldBy& told, const Slots& slots, const DiskUsed& disk,
                      const Disks::ReadEnded& ended);

    NodeId self_;
    Incarnation incarnation_;
    Timing timing_;
    std::array<Disk, kMaxDisks> disks_;
    DiskSet trusted_;
    ToldBy told_;
    ToldBy claimed_;
    DiskSet sane_;
};

}  // namespace quorate::quorum
