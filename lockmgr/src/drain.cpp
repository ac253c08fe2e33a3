#include "manager.hpp"

// This node leaves: its trees go to those who use them.
namespace quorate::lockmgr {
namespace {

constexpr std::size_t kMovesAtOnceDraining = 64;

}  // namespace

void LockManager::Impl::on(const Drain& input) {
    draining = input.on;
    drained = false;
    if (!draining) {
        return;
    }
    for (auto at = idle_first; at != 0;) {
        const auto next = store.trees[at].idle_next;
        if (store.trees[at].state == TreeState::kLocal && !engine.haunted(store.trees[at])) {
            end_idle(at);
            vacate(store.trees[at]);
            store.erase(store.trees[at].root);
        }
        at = next;
    }
    if (complete && !frozen) {
        drain_trees();
    }
}

// To whom uses it most; what only this node uses ends with its clients.
void LockManager::Impl::drain_trees() {
    next_drain = 0;
    if (anybody_pending()) {
        return;
    }
    for (std::uint32_t index = 1; index < store.trees.end() && moves.size() < kMovesAtOnceDraining;
         ++index) {
        auto& tree = store.trees[index];
        if (tree.root == 0 || tree.state != TreeState::kLocal || moving(tree)) {
            continue;
        }
        const auto users = users_of(tree);
        if (!users.empty()) {
            start_move(index, users.front());
        }
    }
}

void LockManager::Impl::check_drained() {
    if (draining && !drained && mastered == 0 && moves.empty()) {
        drained = true;
        out->push_back(Drained{});
    }
}

}  // namespace quorate::lockmgr
