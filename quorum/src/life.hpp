#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"
#include "quorum/timing.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// Until when this node may keep its machine alive: as long as others, by its page or by what it
// asks of them, can tell that it runs. Independent of votes.
class Life {
public:
    explicit Life(const Timing& timing) : timing_(timing) {}

    // A heartbeat was submitted; it was read back.
    void submitted(BootTime now, std::uint64_t sequence);
    void confirmed(std::uint64_t sequence);
    // All of a ring with votes enough knew of this node at that time.
    void known(BootTime at);
    BootTime until() const { return until_; }
    bool runs(BootTime now) const { return now < until_; }

private:
    struct Beat {
        std::uint64_t sequence = 0;
        BootTime submitted;
    };
    Timing timing_;
    std::deque<Beat> beats_;
    BootTime until_;
};

// What members of one ring tell a node that asks whether they hear it: together, that the ring
// still stood at some moment after it asked.
class Words {
public:
    // Two lives of a voter never put the same question.
    Words(const Timing& timing, std::uint64_t first) : timing_(timing), nonce_(first) {}

    // A new question to those; what was answered to older ones does not count.
    std::uint64_t ask(BootTime now, NodeSet others);
    // One of them answered; `age` before that its own votequorum had told it so.
    void heard(NodeId from, std::uint64_t nonce, std::chrono::microseconds age);
    // Every one has, but for that node. The ring stood then, by this node's clock.
    std::optional<BootTime> all_heard(NodeId but = NodeId()) const;
    void forget() { stood_.reset(); }

private:
    Timing timing_;
    std::uint64_t nonce_;
    BootTime asked_;
    std::optional<BootTime> stood_;  // if those who are missing say so too
    NodeSet missing_;
};

}  // namespace quorate::quorum
