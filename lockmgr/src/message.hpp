#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "lockmgr/types.hpp"

// What lock managers say to each other (docs/formats/lock-message.md). A lock is named by its
// owner's node and its id there: where a message goes or comes from tells the node.
namespace quorate::lockmgr {

inline constexpr std::size_t kMaxPacket = 1024 * 1024;
inline constexpr std::size_t kMaxBulk = 64 * 1024;  // from here on a bulk message is cut
inline constexpr std::size_t kMaxList = 65'535;
inline constexpr std::size_t kMaxKey = 1 + kMaxDomain + kMaxName;

using MaybeValue = std::optional<ValueBlock>;

// ---- owner to directory or master

struct EnqueueMessage {
    NodeId origin;     // the owner's node; the directory forwards
    std::string root;  // key; empty for a sublock
    LockId parent;     // of a sublock
    std::string name;  // of a sublock's resource
    LockId lock;
    std::uint32_t op = 0;
    std::uint32_t pid = 0;
    std::uint64_t xid = 0;
    std::uint32_t priority = 0;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    std::uint64_t entry_token = 0;  // forwarded: of the directory's entry; 0: sent directly
    bool operator==(const EnqueueMessage&) const = default;
};
struct ConvertMessage {
    LockId lock;
    std::uint32_t op = 0;
    LockMode mode = LockMode::NL;
    std::uint32_t flags = 0;
    MaybeValue value;
    bool operator==(const ConvertMessage&) const = default;
};
struct DequeueMessage {
    LockId lock;
    std::uint32_t flags = 0;
    MaybeValue value;
    bool operator==(const DequeueMessage&) const = default;
};
struct CancelMessage {
    LockId lock;
    std::uint32_t op = 0;
    LockStatus status = LockStatus::kCancelled;  // to be answered; or kDeadlock
    bool operator==(const CancelMessage&) const = default;
};

// ---- master to owner

struct QueuedMessage {
    LockId lock;
    std::uint32_t op = 0;
    std::int64_t order = 0;
    LockMode granted = LockMode::NL;  // CONVDEADLK may have lowered it
    bool operator==(const QueuedMessage&) const = default;
};
struct GrantedMessage {
    LockId lock;
    std::uint32_t op = 0;
    LockMode mode = LockMode::NL;
    std::uint8_t bits = 0;  // kDemoted...
    std::uint64_t token = 0;
    std::int64_t order = 0;
    std::uint64_t seq = 0;   // of the content
    std::uint64_t seen = 0;  // of the resource
    MaybeValue value;        // read
    static constexpr std::uint8_t kDemoted = 1;
    static constexpr std::uint8_t kAltered = 2;
    static constexpr std::uint8_t kRead = 4;
    static constexpr std::uint8_t kInvalid = 8;
    bool operator==(const GrantedMessage&) const = default;
};
struct RefusedMessage {
    // A conversion that waits for the lock, as the lock's would for it.
    struct Opponent {
        NodeId node;
        LockId lock;
        std::uint32_t pid = 0;
        std::uint64_t xid = 0;
        LockMode requested = LockMode::NL;
        bool operator==(const Opponent&) const = default;
    };
    LockId lock;
    std::uint32_t op = 0;
    LockStatus status = LockStatus::kCancelled;
    std::vector<Opponent> opponents{};  // kDeadlock at once: one
    LockMode granted = LockMode::NL;    // what the lock is held in now
    bool operator==(const RefusedMessage&) const = default;
};
struct BlockingMessage {
    LockId lock;
    LockMode mode = LockMode::NL;
    NodeId node;
    std::uint32_t pid = 0;
    bool operator==(const BlockingMessage&) const = default;
};
// "Not I": the request is to be routed anew.
struct BounceMessage {
    LockId lock;
    std::uint32_t op = 0;
    bool operator==(const BounceMessage&) const = default;
};

// ---- directory

// "You are its master."
struct AssignMessage {
    std::string root;
    std::uint64_t token = 0;  // tokens go on above this
    bool operator==(const AssignMessage&) const = default;
};
// "These are mastered there." The newest token wins.
struct ClaimMessage {
    struct Entry {
        std::string root;
        NodeId master;  // 0: a life that is lost
        std::uint64_t token = 0;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
    std::uint32_t move = 0;  // to be answered with Claimed; 0: not
    bool operator==(const ClaimMessage&) const = default;
};
struct ClaimedMessage {
    std::string root;
    std::uint32_t move = 0;
    bool operator==(const ClaimedMessage&) const = default;
};
// "I do not master it any more."
struct VacateMessage {
    std::string root;
    std::uint64_t token = 0;
    bool operator==(const VacateMessage&) const = default;
};

// ---- bulk: recovery and moves

struct LockImage {
    NodeId node;
    LockId lock;
    std::uint32_t op = 0;
    std::uint32_t pid = 0;
    std::uint64_t xid = 0;
    std::uint32_t priority = 0;
    std::uint32_t flags = 0;
    std::uint8_t queue = 0;  // Queue
    LockMode granted = LockMode::NL;
    LockMode requested = LockMode::NL;
    LockMode highbast = LockMode::NL;
    std::int64_t order = 0;
    std::uint64_t token = 0;
    std::uint64_t seq = 0;  // of its copy of the value block, if it has one
    std::uint64_t seen = 0;
    bool invalid = false;
    MaybeValue value;
    bool operator==(const LockImage&) const = default;
};
struct ResourceImage {
    std::vector<std::string> path;  // below the root
    std::uint64_t seq = 0;
    bool invalid = false;
    MaybeValue value;
    std::vector<LockImage> locks;
    bool operator==(const ResourceImage&) const = default;
};
struct TreeImage {
    std::string root;
    std::vector<ResourceImage> resources;
    bool operator==(const TreeImage&) const = default;
};
// Many of them, as they go over the wire: those to be rebuilt are only kept until their turn comes,
// and a hundred thousand of them would be a million pieces of memory.
class TreeImages {
public:
    void add(const TreeImage& tree);
    std::size_t count() const { return ends_.size(); }
    std::size_t bytes() const { return bytes_.size(); }
    // The encoding of one of them; good as long as this is neither changed nor moved.
    std::string_view operator[](std::size_t index) const {
        const auto begin = index == 0 ? 0 : ends_[index - 1];
        return std::string_view(bytes_).substr(begin, ends_[index] - begin);
    }
    bool operator==(const TreeImages&) const = default;

private:
    friend class Encoder;
    friend class Decoder;
    std::string bytes_;
    std::vector<std::uint32_t> ends_;
};
std::string_view root_of_image(std::string_view encoded);
// Into one that may have held another before: its memory is used again.
void decode_image(std::string_view encoded, TreeImage& tree);

// This node's locks in trees whose master is lost.
struct RebuildMessage {
    TreeImages trees;
    bool operator==(const RebuildMessage&) const = default;
};
// "You have every claim and rebuild of mine for this epoch."
struct DoneMessage {
    bool operator==(const DoneMessage&) const = default;
};
// Who masters what was to be rebuilt.
struct MasteredMessage {
    struct Entry {
        std::string root;
        NodeId master;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
    bool operator==(const MasteredMessage&) const = default;
};

struct StopMessage {
    std::string root;
    std::uint32_t move = 0;
    NodeId target;
    bool operator==(const StopMessage&) const = default;
};
struct StoppedMessage {
    std::string root;
    std::uint32_t move = 0;
    bool operator==(const StoppedMessage&) const = default;
};
// The move was given up: go on with the old master, or with nobody if the new one is lost.
struct ResumeMessage {
    std::string root;
    std::uint32_t move = 0;
    NodeId lost;  // 0: the sender masters it as before
    bool operator==(const ResumeMessage&) const = default;
};
struct TransferMessage {
    TreeImage tree;
    std::uint32_t move = 0;
    bool last = false;
    // With the last part.
    std::uint64_t token = 0;
    std::int64_t head = 0;
    std::int64_t tail = 0;
    std::uint8_t moves = 0;
    std::vector<NodeId> users;  // nodes with locks in the tree
    bool operator==(const TransferMessage&) const = default;
};
struct MovedMessage {
    std::string root;
    bool operator==(const MovedMessage&) const = default;
};
// To the old master: the directory knows.
struct MoveDoneMessage {
    std::string root;
    std::uint32_t move = 0;
    bool operator==(const MoveDoneMessage&) const = default;
};

// ---- deadlock search

// A lock that stands in another's way: held, by the grant's token; or asked for earlier, by its
// operation.
struct Blocker {
    NodeId node;
    LockId lock;
    std::uint64_t token = 0;
    std::uint32_t op = 0;  // 0: held
    bool operator==(const Blocker&) const = default;
};
// "What keeps these from being granted?", to their master. "Are these still there, and what do
// their owners wait for?", to their node.
struct LookMessage {
    struct Name {
        NodeId node;
        LockId lock;
        std::uint32_t op = 0;
        bool operator==(const Name&) const = default;
    };
    std::uint32_t round = 0;
    std::vector<Name> waiters;
    std::vector<Blocker> blockers;
    bool operator==(const LookMessage&) const = default;
};
// The answer. What is not named in it is not so any more.
struct SeenMessage {
    // Held on one resource in modes that forbid this one, and its alternative.
    struct Set {
        LockMode requested = LockMode::NL;
        LockMode alternative = LockMode::NL;
        std::vector<Blocker> holders;
        bool operator==(const Set&) const = default;
    };
    struct Waits {
        LookMessage::Name waiter;
        std::uint32_t set = 0;
        std::vector<Blocker> ahead;
        bool operator==(const Waits&) const = default;
    };
    struct Waiter {
        LockId lock;
        std::uint32_t op = 0;
        std::uint32_t pid = 0;
        std::uint32_t priority = 0;
        std::int64_t since = 0;  // of the cluster's time
        LockMode requested = LockMode::NL;
        NodeId master;  // 0: not known now
        std::string resource;
        bool operator==(const Waiter&) const = default;
    };
    struct Owner {
        std::uint64_t xid = 0;
        std::vector<Waiter> waiters;
        bool operator==(const Owner&) const = default;
    };
    struct Stands {
        Blocker name;
        LockMode granted = LockMode::NL;
        std::uint32_t owner = 0;
        bool operator==(const Stands&) const = default;
    };
    std::uint32_t round = 0;
    std::vector<Set> sets;
    std::vector<Waits> waits;
    std::vector<Owner> owners;
    std::vector<Stands> stands;
    bool operator==(const SeenMessage&) const = default;
};
// "A victim is among yours: search."
struct NudgeMessage {
    bool operator==(const NudgeMessage&) const = default;
};

struct PurgeMessage {
    std::uint32_t pid = 0;
    bool operator==(const PurgeMessage&) const = default;
};

// ---- domains

// "My clients use it", to its keeper: as what it is known, or 0, whose it is if nobody else's.
struct DomainUseMessage {
    Domain domain;
    std::uint64_t version = 0;
    bool defined = false;  // by a client that is connected
    bool operator==(const DomainUseMessage&) const = default;
};
struct DomainLeftMessage {
    std::string name;
    bool operator==(const DomainLeftMessage&) const = default;
};
// From the keeper to who uses it.
struct DomainMessage {
    Domain domain;
    std::uint64_t version = 0;
    bool operator==(const DomainMessage&) const = default;
};
struct DefineMessage {
    std::uint32_t number = 0;  // the sender's, for the answer
    std::uint32_t uid = 0;     // who asks
    Domain domain;
    bool fresh = false;
    bool operator==(const DefineMessage&) const = default;
};
struct DefinedMessage {
    std::uint32_t number = 0;
    LockStatus status = LockStatus::kGranted;
    bool operator==(const DefinedMessage&) const = default;
};

using Message =
    std::variant<EnqueueMessage, ConvertMessage, DequeueMessage, CancelMessage, QueuedMessage,
                 GrantedMessage, RefusedMessage, BlockingMessage, BounceMessage, AssignMessage,
                 ClaimMessage, ClaimedMessage, VacateMessage, RebuildMessage, DoneMessage,
                 MasteredMessage, StopMessage, StoppedMessage, ResumeMessage, TransferMessage,
                 MovedMessage, MoveDoneMessage, LookMessage, SeenMessage, NudgeMessage,
                 PurgeMessage, DomainUseMessage, DomainLeftMessage, DomainMessage, DefineMessage,
                 DefinedMessage>;

// ---- packets

// The first of an epoch to each peer.
struct Begin {
    cluster::Epoch previous;     // last epoch with quorum the sender was in; 0: none
    std::uint64_t received = 0;  // messages of this peer's life, in all
    std::int64_t time = 0;       // the cluster's, as the sender knows it
    bool operator==(const Begin&) const = default;
};
struct Batch {
    std::uint64_t first = 0;     // number of the first message, counted from 1 for two lives
    std::uint64_t received = 0;  // acknowledges
    struct Item {
        std::uint64_t issued_before = 0;  // epochs ago
        std::string_view body;
        bool operator==(const Item&) const = default;
    };
    std::vector<Item> items;
    bool operator==(const Batch&) const = default;
};
struct Packet {
    cluster::Epoch epoch;
    std::variant<Begin, Batch> content;
};

std::string encode(const Message& message);
std::string encode(const Packet& packet);
// Errors: errc::damaged, errc::unsupported_version, errc::too_large. Views point into `bytes`.
Result<Packet> decode_packet(std::string_view bytes);
Result<Message> decode_message(std::string_view body);

}  // namespace quorate::lockmgr
