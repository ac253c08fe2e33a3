#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "disk_model.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing::simulator {

// What clients saw, and so what they may see (invariants I1 and I2 of the README). Each block has
// one writer at a time, as if it held a lock.
class History {
public:
    explicit History(std::uint64_t blocks) : blocks_(blocks) {}

    void write_begins(Opener opener, std::uint64_t id, Extent extent, std::uint64_t value);
    void write_acknowledged(std::uint64_t id, bool durable);
    void read_begins(std::uint64_t id, Extent extent);
    void read_ends(std::uint64_t id, const std::vector<std::uint64_t>& values);
    void flush_begins(std::uint64_t id);
    void flush_acknowledged(std::uint64_t id);
    // What it had under way will never be acknowledged, but may take effect until declared lost.
    void opener_died(Opener opener);
    void declared_lost(Opener opener);
    // Every source lost its power: what was not flushed may be lost.
    void caches_lost();
    // Answered as not done: it may have been begun nowhere, and takes no effect later.
    void write_refused(std::uint64_t id);
    void forget(std::uint64_t id) { reads_.erase(id); }
    bool is_writing(Extent extent) const;

    bool allows(std::uint64_t lbn, std::uint64_t value) const {
        return blocks_[lbn].possible.contains(value);
    }
    std::string possible(std::uint64_t lbn) const;
    const std::string& breach() const { return breach_; }
    std::uint64_t reads_checked() const { return checked_; }
    std::uint64_t acknowledged() const { return acknowledged_; }

private:
    struct Block {
        std::set<std::uint64_t> possible{0};
        std::vector<std::uint64_t> log{0};  // values in the order written
        std::size_t acknowledged = 0;       // index in log
        std::size_t durable = 0;
        std::uint64_t writes = 0;  // acknowledged
        std::set<Opener> open;     // who may still change it
    };
    struct Write {
        Opener opener = 0;
        Extent extent;
        std::uint64_t value = 0;
        std::uint64_t losses = 0;     // of caches, before it began
        std::vector<std::size_t> at;  // index in the log of each block
    };
    struct Read {
        Extent extent;
        std::vector<std::set<std::uint64_t>> allowed;
        std::vector<std::uint64_t> writes;  // to each block, before it began
        std::uint64_t losses = 0;           // of caches, before it began
    };
    void widen(std::uint64_t lbn, std::uint64_t value);

    std::vector<Block> blocks_;
    std::map<std::uint64_t, Write> writes_;
    std::map<std::uint64_t, Read> reads_;
    std::map<std::uint64_t, std::vector<std::size_t>> flushes_;
    std::uint64_t losses_ = 0;
    std::string breach_;
    std::uint64_t checked_ = 0;
    std::uint64_t acknowledged_ = 0;
};

}  // namespace quorate::shadowing::simulator
