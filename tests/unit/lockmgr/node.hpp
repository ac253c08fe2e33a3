#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lockmgr/lock_manager.hpp"

namespace quorate::lockmgr::testing {

inline cluster::View view_of(std::uint64_t epoch, std::vector<std::uint32_t> nodes,
                             std::vector<cluster::MemberId> lost = {}) {
    cluster::View view;
    view.epoch = cluster::Epoch(epoch);
    for (const auto node : nodes) {
        cluster::Member member;
        member.id = {NodeId(node), cluster::Incarnation(node * 100)};
        member.directory_weight = 1;
        view.members.push_back(member);
    }
    view.coordinator = view.members.front().id.node;
    view.quorate = true;
    view.lost = std::move(lost);
    return view;
}

// A lock manager that is asked by hand. Alone in its cluster unless it is told otherwise.
class Node {
public:
    explicit Node(std::uint32_t node = 1, std::uint32_t recovery_trees = 256)
        : manager_(options(node, recovery_trees)) {}
    explicit Node(const LockManagerOptions& options) : manager_(options) {}

    void alone() { give(cluster::ViewCommitted{view_of(1, {1})}); }
    void give(const LockInput& input) { manager_.step(now_, input, out_); }
    void pass(std::chrono::milliseconds time) {
        now_ += time;
        give(Tick{});
    }
    // Nothing is given to it meanwhile.
    void sleep(std::chrono::milliseconds time) { now_ += time; }
    MonoTime now() const { return now_; }
    LockManager& manager() { return manager_; }

    void open(std::uint32_t client, std::uint32_t uid = 0, std::vector<std::uint32_t> gids = {}) {
        give(ClientOpened{ClientId(client), client + 1000, uid, std::move(gids), 0});
    }
    // Requests that end at once return how.
    Completion lock(std::uint32_t client, std::string_view name, LockMode mode,
                    std::uint32_t flags = 0, LockId parent = LockId(0)) {
        Enqueue input;
        input.client = ClientId(client);
        input.request = RequestId(++requests_);
        input.domain = parent == LockId(0) ? "d" : "";
        input.parent = parent;
        input.name = name;
        input.mode = mode;
        input.flags = flags;
        give(input);
        return last();
    }
    Completion convert(std::uint32_t client, LockId lock, LockMode mode, std::uint32_t flags = 0,
                       const ValueBlock& value = {}) {
        Convert input;
        input.client = ClientId(client);
        input.request = RequestId(++requests_);
        input.lock = lock;
        input.mode = mode;
        input.flags = flags;
        input.value = value;
        give(input);
        return last();
    }
    Completion unlock(std::uint32_t client, LockId lock, std::uint32_t flags = 0,
                      const ValueBlock& value = {}) {
        give(Dequeue{ClientId(client), RequestId(++requests_), lock, flags, value});
        return last();
    }
    Completion cancel(std::uint32_t client, LockId lock) {
        give(Cancel{ClientId(client), RequestId(++requests_), lock});
        return last();
    }

    // What the newest request led to; kPending, with its lock, if it waits.
    static constexpr auto kPending = static_cast<LockStatus>(250);
    Completion last() const {
        Completion found;
        found.status = kPending;
        for (const auto& output : out_) {
            if (const auto* waiting = std::get_if<Waiting>(&output);
                waiting != nullptr && waiting->request == RequestId(requests_)) {
                found.lock = waiting->lock;
            }
            if (const auto* completion = std::get_if<Completion>(&output);
                completion != nullptr && completion->request == RequestId(requests_)) {
                return *completion;
            }
        }
        return found;
    }
    // Everything of one kind since the last call of taken(), oldest first.
    template <class T>
    std::vector<T> seen() const {
        std::vector<T> found;
        for (const auto& output : out_) {
            if (const auto* one = std::get_if<T>(&output)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    std::vector<LockOutput> taken() { return std::exchange(out_, {}); }
    // How the request that waits for `lock` ended.
    std::vector<LockStatus> ends_of(LockId lock) const {
        std::vector<LockStatus> ends;
        for (const auto& completion : seen<Completion>()) {
            if (completion.lock == lock) {
                ends.push_back(completion.status);
            }
        }
        return ends;
    }

private:
    static LockManagerOptions options(std::uint32_t node, std::uint32_t recovery_trees) {
        LockManagerOptions options;
        options.recovery_trees = recovery_trees;
        options.self = {NodeId(node), cluster::Incarnation(node * 100)};
        return options;
    }

    LockManager manager_;
    MonoTime now_{std::chrono::seconds(100)};
    std::vector<LockOutput> out_;
    std::uint64_t requests_ = 0;
};

inline ValueBlock block(std::string_view text) {
    ValueBlock value{};
    text.copy(value.data(), value.size());
    return value;
}

// One node, clients 1 to 9.
class OneNode : public ::testing::Test {
protected:
    OneNode() {
        node.alone();
        for (std::uint32_t client = 1; client < 10; ++client) {
            node.open(client);
        }
        node.taken();
    }
    Node node;
};

}  // namespace quorate::lockmgr::testing
