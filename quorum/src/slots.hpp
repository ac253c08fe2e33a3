#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "disks.hpp"
#include "quorum/ballot.hpp"
#include "quorum/header.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/request.hpp"
#include "quorum/witness.hpp"

namespace quorate::quorum {

enum class Known : std::uint8_t {
    kUnknown,  // not read, damaged, or foreign
    kBlank,
    kSound,
};

template <class Page>
struct Reading {
    Known known = Known::kUnknown;
    Page page;
    std::uint32_t side = 1;  // where it stands; the other is the one to write
};

// The pages of one node, as one disk has them or as a majority of disks shows them.
struct NodePages {
    Reading<Heartbeat> heartbeat;
    Reading<Ballot> ballot;
    Reading<RequestPage> request;
    Reading<WitnessPage> witness;
};

// How long a node's heartbeat page has been what it is.
struct Watch {
    std::uint64_t sequence = 0;  // the greatest ever seen
    Incarnation incarnation;
    BootTime since;  // the end of the first reading that showed it
    BootTime last;   // the beginning of the last that did
    std::uint32_t readings = 0;
};

// What has been read of all nodes' pages.
class Slots {
public:
    Slots() : slots_(kMaxNodes + 1) {}
    void identify(Uuid cluster) { cluster_ = cluster; }

    // One disk's pages, from page 0 on.
    void read(DiskNumber disk, std::string_view bytes);
    // What the last reading of that disk showed.
    const NodePages& on(DiskNumber disk, NodeId node) const;
    const Result<Header>& header(DiskNumber disk) const { return disks_[disk.value()]->header; }

    // What the disks in `done` show together: of each page the newest; known if a majority has it
    // sound or blank. The readings lie between `begun` and `now`.
    void merge(const Disks& disks, DiskSet done, NodeSet nodes, BootTime begun, BootTime now);

    // As of the last merge.
    const NodePages& of(NodeId node) const { return slots_[node.value()].pages; }
    const Watch& watch(NodeId node) const { return slots_[node.value()].watch; }
    // The page has been the same for `silence`, seen at least four times.
    bool silent(NodeId node, std::chrono::milliseconds silence) const;
    // It has changed within `time`.
    bool moved(NodeId node, BootTime now, std::chrono::milliseconds time) const;

private:
    struct Slot {
        NodePages pages;
        Watch watch;
    };
    struct Copy {
        std::string raw;
        Result<Header> header = fail({}, "not read");
        std::vector<NodePages> pages;
    };
    void look(Slot& slot, BootTime begun, BootTime now);

    Uuid cluster_;
    std::vector<Slot> slots_;
    std::array<std::unique_ptr<Copy>, kMaxDisks> disks_;
};

}  // namespace quorate::quorum
