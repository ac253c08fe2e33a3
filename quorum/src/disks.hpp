#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quorum/voter.hpp"

namespace quorate::quorum {

class DiskSet {
public:
    constexpr bool has(DiskNumber disk) const { return (bits_ >> disk.value() & 1) != 0; }
    constexpr void add(DiskNumber disk) {
        bits_ = static_cast<std::uint8_t>(bits_ | 1U << disk.value());
    }
    constexpr void remove(DiskNumber disk) {
        bits_ = static_cast<std::uint8_t>(bits_ & ~(1U << disk.value()));
    }
    constexpr DiskSet operator&(DiskSet other) const {
        DiskSet both;
        both.bits_ = bits_ & other.bits_;
        return both;
    }
    constexpr bool operator==(const DiskSet&) const = default;

private:
    std::uint8_t bits_ = 0;
};

// A page of this node: its newest content, and how far each disk is.
struct OwnPage {
    std::uint64_t sequence = 0;   // of the newest content
    std::uint64_t completed = 0;  // the newest that a majority has, or has newer
    std::string bytes;
    std::array<std::uint64_t, kMaxDisks> on_disk{};  // the newest known to be there
    std::array<bool, kMaxDisks> busy{};
    std::array<std::uint32_t, kMaxDisks> side{};   // to be written next: not that of the newest
    std::array<BootTime, kMaxDisks> written_at{};  // when the last writing ended
};

// One reading of all pages, begun at one moment on every disk that was free.
struct Round {
    std::uint64_t number = 0;
    BootTime submitted;
    DiskSet begun;
    DiskSet done;
    std::uint64_t own = 0;      // the heartbeat that was on a majority when it began
    std::uint64_t witness = 0;  // and the witness page
    bool over = true;
};

// What is under way on the disks. Numbers I/Os, keeps one per disk and page (and one reading per
// disk) under way, and counts majorities.
class Disks {
public:
    explicit Disks(NodeId self) : self_(self) {}

    void use(const UseDisks& disks);
    const std::vector<DiskUsed>& all() const { return all_; }
    bool empty() const { return all_.empty(); }
    // Of the disks in use and, during a replacement, of those that follow.
    bool majority(DiskSet disks) const;

    // Of any disks, trusted or not.
    bool has(PageKind kind, std::uint64_t sequence) const;

    // ---- writing
    // Some writing of the page is under way.
    bool writes(PageKind kind) const {
        const auto& busy = pages_[index(kind)].busy;
        return std::ranges::find(busy, true) != busy.end();
    }
    void write(BootTime now, PageKind kind, std::uint64_t sequence, std::string bytes);
    // That disk shows the newest content already, under whatever number.
    void assume(PageKind kind, DiskNumber disk) {
        page(kind).on_disk[disk.value()] = page(kind).sequence;
    }
    // A reading that began then shows it on that side: a write may have been reported and lost.
    void seen(PageKind kind, DiskNumber disk, std::uint32_t side, BootTime begun) {
        const auto& own = page(kind);
        if (!own.busy[disk.value()] && begun > own.written_at[disk.value()]) {
            found(kind, disk, side);
        }
    }
    // It stands on that side there.
    void found(PageKind kind, DiskNumber disk, std::uint32_t side) {
        page(kind).side[disk.value()] = side == 0 ? 1 : 0;
    }
    const OwnPage& page(PageKind kind) const { return pages_[index(kind)]; }
    OwnPage& page(PageKind kind) { return pages_[index(kind)]; }
    struct WriteDone {
        PageKind kind{};
        DiskNumber disk;
        BootTime submitted;
        bool completed = false;  // a majority has a newer content than before
    };
    // Nothing: failed, or not one of ours. Only disks in `counted` make a majority.
    std::optional<WriteDone> written(BootTime now, const PageWritten& done, DiskSet counted);

    // ---- reading
    void read(BootTime now, std::uint32_t pages);
    struct ReadEnded {
        DiskNumber disk;
        BootTime submitted;
        std::uint64_t round = 0;
        bool ok = false;
        std::uint64_t own = 0;  // the heartbeat known to be on that disk when it began
    };
    std::optional<ReadEnded> read_ended(const PagesRead& done);
    const Round& round() const { return round_; }
    // One of its readings came; it has what it needs.
    void count(DiskNumber disk) { round_.done.add(disk); }
    void close_round() { round_.over = true; }

    VoterOutputs take() { return std::exchange(outputs_, {}); }

private:
    static std::size_t index(PageKind kind) {
        return static_cast<std::size_t>(kind) - static_cast<std::size_t>(PageKind::kHeartbeat);
    }
    void forget(DiskNumber disk);
    void submit(BootTime now, PageKind kind, DiskNumber disk);

    struct Writing {
        PageKind kind{};
        DiskNumber disk;
        std::uint64_t sequence = 0;
        BootTime submitted;
    };
    struct Reading {
        DiskNumber disk;
        BootTime submitted;
        std::uint64_t round = 0;
        std::uint64_t own = 0;
    };
    NodeId self_;
    std::vector<std::vector<DiskNumber>> sets_;
    std::vector<DiskUsed> all_;
    std::array<OwnPage, kPagesPerNode> pages_;
    std::map<IoId, Writing> writing_;
    std::map<IoId, Reading> reading_;
    Round round_;
    std::uint64_t next_ = 1;
    VoterOutputs outputs_;
};

}  // namespace quorate::quorum
