#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lockmgr/lock_manager.hpp"
#include "sim/time.hpp"

namespace quorate::lockmgr::simulator {

// One lock of one life of one node.
struct LockKey {
    cluster::MemberId life;
    LockId lock;
    auto operator<=>(const LockKey&) const = default;
};

// What the clients of the whole cluster know, and what must never be. A lock counts as held from
// the completion that grants it to the moment in which its client gives it up; a dead node's until
// it may be taken over. The first breach is kept; none: empty.
class Oracle {
public:
    struct Held {
        std::string resource;
        LockMode mode = LockMode::NL;
        LockMode told = LockMode::NL;  // by the last answer; it may hold less while it converts
    };

    // ---- requests
    void asked(LockKey lock, RequestId request, sim::Time now);
    // Answers exactly once per request; `raises`: with a new token.
    void answered(cluster::MemberId life, const Completion& completion);
    void waited(LockKey lock, sim::Time now);  // its operation is at an end
    void granted(LockKey lock, const std::string& resource, const Completion& completion,
                 sim::Time now);
    // An orphan has a client again; a purge may have freed it to the oracle.
    void adopted(LockKey lock, const std::string& resource, LockMode mode);
    // The client gives up or lowers what it holds, and may write.
    void lowered(LockKey lock, LockMode mode, std::optional<std::uint64_t> written,
                 bool invalidates);
    void doubted(LockKey lock, LockMode mode);  // until its conversion is answered
    void released(LockKey lock, std::optional<std::uint64_t> written, bool invalidates,
                  sim::Time now);
    void restored(LockKey lock, LockMode mode);
    void ended(LockKey lock, sim::Time now);  // a request that was never granted
    void died(LockKey lock, sim::Time now);
    // An orphan that may be, and that somebody may have adopted before, not knowing it yet: free,
    // and in others' way all the same.
    void purged(LockKey lock, bool by_its_node, sim::Time now);  // with its client

    // ---- lives
    void lost(cluster::MemberId life);  // what it held stays
    void taken_over(cluster::MemberId life, sim::Time now);

    sim::Time victim(const Completion& completion, cluster::MemberId life, sim::Time now,
                     const std::map<NodeId, cluster::MemberId>& lives);
    sim::Time waits_since(LockKey lock) { return waits_[lock].back().from; }
    void queues(const std::string& resource, const std::vector<LockKey>& waiting);
    void mastered(std::uint64_t epoch, const std::string& root, NodeId node);

    void fail(std::string what) {
        if (breach_.empty()) {
            breach_ = std::move(what);
        }
    }
    void expect(const std::string& nothing) {
        if (!nothing.empty()) {
            fail(nothing);
        }
    }
    const std::string& breach() const { return breach_; }
    const std::map<LockKey, Held>& held() const { return held_; }
    std::size_t grants() const { return grants_; }
    void allow_invalid() { invalid_allowed_ = true; }

private:
    struct Value {
        std::set<std::uint64_t> contents{0};  // that a valid block may have
        bool valid = true;                    // may be read as valid
        bool spoilt = false;                  // unless it has been new meanwhile, it is invalid
    };
    struct Span {
        sim::Time from{};
        sim::Time to = sim::Time::max();
    };
    void check_compatible(LockKey lock, const Held& held);
    void check_token(const std::string& resource, const Completion& completion);
    void check_value(const std::string& resource, const Completion& completion);
    void unheld(const std::string& resource);
    void write(const std::string& resource, std::optional<std::uint64_t> written, bool invalidates);

    std::map<LockKey, Held> held_;
    std::map<std::string, std::set<LockKey>> by_resource_;
    std::set<LockKey> users_;  // asked for, and not at an end
    std::map<std::string, Value> values_;
    std::map<std::string, std::array<std::uint64_t, kModes>> tokens_;       // newest by mode
    std::map<std::pair<cluster::MemberId, std::uint64_t>, bool> requests_;  // answered
    std::map<cluster::MemberId, sim::Time> gone_;                           // taken over
    std::map<LockKey, std::vector<Span>> waits_;                            // newest operation
    std::map<LockKey, Span> holds_;
    std::map<LockKey, sim::Time> raised_;                     // when its mode was granted
    using Cycle = std::set<std::pair<LockKey, std::size_t>>;  // who waits, with which operation
    std::map<Cycle, LockKey> victims_;
    std::map<std::string, std::vector<LockKey>> orders_;
    std::map<std::pair<std::uint64_t, std::string>, NodeId> masters_;
    bool invalid_allowed_ = false;
    std::size_t grants_ = 0;
    std::string breach_;
};

std::uint64_t content_of(const ValueBlock& block);
ValueBlock block_of(std::uint64_t content);

}  // namespace quorate::lockmgr::simulator
