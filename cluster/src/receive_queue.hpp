#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cluster/circuit.hpp"
#include "frame.hpp"

namespace quorate::cluster {

// What a circuit receives: drops what it has seen, refuses what is of an older epoch than this
// node's, holds what is of a newer one.
class ReceiveQueue {
public:
    enum class Fate { kTaken, kSeen, kGap, kTooMuch };
    // kTaken: take() may have something. kGap, kTooMuch: the peer breaks the protocol.
    Fate accept(Frame frame);
    // The next message of epoch `current`, in order.
    std::optional<Message> take(Epoch current);

    // The last sequence that was handed on or refused: what is acknowledged.
    std::uint64_t done() const { return done_; }
    std::uint64_t refused() const { return refused_; }
    void restart() { *this = ReceiveQueue(refused_); }

    ReceiveQueue() = default;

private:
    explicit ReceiveQueue(std::uint64_t refused) : refused_(refused) {}

    std::deque<Message> held_;  // the first has sequence done_ + 1
    std::size_t held_bytes_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace quorate::cluster
