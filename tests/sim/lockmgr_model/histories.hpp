#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "content.hpp"
#include "lockmgr/lock_manager.hpp"

// What one machine can come to: its history, all that it was given in order, tells its state. Each
// history is worked out once, by the machine as it ships, and then looked up.
namespace quorate::lockmgr::model {

inline constexpr std::size_t kNodes = 3;
inline constexpr std::size_t kSlots = 2;

enum class Slot : std::uint8_t { kIdle, kAsked, kHeld, kGivenUp };

// One lock that a client of a node asks for once.
struct Use {
    Slot slot = Slot::kIdle;
    LockMode mode = LockMode::NL;
    LockId lock;
    std::uint64_t token = 0;
};

struct Input {
    enum class Kind : std::uint8_t { kAsk, kGiveUp, kDeliver, kCommit, kTakeOver, kDrain, kOpen };
    Kind kind{};
    std::uint32_t from = 0;  // kDeliver: node; kTakeOver: the lost node
    std::uint32_t what = 0;  // kDeliver: packet; kAsk, kGiveUp: slot; kCommit: view
    std::uint32_t code() const {
        return static_cast<std::uint32_t>(kind) << 29 | from << 26 | what;
    }
};

struct Sent {
    std::uint32_t to = 0;
    std::uint32_t packet = 0;
};

// Packets that were sent, each once.
class Packets {
public:
    struct Record {
        std::string bytes;
        std::uint64_t content = 0;
    };
    std::uint32_t number_of(const std::string& bytes, std::uint64_t content);
    const Record& operator[](std::uint32_t number) const { return all_[number]; }

private:
    std::vector<Record> all_;
    std::unordered_map<std::string, std::uint32_t> numbers_;  // by octets and content
};

// With a peer: how many messages were sent and received, and where what is not acknowledged is.
struct LinkAt {
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

// A lock as the tree's master has it.
struct MasterCopy {
    std::uint32_t node = 0;
    LockId lock;
    bool waits = false;
    LockMode granted = LockMode::NL;
};

struct History {
    std::uint32_t before = 0;  // 0: the beginning
    Input last;
    std::vector<Sent> sent;
    std::array<Use, kSlots> uses{};
    std::uint32_t view = 0;  // committed
    bool master = false;
    bool drained = false;
    std::vector<MasterCopy> copies;
    std::string breach;
    std::uint64_t content = 0;  // of the machine, and what its client has
    std::array<LinkAt, kNodes> links{};
};

class Histories {
public:
    // Lock modes by slot.
    using Modes = std::array<LockMode, kSlots>;
    Histories(std::uint32_t node, const Modes& modes, const std::vector<cluster::View>& views,
              Packets& packets);

    std::uint32_t after(std::uint32_t history, const Input& input);
    const History& operator[](std::uint32_t history) const { return all_[history]; }
    std::size_t size() const { return all_.size(); }
    // Of the last `count` messages sent to a peer.
    std::uint64_t content_of_last(const LinkAt& link, std::uint64_t count) const {
        return count == 0 ? 0 : unacknowledged_[link.first + count - 1];
    }

private:
    void begin();
    void give(History& history, const Input& input);
    void ask(std::uint32_t slot);
    void give_up(const Use& use, std::uint32_t slot);
    void look(History& history);
    std::uint64_t content_of_packet(const std::string& bytes, NodeId to) const;
    void hear(History& history, const Completion& completion) const;
    NodeId self() const { return NodeId(node_ + 1); }

    std::uint32_t node_;
    Modes modes_;
    const std::vector<cluster::View>& views_;
    Packets& packets_;
    std::vector<History> all_;
    std::unordered_map<std::uint64_t, std::uint32_t> next_;
    // Of the last message, of the last two...
    std::vector<std::uint64_t> unacknowledged_;
    // The machine after the history that was worked out last.
    std::unique_ptr<LockManager> machine_;
    Names names_;
    std::uint32_t machine_at_ = 0;
    std::vector<LockOutput> outputs_;
};

}  // namespace quorate::lockmgr::model
