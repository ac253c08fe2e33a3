#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "lockmgr/types.hpp"
#include "name.hpp"

// The records of one node's lock manager. They name each other by index (pool.hpp), 0 for none.
namespace quorate::lockmgr {

struct MasterState;  // of a tree in use by several nodes, or held up (tree_state.hpp)

// A party is one life of one node. This node's is the first.
inline constexpr std::uint32_t kSelf = 1;

enum class Queue : std::uint8_t { kNone, kGranted, kConverting, kWaiting };

// Where an operation of this node's client stands.
enum class Pending : std::uint8_t {
    kNone,
    kHeld,    // here: no quorum, no master known, or the tree stands still
    kSent,    // on its way to the master
    kQueued,  // in the master's queue
};

// A value block: a resource's, a lock's copy of it, or what a request wants written.
struct Value {
    ValueBlock block{};
    std::uint64_t seq = 0;   // of this content
    std::uint64_t seen = 0;  // a lock's: the resource's when the lock was last granted
    bool invalid = false;    // VALNOTVALID

    void reset() { *this = Value{}; }
    // What a request with these flags writes.
    void write(const ValueBlock& from, std::uint32_t flags) {
        const auto size = (flags & flag::SHORTBLK) != 0 ? kShortBlockSize : kValueBlockSize;
        std::copy_n(from.begin(), size, block.begin());
    }
};

// One record serves as a lock of a client here whose tree is mastered here, as one mastered
// elsewhere (its queue is then only a list), and as another node's lock in a tree mastered here.
struct Lock {
    union {
        std::uint64_t request = 0;  // of a client here: of the operation under way
        std::uint64_t owner_id;     // another node's, or abandoned: LockId on the owner's node
    };
    std::int64_t order = 0;  // place in the queue it is or was on, given by the master
    std::uint64_t token = 0;
    std::uint64_t xid = 0;
    std::int64_t since = 0;  // milliseconds: when it began to wait, or was granted
    std::uint32_t generation = 0;
    std::uint16_t party = 0;   // owner's node and life; kSelf: this one
    std::uint16_t client = 0;  // here: index of the client; 0 for an orphan
    std::uint32_t pid = 0;
    std::uint32_t priority = 0;  // DLCKPRI
    std::uint32_t resource = 0;
    std::uint32_t next = 0, prev = 0;              // queue; the first one's `prev` is the last one
    std::uint32_t owner_next = 0, owner_prev = 0;  // locks of a client, or of another node
    std::uint32_t parent = 0;                      // lock of the same owner
    std::uint32_t sublocks = 0;
    std::uint32_t flags = 0;
    std::uint32_t op = 0;  // counts the operations; answers to an earlier one are void
    std::uint32_t value = 0;
    LockMode granted = LockMode::NL;
    LockMode requested = LockMode::NL;
    LockMode highbast = LockMode::NL;  // most severe mode already reported
    Queue queue = Queue::kNone;
    Pending pending = Pending::kNone;
    bool has_granted = false;
    bool demoted : 1 = false;       // by the operation under way
    bool altered : 1 = false;       // granted in the alternative mode
    bool read_value : 1 = false;    // the last grant returned the block
    bool read_invalid : 1 = false;  // and it was not valid
    bool cancelling : 1 = false;    // a cancel is on its way to the master
    bool timed_out : 1 = false;     // because of its deadline
    bool orphan : 1 = false;
    bool op_queued : 1 = false;  // while queues are rebuilt: on CONVERTING
    bool abandoned : 1 = false;  // its client is gone, the master has not answered yet
    bool overtaken : 1 = false;  // the tree has moved before the answer was here: it may come yet

    // Of a client here: its name is its index, and has no room of its own.
    bool named_by_index() const { return party == kSelf && !abandoned; }

    // What an index looks like from outside, so that a stale one fails.
    void reset() {
        const auto kept = generation + 1;
        *this = Lock{};
        generation = kept;
    }
};

struct QueueHead {
    std::uint32_t head = 0;  // it knows the tail
};

struct Resource {
    Name name;  // a root's: root_key()
    std::uint32_t hash = 0;
    std::uint32_t parent = 0;
    std::uint32_t tree = 0;
    std::uint32_t children = 0;
    std::uint32_t next = 0, prev = 0;  // in the tree, a ring
    std::uint32_t value = 0;
    std::array<QueueHead, 3> queues{};
    std::array<std::uint32_t, kModes> held{};  // locks by granted mode, on GRANTED and CONVERTING
    std::uint8_t depth = 0;                    // 0: a root
    // Every granted lock knows of blocked requests up to this mode.
    LockMode notified = LockMode::NL;
    bool dirty = false;       // waits for a grant pass
    std::uint32_t locks = 0;  // on a queue or not

    QueueHead& queue(Queue which) { return queues[static_cast<std::size_t>(which) - 1]; }
    const QueueHead& queue(Queue which) const {
        return queues[static_cast<std::size_t>(which) - 1];
    }
    bool unused() const { return locks == 0 && children == 0; }
    bool blocked() const { return queues[1].head != 0 || queues[2].head != 0; }
    void reset() {
        auto kept = std::move(name);
        *this = Resource{};
        name = std::move(kept);
    }
};

enum class TreeState : std::uint8_t {
    kUnknown,  // nobody knows its master yet
    kLookup,   // the directory was asked
    kRemote,   // mastered by `master`
    kStopped,  // the same, and moving away from there
    kRebuild,  // the master is lost; this node's part went to the new one
    kLocal,    // mastered here
};

// A root with everything below it: what has one master.
struct Tree {
    std::uint64_t token = 0;  // the last one given
    std::int64_t tail = 0;    // last place given at a queue's end
    std::int64_t head = 0;    // and at a queue's head
    std::unique_ptr<MasterState> more;
    std::uint32_t root = 0;
    std::uint32_t locks = 0;
    std::uint32_t directory = 0;  // node that has it registered, for kLocal
    std::uint32_t haunt = 0;      // lives numbered below may hold locks that nobody knows of
    std::uint32_t idle_next = 0, idle_prev = 0;
    std::uint32_t idle_since = 0;  // milliseconds, modulo 2^32
    std::uint16_t master = 0;      // party; kSelf for kLocal
    TreeState state = TreeState::kUnknown;
    bool idle : 1 = false;
    bool certain : 1 = false;  // kRemote: it has locks there, or was told by the master itself

    void mastered_by(std::uint32_t party) { master = static_cast<std::uint16_t>(party); }
    void reset();
};

// With their places in the tables: 300 octets for a lock on a resource of its own.
static_assert(sizeof(Lock) <= 104 && sizeof(Resource) <= 104 && sizeof(Tree) <= 64);

}  // namespace quorate::lockmgr
