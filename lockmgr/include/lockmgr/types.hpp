#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.hpp"
#include "cluster/view.hpp"
#include "lockmgr/mode.hpp"

// The words of the lock manager's interface.
namespace quorate::lockmgr {

using cluster::NodeId;

// A connection of a client process to its node's lock manager, chosen by the shell. 0 is none.
using ClientId = Strong<struct ClientIdTag, std::uint32_t>;
// Chosen by the client, returned in what answers the request.
using RequestId = Strong<struct RequestIdTag, std::uint64_t>;
// A lock, unique on its owner's node for the life of that node's lock manager. 0 is none.
using LockId = Strong<struct LockIdTag, std::uint64_t>;
// Strictly increasing per resource with every grant that raises a mode, whichever node is master. A
// store that rejects writes under an older token than it has seen is safe from late holders.
using Token = Strong<struct TokenTag, std::uint64_t>;

inline constexpr std::size_t kValueBlockSize = 64;
using ValueBlock = std::array<char, kValueBlockSize>;
// Programs of the Linux DLM know of the first half only.
inline constexpr std::size_t kShortBlockSize = 32;

inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxDomain = 64;
inline constexpr std::size_t kMaxDepth = 8;  // of a resource tree, root included

// Flags of a request; the values are libdlm's.
namespace flag {
inline constexpr std::uint32_t NOQUEUE = 0x1;          // grant now or not at all
inline constexpr std::uint32_t VALBLK = 0x8;           // read or write the value block
inline constexpr std::uint32_t QUECVT = 0x10;          // do not overtake queued conversions
inline constexpr std::uint32_t IVVALBLK = 0x20;        // make the value block invalid
inline constexpr std::uint32_t CONVDEADLK = 0x40;      // resolve by demotion to NL
inline constexpr std::uint32_t PERSISTENT = 0x80;      // outlives its client, as an orphan
inline constexpr std::uint32_t NODLCKWT = 0x100;       // its waiting is no edge of a deadlock
inline constexpr std::uint32_t NODLCKBLK = 0x200;      // its blocking is none
inline constexpr std::uint32_t EXPEDITE = 0x400;       // new NL: grant past the queues
inline constexpr std::uint32_t NOQUEUEBAST = 0x800;    // blocking events although NOQUEUE failed
inline constexpr std::uint32_t HEADQUE = 0x1000;       // queue at the head
inline constexpr std::uint32_t NOORDER = 0x2000;       // grant whatever the queues hold
inline constexpr std::uint32_t ORPHAN = 0x4000;        // adopt
inline constexpr std::uint32_t ALTPR = 0x8000;         // PR will do if it comes at once
inline constexpr std::uint32_t ALTCW = 0x10000;        // CW will do
inline constexpr std::uint32_t FORCEUNLOCK = 0x20000;  // unlock in any state
// Ours.
inline constexpr std::uint32_t BLOCKING = 0x1000000;      // wants blocking events
inline constexpr std::uint32_t NOQUORUMFAIL = 0x2000000;  // fail instead of waiting for quorum
inline constexpr std::uint32_t SHORTBLK = 0x4000000;      // VALBLK writes the first half alone
inline constexpr std::uint32_t kAll = 0x703ffff;
}  // namespace flag

// How a request ended. Outcomes are values: a deadlock is no error of ours.
enum class LockStatus : std::uint8_t {
    kGranted,           // SS$_NORMAL; see Completion::value_not_valid
    kUnlocked,          // EUNLOCK
    kNotQueued,         // SS$_NOTQUEUED: NOQUEUE, and not grantable; nothing changed
    kCancelled,         // new request: gone; conversion: back at the old mode, demoted: at NL
    kDeadlock,          // the same, chosen as the victim of a cycle
    kTimedOut,          // the same, its deadline passed
    kNoQuorum,          // NOQUORUMFAIL, and there is none; nothing changed
    kNothingToCancel,   // SS$_CANCELGRANT
    kInvalid,           // SS$_BADPARAM: flags, mode or name contradict each other or a limit
    kBusy,              // SS$_CVTUNGRANT: not granted, or an operation is under way
    kNoSuchLock,        // SS$_IVLOCKID
    kHasSublocks,       // SS$_SUBLOCKS
    kParentNotGranted,  // SS$_PARNOTGRANT
    kTooDeep,           // SS$_EXDEPTH
    kNoRights,          // the domain's protection forbids it
    kOverLimit,         // SS$_EXENQLM: a limit of the client or the node
    kOrphanOtherMode,   // ORPHAN: there is one, in another mode
    kNoOrphan,          // ORPHAN: there is none
    kRevoked,           // this node was expelled: nothing it held is held any more
    kExists,            // kNewDomain: somebody has it already
};
std::string_view name_of(LockStatus status);

// What a request waits for.
enum class WaitCause : std::uint8_t {
    kHolder,     // a lock held in a conflicting mode
    kQueue,      // earlier requests
    kQuorum,     // votes
    kDirectory,  // the answer who masters the tree
    kRecovery,   // the tree is being rebuilt
    kTakeover,   // a lost node may still hold it
    kMove,       // the tree changes its master
    kMaster,     // its answer, which may well be a grant: clients are not told
};
std::string_view name_of(WaitCause cause);

// One lock of a deadlock's cycle: it waits for the next one's owner, the last for the first's.
struct CycleEntry {
    NodeId node;
    std::uint32_t pid = 0;
    std::uint64_t xid = 0;
    LockId lock;  // waiting
    LockMode requested = LockMode::NL;
    std::string resource;  // root's domain and name, printable
    LockId blocker;        // of the next owner
    bool operator==(const CycleEntry&) const = default;
};

// Rights in a domain.
namespace right {
inline constexpr std::uint8_t kRead = 4;   // value blocks, queries
inline constexpr std::uint8_t kWrite = 2;  // value blocks
inline constexpr std::uint8_t kLock = 1;   // take locks
inline constexpr std::uint8_t kAll = 7;
// With the mode of a definition: it is refused while another client that defined the domain is
// connected, to whichever node, or the configuration has it.
inline constexpr std::uint16_t kNewDomain = 01000;
}  // namespace right

// A name space of root resources. `mode` has three octal digits of rights: owner, group, others.
struct Domain {
    std::string name;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint16_t mode = 0700;
    bool operator==(const Domain&) const = default;
};

}  // namespace quorate::lockmgr
