#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "cluster/view.hpp"
#include "lockmgr/types.hpp"

// The lock manager of one node: an OpenVMS-style distributed lock manager as a machine. It serves
// the clients of its node, and with its peers it is one lock manager for the cluster.
//
// A resource is named by domain and name, below it trees of sub-resources. Each tree has one
// master, found through a directory that every node computes (weighted rendezvous hashing over the
// view). README.md has the protocol, its invariants and its recovery.
//
// Relied upon of the shell: step() is called with everything in the order in which it happened; a
// client's requests carry ids of its own; messages to a node arrive unchanged, in order, without
// loss or duplicate while both are in the same epoch. They are sent and handed over only in the
// epoch in which they were made; those that a new epoch overtakes may be dropped (they are repeated
// if need be).
namespace quorate::lockmgr {

struct LockManagerOptions {
    cluster::MemberId self;
    std::chrono::milliseconds deadlock_wait{50};  // before the first search
    std::chrono::milliseconds idle{10'000};       // how long an unused tree's master is remembered
    std::chrono::milliseconds residence{2'000};   // of a tree before it may move again
    std::uint32_t locks_max = 8'000'000;          // on this node, other nodes' included
    std::uint32_t client_locks_max = 1'000'000;
    std::uint32_t clients_max = 65'535;
    std::uint32_t move_locks_max = 50'000;  // a larger tree stays where it is
    std::uint32_t recovery_trees = 256;     // looked at in one step when the view changes
    std::vector<Domain> domains;            // others belong to the user who first uses them
};

// ---- inputs: clients

struct ClientOpened {
    ClientId client;
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::vector<std::uint32_t> gids;
    std::uint32_t priority = 0;  // DLCKPRI: the lowest of a cycle is its victim
};
// Ends its operations without completion and releases its locks; blocks held in PW or EX become
// invalid.
struct ClientGone {
    ClientId client;
};
// $ENQ of a new lock. Views need to live during the call only.
struct Enqueue {
    ClientId client;
    RequestId request;
    std::string_view domain;  // of a root
    LockId parent;            // or the granted lock that this is a sublock of
    std::string_view name;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    std::uint64_t xid = 0;  // who waits, if it is not the client as a whole
    std::optional<MonoTime> deadline;
};
// $ENQ with CONVERT, of a granted lock.
struct Convert {
    ClientId client;
    RequestId request;
    LockId lock;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    ValueBlock value{};  // written if the flags and modes say so
    std::optional<MonoTime> deadline;
};
// $DEQ. flags: VALBLK, IVVALBLK, FORCEUNLOCK.
struct Dequeue {
    ClientId client;
    RequestId request;
    LockId lock;
    std::uint32_t flags = 0;
    ValueBlock value{};
};
// $DEQ with CANCEL: ends the pending operation of a lock, if it can be done in time.
struct Cancel {
    ClientId client;
    RequestId request;
    LockId lock;
};
// $DEQ with DEQALL: all sublocks of `lock`, or without it everything the client has.
struct DequeueAll {
    ClientId client;
    RequestId request;
    LockId lock;
};
// Releases orphans of a node: of one process, or with pid 0 all.
struct Purge {
    ClientId client;
    RequestId request;
    NodeId node;
    std::uint32_t pid = 0;
};
// Creates a domain or changes its protection, for the cluster; its owner may, and uid 0.
struct DefineDomain {
    ClientId client;
    RequestId request;
    Domain domain;
};

// ---- inputs: the world

// From a peer, as Send gave them.
struct Received {
    NodeId from;
    std::string_view bytes;
};
// Until when this node's lease runs, each time that it is prolonged; before the first time it runs
// for ever. After that the others may take over what this node holds: nobody is told of a grant or
// a release until it runs again, or of its end.
struct LeaseKnown {
    MonoTime until;
};
// This node will leave: give its trees away, master no more. Ends with Drained, or by `on` = false.
struct Drain {
    bool on = true;
};
struct Tick {};

using LockInput =
    std::variant<ClientOpened, ClientGone, Enqueue, Convert, Dequeue, Cancel, DequeueAll, Purge,
                 DefineDomain, Received, LeaseKnown, Drain, Tick, cluster::ViewCommitted,
                 cluster::QuorumLost, cluster::TakeoverAllowed, cluster::Expelled>;

// ---- outputs

// Exactly one per request.
struct Completion {
    ClientId client;
    RequestId request;
    LockId lock;
    LockStatus status = LockStatus::kGranted;
    LockMode mode = LockMode::NL;  // now held
    bool value_valid = true;       // false: SS$_VALNOTVALID; the content is the last one known
    bool has_value = false;        // `value` was read
    bool demoted = false;          // by CONVDEADLK; of one that was not granted, the mode stays NL
    bool alternative = false;      // ALTPR or ALTCW
    Token token;
    ValueBlock value{};
    std::vector<CycleEntry> cycle;  // kDeadlock
};
// A hint: somebody waits for `mode`, which the lock as held forbids.
struct BlockingEvent {
    ClientId client;
    LockId lock;
    LockMode mode = LockMode::NL;
    NodeId node;  // of the requester
    std::uint32_t pid = 0;
};
// The request could not be answered at once.
struct Waiting {
    ClientId client;
    RequestId request;
    LockId lock;
    WaitCause cause{};
};
// No quorum, or the lease is over: what the client holds may be taken over after the deadline.
struct Suspended {
    ClientId client;
    std::optional<MonoTime> deadline;
};
// Still held.
struct Resumed {
    ClientId client;
};
// Nothing is held any more.
struct Revoked {
    ClientId client;
};
struct Send {
    NodeId to;
    std::string bytes;
};
struct Drained {};
struct Note {
    LogLevel level = LogLevel::kInfo;
    std::string event;
    std::string text;
};

using LockOutput = std::variant<Completion, BlockingEvent, Waiting, Suspended, Resumed, Revoked,
                                Send, Drained, Note>;

// ---- questions

// One lock as this node knows it.
struct LockInfo {
    NodeId node;  // of its owner
    LockId lock;  // on that node
    std::uint32_t pid = 0;
    std::uint64_t xid = 0;
    enum class Queue { kGranted, kConverting, kWaiting } queue{};
    LockMode granted = LockMode::NL;
    LockMode requested = LockMode::NL;
    std::int64_t order = 0;
    Token token;
    std::chrono::milliseconds age{0};
};
struct ResourceInfo {
    std::string_view domain;
    std::vector<std::string> path;  // root's name first
    NodeId master;                  // 0: not known now
    bool here = false;              // mastered here: then `locks` has all of them
    std::vector<LockInfo> locks;    // queue by queue, in order
    ValueBlock value{};
    bool value_valid = true;
};
struct LockCounts {
    std::size_t locks = 0;
    std::size_t resources = 0;
    std::size_t trees = 0;
    std::size_t trees_mastered = 0;
    std::size_t entries = 0;  // of the directory
    std::size_t unacknowledged = 0;
    std::size_t lives = 0;  // of nodes, remembered
    std::uint64_t moves = 0;
    std::uint64_t deadlocks = 0;
    bool recovering = false;
};

// Thread rule: one caller at a time. `now` is CLOCK_BOOTTIME.
class LockManager {
public:
    explicit LockManager(LockManagerOptions options);
    ~LockManager();
    LockManager(LockManager&&) noexcept;
    LockManager& operator=(LockManager&&) noexcept;

    // Appends what is to be done, in order.
    void step(MonoTime now, const LockInput& input, std::vector<LockOutput>& out);
    // When to step with Tick next.
    std::optional<MonoTime> deadline() const;

    void each_resource(const std::function<void(const ResourceInfo&)>& visit) const;
    // The same in portions, from 1: a million resources take their time. Returns where to go on; 0
    // at the end. What changes meanwhile is seen or not.
    std::uint32_t some_resources(std::uint32_t from, std::uint32_t count,
                                 const std::function<void(const ResourceInfo&)>& visit) const;
    // Domains that clients here use and whose protection is known.
    void each_domain(const std::function<void(const Domain&)>& visit) const;
    // Why a pending operation has not ended; nothing if none is pending.
    std::optional<WaitCause> why(LockId lock) const;
    LockCounts counts() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::lockmgr
