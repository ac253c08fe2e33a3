#pragma once

#include <cstdint>
#include <optional>

#include "cluster/membership.hpp"

namespace quorate::cluster {

// The quorum disk's votes as quorumd told of them last, and what was read from it in this round.
class DiskVote {
public:
    // `incarnation`: this process's, so that no read is taken for an earlier process's.
    explicit DiskVote(Incarnation incarnation) : reads_(incarnation.value()) {}

    // True: the votes are this node's anew. What was read and agreed before, others may have
    // overtaken since.
    bool hear(const QuorumDisk& told);

    // The votes count only for the ring that they were won for: after a split the halves may both
    // still hold what they held together.
    bool is_of(std::optional<RingId> ring, MonoTime now) const;
    // And only with a floor read in this round.
    bool counts(std::optional<RingId> ring, MonoTime now) const;
    std::uint32_t votes() const { return told_.votes; }
    const Floor& floor() const { return told_.floor; }

    void round_begins() { read_ = 0; }
    // What to ask quorumd for, if this round has not asked yet.
    std::optional<ReadDisk> read(std::optional<RingId> ring, MonoTime now);

    void vouches() { vouched_hold_ = told_.hold; }
    // Under the hold at that time.
    bool held_since_vouched(MonoTime now) const;
    // When the votes end that are this node's now.
    std::optional<MonoTime> deadline(MonoTime now) const;

private:
    bool held(MonoTime now) const { return told_.votes > 0 && now < told_.deadline; }

    QuorumDisk told_;
    std::uint64_t read_ = 0;  // of this round; 0: not asked
    std::uint64_t reads_;
    std::uint64_t vouched_hold_ = 0;
};

}  // namespace quorate::cluster
