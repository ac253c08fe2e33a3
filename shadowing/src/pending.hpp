#pragma once

#include <optional>
#include <set>
#include <vector>

#include "operation.hpp"

// What openers that are gone left in their slots of the write-intent log.
namespace quorate::shadowing {

// What a lost opener left.
struct Pending {
    bool known = false;
    std::set<std::uint32_t> regions;
    bool held = false;  // this opener merges
    bool own = false;
    bool probing = false;  // not known yet whether its opener is lost
    bool asked = false;    // for the slot's lock
    // Its change map must be written to all members again, because one is new.
    bool spread_anew = false;
    // Who is lost: one that took the slot and died before it had merged what it found leaves it.
    std::set<cluster::MemberId> lost;
    std::optional<std::uint64_t> seen;  // a sequence, of another opener's block
    std::size_t reading = 0;
    std::uint64_t round = 0;  // of reading
    bool answered = false;
    std::optional<IntentBlock> best;
    enum class State : std::uint8_t {
        kWaiting,
        kReading,
        kMerging,
        kFlushing,
        kClearing,
        kDone
    } state = State::kWaiting;
    std::vector<Extent> left;  // chunks, last first
    std::size_t jobs = 0;
    std::uint64_t flush_round = 0;
    std::optional<IntentBlock> clearing;
    Fanout members;
    BootTime again_at;
};

// What a member that came back lacks: what the sources' write-intent logs say.
struct Changes {
    std::uint64_t round = 0;
    std::size_t waiting = 0;  // for answers
    bool known = false;
    bool failed = false;
    bool all = false;  // a slot is damaged
    std::set<std::uint32_t> regions = {};
    BootTime again_at = {};
};

// Whether a target has what the sources' write-intent logs say.
struct LogCheck {
    enum class State : std::uint8_t { kSource, kTarget, kDone } state = State::kSource;
    std::uint64_t round = 0;
    std::size_t waiting = 0;  // for answers
    bool behind = false;
    std::vector<std::uint64_t> needed = {};  // by slot: a sequence; 0: nothing is hot
    BootTime again_at = {};
};

}  // namespace quorate::shadowing
