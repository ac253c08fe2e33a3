#include "trust.hpp"

#include "mutation.hpp"

namespace quorate::quorum {
namespace {
constexpr std::uint32_t kCleanCycles = 4;
}

void Trust::told(BootTime now, NodeId peer, std::vector<Advert::Written> written) {
    told_[peer] = {now, std::move(written)};
}

std::string Trust::problem(const Slots& slots, const DiskUsed& disk, Uuid cluster,
                           const Disks::ReadEnded& ended) const {
    const auto& header = slots.header(disk.number);
    if (!header) {
        return header.error().to_string();
    }
    if (header->cluster != cluster || header->disk != disk.uuid || header->timing != timing_) {
        return "another disk";
    }
    const auto& own = slots.on(disk.number, self_).heartbeat;
    // An unknown one may just be under way.
    if (ended.own > 0 && own.known != Known::kUnknown && own.page.sequence < ended.own) {
        return "what was written is not there";
    }
    if (mutated("believe_any_disk")) {
        return {};
    }
    for (const auto& [peer, told] : told_) {
        const auto& page = slots.on(disk.number, peer).heartbeat;
        for (const auto& written : told.written) {
            if (written.disk == disk.uuid && told.when <= ended.submitted &&
                page.known != Known::kUnknown && page.page.sequence < written.sequence) {
                return "what a peer has written is not there";
            }
        }
    }
    return {};
}

Trust::Finding Trust::judge(BootTime now, const Slots& slots, const DiskUsed& disk, Uuid cluster,
                            const Disks::ReadEnded& ended) {
    auto& state = disks_[disk.number.value()];
    const auto& own = slots.on(disk.number, self_).heartbeat;
    Finding finding;
    if (ended.own > 0 && own.known == Known::kSound && own.page.incarnation != incarnation_) {
        finding.foreign = true;
        finding.problem = "another voter writes this node's page";
    } else {
        finding.problem = problem(slots, disk, cluster, ended);
    }
    if (!finding.problem.empty()) {
        revoke(disk.number);
        return finding;
    }
    const bool late = now - ended.submitted > timing_.late_io;
    if (late && !trusted_.has(disk.number)) {
        state.clean = 0;
    } else if (state.wrote && !late && ended.own > 0 && own.known == Known::kSound) {
        state.wrote = false;
        state.last_clean = now;
        count(disk.number);
    }
    return finding;
}

void Trust::count(DiskNumber disk) {
    if (++disks_[disk.value()].clean >= kCleanCycles || mutated("no_probe")) {
        trusted_.add(disk);
    }
}

void Trust::revoke(DiskNumber disk) {
    disks_[disk.value()].clean = 0;
    trusted_.remove(disk);
}

void Trust::expire(BootTime now) {
    for (std::uint8_t n = 0; n < kMaxDisks; ++n) {
        const DiskNumber disk(n);
        if (trusted_.has(disk) && now - disks_[n].last_clean > timing_.lease) {
            revoke(disk);
        }
    }
}

}  // namespace quorate::quorum
