#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "shadowing/intent_block.hpp"

// One opener's hot regions: a write begins when all its regions are durably in the write-intent log
// of every member, which costs nothing while they stay there. The rules of the writer are those of
// docs/formats/write-intent-log.md.
//
// Call order: begin() per write, and end() when it is over on every member; after each of them, and
// after written(), flushed() and at deadline(), ask next() for a block to make durable and
// wants_flush() for a flush of all members. Blocks are numbered, one is under way at a time.
//
// Limits: hot_max regions; a write has at most so many. What does not fit waits, first come first
// served.
namespace quorate::shadowing {

struct IntentOptions {
    Id128 set;
    OpenerSlot slot;
    cluster::MemberId opener;
    std::uint8_t region_shift = 10;
    std::uint64_t set_blocks = 0;
    std::size_t hot_max = kMaxHotRegions;
    // A region without a write for so long is left out; one that is needed again meanwhile costs
    // nothing.
    std::chrono::milliseconds clear_after{10'000};
};

class IntentLog {
public:
    using Ticket = std::uint64_t;

    // `last`: the newest block that any member has in this slot; it names no region any more. Its
    // change map is carried on.
    IntentLog(IntentOptions options, const std::optional<IntentBlock>& last);

    // A write wants to begin. True: it may. False: it may when take_ready() says its ticket.
    bool begin(Ticket ticket, Extent extent);
    // It ended on every member that counts, or was never begun there.
    void end(BootTime now, Extent extent);

    // A block to make durable on every member; then written(). Nothing: none is wanted now.
    std::optional<IntentBlock> next(BootTime now, std::uint64_t epoch);
    void written();
    // A member has come that has none of our blocks: the next one is due although nothing changed.
    void refresh();

    // From now on what is left out is kept in the change map that began with this generation; 0: no
    // map is kept. The next block is due. `set_blocks`: the set may have grown.
    void keep_changes(std::uint64_t since, std::uint64_t set_blocks);

    // Take the mark, begin a flush of every member, and say so when it succeeded on all: what ended
    // before the mark may be left out.
    std::uint64_t mark() const { return ended_; }
    void flushed(std::uint64_t mark);
    // Regions wait to be left out for want of a flush. As of the last next().
    bool wants_flush() const;

    // No write comes any more: everything is left out as soon as it may be.
    void close();
    bool closed() const {
        return closing_ && regions_.empty() && waiting_.empty() && !under_way_ && !refresh_;
    }

    std::vector<Ticket> take_ready() { return std::exchange(ready_, {}); }
    std::optional<BootTime> deadline() const { return under_way_ ? std::nullopt : check_at_; }
    std::size_t hot() const { return regions_.size(); }
    std::uint64_t blocks_written() const { return blocks_; }

private:
    enum class State { kWanted, kEntering, kHot };
    struct Region {
        State state = State::kWanted;
        std::uint32_t writes = 0;      // that are under way in it, or wait for it
        std::uint64_t last_ended = 0;  // number of the end() of the newest one
        BootTime idle_since;
    };
    using Regions = std::map<std::uint32_t, Region>;
    struct Waiting {
        Ticket ticket = 0;
        Extent extent;
    };

    std::pair<std::uint32_t, std::uint32_t> span(Extent extent) const;
    bool fits(Extent extent) const;
    void admit(const Waiting& write);
    void admit_waiting();
    bool is_hot(Extent extent) const;
    bool is_clean(const Region& region) const {
        return region.writes == 0 && region.last_ended <= covered_;
    }
    bool is_idle(BootTime now, const Region& region) const;
    std::size_t surplus() const {
        return regions_.size() > options_.hot_max ? regions_.size() - options_.hot_max : 0;
    }
    bool make_room();
    bool leave_out_idle(BootTime now);

    void leave_out(std::uint32_t region);

    IntentOptions options_;
    IntentBlock block_;  // the one written last; and the change map
    Regions regions_;
    std::size_t busy_ = 0;              // regions with writes
    std::size_t wanted_ = 0;            // regions that no block has yet
    std::deque<Waiting> waiting_;       // do not fit
    std::vector<Waiting> for_durable_;  // admitted, wait for a block
    std::vector<Ticket> ready_;
    std::uint64_t ended_ = 0;
    std::uint64_t covered_ = 0;
    std::uint64_t blocks_ = 0;
    bool under_way_ = false;
    bool closing_ = false;
    bool refresh_ = false;
    std::optional<BootTime> check_at_;  // when to look for idle regions
    bool idle_unflushed_ = false;       // some would be left out but for a flush
};

}  // namespace quorate::shadowing
