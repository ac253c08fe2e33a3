#include "disk_vote.hpp"

#include "mutation.hpp"

namespace quorate::cluster {

bool DiskVote::hear(const QuorumDisk& told) {
    const bool anew = told.votes > 0 && told.hold != told_.hold && !mutated("hold_goes_on");
    told_ = told;
    if (anew) {
        read_ = 0;
    }
    return anew;
}

bool DiskVote::is_of(std::optional<RingId> ring, MonoTime now) const {
    return held(now) && (ring == told_.ring || mutated("disk_of_any_ring"));
}

bool DiskVote::counts(std::optional<RingId> ring, MonoTime now) const {
    return is_of(ring, now) && (told_.read == read_ || mutated("stale_disk_floor"));
}

std::optional<ReadDisk> DiskVote::read(std::optional<RingId> ring, MonoTime now) {
    if (!is_of(ring, now) || read_ != 0) {
        return std::nullopt;
    }
    read_ = ++reads_;
    return ReadDisk{read_};
}

bool DiskVote::held_since_vouched(MonoTime now) const {
    return held(now) && (told_.hold == vouched_hold_ || mutated("hold_goes_on"));
}

std::optional<MonoTime> DiskVote::deadline(MonoTime now) const {
    return held(now) ? std::optional(told_.deadline) : std::nullopt;
}

}  // namespace quorate::cluster
