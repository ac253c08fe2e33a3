#include "base/assert.hpp"
#include "manager.hpp"

namespace quorate::lockmgr {

// ---- quorum

void LockManager::Impl::freeze() {
    if (frozen) {
        return;
    }
    frozen = true;
    engine.enable(false);
    for (auto& party : parties) {
        party.link.open = false;
    }
    suspend_clients();
}

void LockManager::Impl::thaw() {
    frozen = false;
    engine.enable(true);
    carry_out_effects();
    if (!lapsed) {
        resume_clients();
    }
    restart_all();
    if (!lapsed) {
        dispatch_waiting();
    }
}

// What waits for quorum, or for the lease.
void LockManager::Impl::dispatch_waiting() {
    for (const auto& [id, op] : std::exchange(waiting_for_quorum, {})) {
        const auto lock = store.index_of(id);
        if (lock != 0 && store.locks[lock].op == op &&
            store.locks[lock].pending == Pending::kHeld) {
            dispatch(lock);
        }
    }
}

void LockManager::Impl::on(const cluster::QuorumLost& input) {
    if (input.epoch == view.epoch && !mutated("quorum_loss_ignored")) {
        freeze();
    }
}

void LockManager::Impl::on(const cluster::Expelled&) {
    for (std::uint32_t id = 1; id < clients.size(); ++id) {
        if (!clients[id].open) {
            continue;
        }
        for (auto at = clients[id].first; at != 0; at = store.locks[at].owner_next) {
            const auto& lock = store.locks[at];
            if (lock.pending != Pending::kNone) {
                reply(ClientId(id), RequestId(lock.request), LockStatus::kRevoked, store.id_of(at));
            }
        }
    }
    revoke_definitions();
    revoke_withheld();
    for (std::uint32_t id = 1; id < clients.size(); ++id) {
        if (clients[id].open) {
            out->push_back(Revoked{ClientId(id)});
        }
    }
    expelled = true;
    lapsed = false;
}

// ---- a new view

void LockManager::Impl::on(const cluster::ViewCommitted& input) {
    if (!input.view.quorate) {
        freeze();  // and remember what was: recovery starts from the last view with quorum
        return;
    }
    engine.enable(false);
    previous_epoch = view.epoch.value();
    update_parties(input.view);
    engine.set_token_base(epoch() << 40);
    start_recovery();
    thaw();
    tell_done();
    check_complete();
}

std::uint32_t LockManager::Impl::party_for(cluster::MemberId id) {
    for (const auto wanted : {id, cluster::MemberId{}}) {  // itself, or a place that is free
        for (std::uint32_t party = kSelf; party < parties.size(); ++party) {
            if (parties[party].id == wanted) {
                parties[party].id = id;
                return party;
            }
        }
    }
    QUORATE_ASSERT(parties.size() < UINT16_MAX);
    parties.emplace_back().id = id;
    return static_cast<std::uint32_t>(parties.size() - 1);
}

// Lives that are gone for good, before a view that follows one whose recovery is over and in which
// nobody is waited for: then no tree names them any more, and a message that does is not heeded.
void LockManager::Impl::forget_parties(const cluster::View& next) {
    if (!complete || anybody_pending()) {
        return;
    }
    entries.erase_if([&](const auto& entry) { return !parties[entry.second.master].member; });
    for (std::uint32_t index = kSelf + 1; index < parties.size(); ++index) {
        auto& party = parties[index];
        const bool gone = !party.member && party.first == 0 &&
                          std::ranges::find(next.lost, party.id) == next.lost.end();
        if (gone && party.id != cluster::MemberId{}) {
            std::erase_if(arrivals, [&](const auto& one) { return one.second.from == index; });
            std::erase_if(moves, [&](const auto& one) { return one.second.target == index; });
            party = Party{};
        }
    }
}

void LockManager::Impl::update_parties(const cluster::View& next) {
    forget_parties(next);
    const auto former = std::exchange(members, {});
    const bool unfinished = recovering();  // what changed then is still news to some trees
    shares_changed = view.epoch == cluster::Epoch(0) || unfinished;
    departures = unfinished;
    looked_at_all = !unfinished;
    view = next;
    for (const auto& member : view.members) {
        const auto index = party_for(member.id);
        auto& party = parties[index];
        const bool joins = !std::exchange(party.member, true);
        party.newcomer = joins || (unfinished && party.newcomer);
        party.joined = joins ? epoch() : party.joined;
        shares_changed =
            shares_changed || party.newcomer || party.weight != member.directory_weight;
        party.weight = member.directory_weight;
        party.begun = party.done = party.told_done = party.wants_all = false;
        party.link.open = false;
        party.link.unsent = party.link.unacknowledged.size();
        members.push_back(index);
    }
    for (const auto life : view.lost) {
        await_takeover(party_for(life));
    }
    for (const auto party : former) {
        if (view.find(parties[party].id) == nullptr) {
            departures = true;
            lose(party);
        }
    }
    for (std::uint32_t party = kSelf + 1; party < parties.size(); ++party) {
        if (parties[party].pending &&
            std::ranges::find(view.lost, parties[party].id) == view.lost.end()) {
            parties[party].pending = false;  // every other member was told
            release_party(party);
        }
    }
    count_pending();
}

void LockManager::Impl::await_takeover(std::uint32_t index) {
    auto& party = parties[index];
    if (!party.pending && !party.allowed && !party.member) {
        party.pending = true;
        party.haunt = ++haunts;
        party.left = party.left != 0 ? party.left : epoch();
    }
}

void LockManager::Impl::count_pending() {
    pending_haunts.clear();
    for (const auto& party : parties) {
        if (party.pending) {
            pending_haunts.insert(party.haunt);
        }
    }
    engine.exorcise(pending_haunts.empty() ? haunts : *pending_haunts.begin() - 1);
    if (pending_haunts.empty()) {
        history.forget();
    }
}

// It cannot wait any more; what it holds it holds until takeover.
void LockManager::Impl::lose(std::uint32_t index) {
    auto& party = parties[index];
    party.member = false;
    party.left = epoch();
    party.link = Link{};
    for (const auto& [root, move] : moves) {
        // Its requests are not its next life's.
        const auto resource = move.sent ? 0U : store.find(0, root);
        if (resource != 0) {
            std::erase_if(more(store.trees[store.resources[resource].tree]).held,
                          [&](const Message& message) {
                              const auto* request = std::get_if<EnqueueMessage>(&message);
                              return request != nullptr && request->origin == party.id.node;
                          });
        }
    }
    await_takeover_or_release(index);
}

void LockManager::Impl::await_takeover_or_release(std::uint32_t index) {
    for (auto at = parties[index].last; at != 0 && store.waiting_of(index) != 0;) {
        const auto before = store.locks[at].owner_prev;
        engine.cancel(at);
        if (!store.locks[at].has_granted) {
            destroy(at);
        }
        at = before;
    }
    if (std::ranges::find(view.lost, parties[index].id) != view.lost.end() &&
        !mutated("release_at_once")) {
        await_takeover(index);
    } else {
        release_party(index);
    }
}

// What it holds here goes, some at a time: others are not to wait for all of it.
void LockManager::Impl::release_party(std::uint32_t index) {
    if (parties[index].first != 0) {
        releasing.push_back(index);
        release_some();
    }
}

void LockManager::Impl::release_some() {
    for (auto left = options.recovery_trees; left != 0 && !releasing.empty(); --left) {
        release_lost(parties[releasing.back()].first);
        if (parties[releasing.back()].first == 0) {
            releasing.pop_back();
        }
    }
}

void LockManager::Impl::release_lost(std::uint32_t lock) {
    engine.release(lock, mutated("keep_value_valid") ? 0U : flag::IVVALBLK, nullptr);
    destroy(lock);
}

// Whoever asks for a resource does not wait until the turn of a lost life's locks comes. Somebody
// has a lock there that stays.
void LockManager::Impl::release_lost_in(std::uint32_t resource) {
    if (releasing.empty()) {
        return;
    }
    std::vector<std::uint32_t> lost;
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        for (auto at = store.resources[resource].queue(which).head; at != 0;
             at = store.locks[at].next) {
            if (std::ranges::find(releasing, store.locks[at].party) != releasing.end()) {
                lost.push_back(at);
            }
        }
    }
    for (const auto lock : lost) {
        release_lost(lock);
    }
    std::erase_if(releasing, [&](std::uint32_t party) { return parties[party].first == 0; });
    carry_out_effects();
}

void LockManager::Impl::release_more() {
    engine.enable(false);
    release_some();
    engine.enable(true);
    carry_out_effects();
    if (releasing.empty() && draining && complete) {
        drain_trees();
    }
}

void LockManager::Impl::on(const cluster::TakeoverAllowed& input) {
    if (input.epoch != view.epoch) {
        return;  // said again in the epoch that follows
    }
    const auto index = party_for(input.lost);
    auto& party = parties[index];
    party.allowed = true;
    if (!std::exchange(party.pending, false)) {
        return;
    }
    engine.enable(false);
    release_party(index);
    count_pending();
    forget_lost_uses();
    if (!frozen) {
        engine.enable(true);
        carry_out_effects();
        retry_lookups();
        retry_cancels();
    }
}

}  // namespace quorate::lockmgr
