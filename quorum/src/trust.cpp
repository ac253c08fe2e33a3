#include "trust.hpp"

#include <algorithm>

#include "mutation.hpp"

namespace quorate::quorum {
namespace {
constexpr std::uint32_t kCleanCycles = 4;
constexpr std::size_t kMaxTold = 2 * kMaxDisks;  // disks, of one peer
}  // namespace

void Trust::told(BootTime now, NodeId peer, const Advert& advert) {
    note(told_[peer], now, advert.written);
    // A claim that was lost may be greater than all that the peer's next life writes.
    auto& claims = claimed_[peer];
    std::erase_if(claims, [&](const Told& one) {
        const auto newer = [&](const Advert::Written& said) {
            return said.disk == one.disk && said.sequence < one.sequence;
        };
        return std::ranges::any_of(advert.claimed, newer) ||
               std::ranges::find(advert.written, one.disk, &Advert::Written::disk) !=
                   advert.written.end();
    });
    note(claims, now, advert.claimed);
}

void Trust::note(std::vector<Told>& known, BootTime now,
                 const std::vector<Advert::Written>& written) {
    for (const auto& one : written) {
        const auto it = std::ranges::find(known, one.disk, &Told::disk);
        if (it == known.end()) {
            known.push_back({one.disk, one.sequence, now});
        } else if (it->sequence < one.sequence) {
            *it = {one.disk, one.sequence, now};
        }
    }
    while (known.size() > kMaxTold) {
        known.erase(known.begin());
    }
}

// A page that was told of cannot be read: it may lack as much as an old one.
bool Trust::unread(const ToldBy& told, const Slots& slots, const DiskUsed& disk) {
    return std::ranges::any_of(told, [&](const auto& one) {
        return slots.on(disk.number, one.first).heartbeat.known == Known::kUnknown &&
               std::ranges::find(one.second, disk.uuid, &Told::disk) != one.second.end();
    });
}

// Something that was told before the reading began.
bool Trust::lacks(const ToldBy& told, const Slots& slots, const DiskUsed& disk,
                  const Disks::ReadEnded& ended) {
    for (const auto& [peer, list] : told) {
        const auto& page = slots.on(disk.number, peer).heartbeat;
        for (const auto& written : list) {
            if (written.disk == disk.uuid && written.when <= ended.submitted &&
                page.known != Known::kUnknown && page.page.sequence < written.sequence) {
                return true;
            }
        }
    }
    return false;
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
    const bool lacking = lacks(told_, slots, disk, ended) ||
                         (!trusted_.has(disk.number) && lacks(claimed_, slots, disk, ended));
    return lacking ? "what a peer has written is not there" : "";
}

Trust::Finding Trust::judge(BootTime now, const Slots& slots, const DiskUsed& disk, Uuid cluster,
                            const Disks::ReadEnded& ended) {
    auto& state = disks_[disk.number.value()];
    const auto& own = slots.on(disk.number, self_).heartbeat;
    Finding finding;
    if (ended.own > 0 && own.known == Known::kSound && own.page.incarnation != incarnation_ &&
        !mutated("ignore_foreign")) {
        finding.foreign = true;
        finding.problem = "another voter writes this node's page";
    } else {
        finding.problem = problem(slots, disk, cluster, ended);
    }
    if (!finding.problem.empty()) {
        revoke(disk.number);
        sane_.remove(disk.number);
        return finding;
    }
    sane_.add(disk.number);
    const bool late = now - ended.submitted > timing_.late_io;
    const bool doubtful = late || unread(told_, slots, disk);
    if (doubtful && !trusted_.has(disk.number)) {
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

void Trust::expire(BootTime now, std::chrono::milliseconds patience) {
    for (std::uint8_t n = 0; n < kMaxDisks; ++n) {
        const DiskNumber disk(n);
        if (trusted_.has(disk) && now >= disks_[n].last_clean + patience) {
            revoke(disk);
        }
    }
}

BootTime Trust::deadline(std::chrono::milliseconds patience) const {
    auto next = BootTime::max();
    for (std::uint8_t n = 0; n < kMaxDisks; ++n) {
        if (trusted_.has(DiskNumber(n))) {
            next = std::min(next, disks_[n].last_clean + patience);
        }
    }
    return next;
}

}  // namespace quorate::quorum
