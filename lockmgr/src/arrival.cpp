#include "manager.hpp"

// A tree that has moved comes to life here (move.cpp).
namespace quorate::lockmgr {

void LockManager::Impl::handle(std::uint32_t from, TransferMessage& m) {
    auto& coming = incoming[m.tree.root];
    if (coming.from != from || (!coming.parts.empty() && coming.parts.front().move != m.move)) {
        coming = Incoming{from, {}};
    }
    coming.parts.push_back(std::move(m));
    if (coming.parts.back().last) {
        auto parts = std::move(coming.parts);
        incoming.erase(parts.front().tree.root);
        arrive(from, std::move(parts));
    }
}

void LockManager::Impl::arrive(std::uint32_t from, std::vector<TransferMessage> parts) {
    const auto& last = parts.back();
    const auto root = last.tree.root;
    const auto resource = store.find_or_create(0, root);
    const auto index = store.resources[resource].tree;
    if (store.trees[index].idle) {
        end_idle(index);
    }
    moves.erase(root);
    engine.enable(false);
    prepare_install(index);
    const auto directory = directory_of_root(root);
    become_master(index, last.token, directory.value());
    auto& tree = store.trees[index];
    tree.head = last.head;
    tree.tail = last.tail;
    more(tree).arrived = ms();
    more(tree).moves = last.moves;
    more(tree).move = 0;
    std::vector<std::uint32_t> ended;
    for (const auto& part : parts) {
        unload(resource, part, ended);
    }
    for (const auto lock : ended) {
        engine.release(lock, flag::IVVALBLK, nullptr);
        destroy(lock);
    }
    reap_empty(tree);
    if (directory == self()) {
        entries.erase(root);
        send(from, MoveDoneMessage{root, last.move});
    } else {
        const auto number = ++move_number;
        arrivals[number] = {root, from, last.move};
        send(party_of(directory), ClaimMessage{{{root, self(), last.token}}, number});
    }
    for (const auto user : last.users) {
        send(party_of(user), MovedMessage{root});
    }
    engine.enable(!frozen);
    carry_out_effects();
    restart(index);
}

// Who was lost while the tree was on its way waits no more, and holds until takeover; that is over
// for those in `ended`.
void LockManager::Impl::unload(std::uint32_t root, const TransferMessage& part,
                               std::vector<std::uint32_t>& ended) {
    for (const auto& image : part.tree.resources) {
        const auto at = resource_at(root, image.path);
        if (image.value) {
            store.value_of(store.resources[at]) = Value{*image.value, image.seq, 0, image.invalid};
        }
        for (const auto& lock : image.locks) {
            const auto party = party_at(lock.node, message_issued);
            const bool there = party != 0 && parties[party].member;
            auto queue = static_cast<Queue>(lock.queue);
            if (party == 0 || (!there && queue == Queue::kWaiting)) {
                continue;
            }
            const auto index = install_lock(at, lock, party);
            if (!there && queue == Queue::kConverting) {
                store.locks[index].requested = lock.granted;
                queue = Queue::kGranted;
            }
            engine.restore(index, queue);
            if (!there && !parties[party].pending) {
                ended.push_back(index);
            }
        }
    }
}

void LockManager::Impl::handle(std::uint32_t, ClaimedMessage& m) {
    const auto found = arrivals.find(m.move);
    if (found != arrivals.end()) {
        send(found->second.from, MoveDoneMessage{found->second.root, found->second.number});
        arrivals.erase(found);
    }
}

}  // namespace quorate::lockmgr
