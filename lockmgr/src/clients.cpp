#include "manager.hpp"

namespace quorate::lockmgr {

// ---- who they are

Client* LockManager::Impl::client_of(ClientId id) {
    return id.value() != 0 && id.value() < clients.size() && clients[id.value()].open
               ? &clients[id.value()]
               : nullptr;
}

void LockManager::Impl::on(const ClientOpened& input) {
    const auto index = input.client.value();
    if (index == 0 || index > options.clients_max || client_of(input.client) != nullptr) {
        note(LogLevel::kError, "lock_client_refused", "the shell's number is taken or too large");
        return;
    }
    if (index >= clients.size()) {
        clients.resize(index + 1);
    }
    auto& client = clients[index];
    client.open = true;
    client.pid = input.pid;
    client.uid = input.uid;
    client.gids = input.gids;
    client.priority = input.priority;
}

void LockManager::Impl::on(const ClientGone& input) {
    auto* client = client_of(input.client);
    if (client != nullptr) {
        client->open = false;
        forget_withheld(input.client);
        for (const auto lock : leaves_first(*client, 0)) {
            drop(lock);
        }
        forget_definitions(input.client);
        *client = Client{};
    }
}

// Locks of a client, all or those below `top`: what waits first, so that nothing of it is granted
// by what it gives up; sublocks before their parents.
std::vector<std::uint32_t> LockManager::Impl::leaves_first(const Client& client,
                                                           std::uint32_t top) const {
    std::vector<std::uint32_t> waiting;
    std::vector<std::uint32_t> rest;
    for (auto at = client.first; at != 0; at = store.locks[at].owner_next) {
        const auto& lock = store.locks[at];
        auto above = lock.parent;
        while (above != 0 && above != top) {
            above = store.locks[above].parent;
        }
        if (at != top && above == top) {
            const bool leaf = lock.pending != Pending::kNone && lock.sublocks == 0;
            (leaf ? waiting : rest).push_back(at);
        }
    }
    std::ranges::stable_sort(rest, std::greater(), [&](std::uint32_t lock) {
        return store.resources[store.locks[lock].resource].depth;
    });
    waiting.insert(waiting.end(), rest.begin(), rest.end());
    return waiting;
}

void LockManager::Impl::reply(ClientId client, RequestId request, LockStatus status, LockId lock) {
    auto& completion = std::get<Completion>(out->emplace_back(Completion{}));
    completion.client = client;
    completion.request = request;
    completion.status = status;
    completion.lock = lock;
}

// ---- what they may ask (Linux fs/dlm set_lock_args, validate_lock_args)

LockStatus LockManager::Impl::check(const Enqueue& input, const Client& client) {
    using enum LockStatus;
    const auto has = [&](std::uint32_t bits) { return (input.flags & bits) != 0; };
    if (index_of(input.mode) >= kModes || input.name.size() > kMaxName ||
        input.domain.size() > kMaxDomain || (input.flags & ~flag::kAll) != 0 ||
        has(flag::QUECVT | flag::CONVDEADLK | flag::FORCEUNLOCK)) {
        return kInvalid;
    }
    if (has(flag::EXPEDITE) && (has(flag::NOQUEUE) || input.mode != LockMode::NL)) {
        return kInvalid;
    }
    if (has(flag::ALTPR) && has(flag::ALTCW)) {
        return kInvalid;
    }
    if (has(flag::ORPHAN) && !has(flag::PERSISTENT)) {
        return kInvalid;
    }
    // What a program leaves behind counts too, together with what others left: who adopts some of
    // it makes it less.
    const bool left_behind =
        has(flag::PERSISTENT) && !has(flag::ORPHAN) && clients[0].locks >= options.client_locks_max;
    if (client.locks >= options.client_locks_max || store.locks.used() >= options.locks_max ||
        left_behind) {
        return kOverLimit;
    }
    if (input.parent == LockId(0)) {
        return input.domain.empty() ? kInvalid : kGranted;
    }
    const auto parent = store.index_of(input.parent);
    if (parent == 0 || store.locks[parent].client != input.client.value()) {
        return kNoSuchLock;
    }
    const auto& lock = store.locks[parent];
    if (!lock.has_granted || lock.pending != Pending::kNone) {
        return kParentNotGranted;
    }
    return store.resources[lock.resource].depth + 1U >= kMaxDepth ? kTooDeep : kGranted;
}

LockStatus LockManager::Impl::check(const Convert& input, const Lock& lock) const {
    using enum LockStatus;
    const auto has = [&](std::uint32_t bits) { return (input.flags & bits) != 0; };
    if (index_of(input.mode) >= kModes || (input.flags & ~flag::kAll) != 0 ||
        has(flag::EXPEDITE | flag::ORPHAN | flag::FORCEUNLOCK) ||
        (has(flag::CONVDEADLK) && has(flag::NOQUEUE)) || (has(flag::ALTPR) && has(flag::ALTCW))) {
        return kInvalid;
    }
    if (!lock.has_granted || lock.pending != Pending::kNone) {
        return kBusy;
    }
    return has(flag::QUECVT) && !quecvt_allowed(lock.granted, input.mode) ? kInvalid : kGranted;
}

// ---- operations

void LockManager::Impl::on(const Enqueue& input) {
    const auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    if (const auto status = check(input, *client); status != LockStatus::kGranted) {
        reply(input.client, input.request, status);
        return;
    }
    const auto parent = input.parent == LockId(0) ? 0U : store.index_of(input.parent);
    const auto needed = rights_for(input.flags);
    if (parent == 0) {
        const bool adopts = (input.flags & flag::ORPHAN) != 0;
        const auto status = adopts ? may_adopt(*client, input.domain, needed)
                                   : may_ask_in(*client, input.domain, needed);
        if (status != LockStatus::kGranted) {
            reply(input.client, input.request, status);
            return;
        }
        key.assign(1, static_cast<char>(input.domain.size()));
        key += input.domain;
        key += input.name;
    } else if ((rights_on(*client, store.locks[parent].resource) & needed) != needed) {
        reply(input.client, input.request, LockStatus::kNoRights);
        return;
    }
    const auto above = parent == 0 ? 0U : store.locks[parent].resource;
    const auto name = parent == 0 ? std::string_view(key) : input.name;
    if ((input.flags & flag::ORPHAN) != 0) {
        adopt(input, store.find(above, name));
        return;
    }
    const auto resource = store.find_or_create(above, name);
    const auto index = store.create_lock(resource);
    if (store.trees[store.resources[resource].tree].idle) {
        end_idle(store.resources[resource].tree);
    }
    auto& lock = store.locks[index];
    auto& owner = clients[input.client.value()];
    lock.party = kSelf;
    lock.client = static_cast<std::uint16_t>(input.client.value());
    lock.pid = owner.pid;
    lock.priority = owner.priority;
    lock.xid = input.xid;
    lock.parent = parent;
    if (parent != 0) {
        ++store.locks[parent].sublocks;
    }
    lock.flags = input.flags;
    lock.requested = input.mode;
    list_at_front(index);
    ++owner.locks;
    begin_operation(index, input.request, input.deadline);
}

void LockManager::Impl::on(const Convert& input) {
    const auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    const auto index = store.index_of(input.lock);
    if (index == 0 || store.locks[index].client != input.client.value()) {
        reply(input.client, input.request, LockStatus::kNoSuchLock, input.lock);
        return;
    }
    auto& lock = store.locks[index];
    auto status = check(input, lock);
    if (const auto needed = rights_for(input, lock);
        status == LockStatus::kGranted && needed != 0 &&
        (rights_on(*client, lock.resource) & needed) != needed) {
        status = LockStatus::kNoRights;
    }
    if (status != LockStatus::kGranted) {
        reply(input.client, input.request, status, input.lock);
        std::get<Completion>(out->back()).mode = lock.granted;
        return;
    }
    lock.requested = input.mode;
    // PERSISTENT belongs to the lock, not to the operation.
    lock.flags = input.flags | (lock.flags & flag::PERSISTENT);
    const bool writes = (input.flags & flag::VALBLK) != 0 &&
                        value_effect(lock.granted, input.mode) == ValueEffect::kWrite;
    const bool reads = (input.flags & flag::VALBLK) != 0 &&
                       value_effect(lock.granted, input.mode) == ValueEffect::kRead;
    if (store.tree_of(lock).state != TreeState::kLocal && !reads &&
        conflicts_no_more(lock.granted, input.mode)) {
        lock.request = input.request.value();
        convert_at_once(index, input.mode, input.flags, input.value);
        return;
    }
    if (writes) {
        store.value_of(lock).write(input.value, input.flags);
    }
    begin_operation(index, input.request, input.deadline);
}

void LockManager::Impl::on(const Dequeue& input) {
    using enum LockStatus;
    const auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    constexpr auto kAllowed = flag::VALBLK | flag::IVVALBLK | flag::FORCEUNLOCK | flag::SHORTBLK;
    const auto index = store.index_of(input.lock);
    if (index == 0 || store.locks[index].client != input.client.value()) {
        reply(input.client, input.request, kNoSuchLock, input.lock);
        return;
    }
    auto& lock = store.locks[index];
    const bool force = (input.flags & flag::FORCEUNLOCK) != 0;
    const bool pending = lock.pending != Pending::kNone;
    auto status = (input.flags & ~kAllowed) != 0 ? kInvalid
                  : pending && !force            ? kBusy
                  : lock.sublocks != 0           ? kHasSublocks
                                                 : kUnlocked;
    if (status == kUnlocked && (input.flags & (flag::VALBLK | flag::IVVALBLK)) != 0 &&
        writes_value(lock.granted) && (rights_on(*client, lock.resource) & right::kWrite) == 0) {
        status = kNoRights;
    }
    if (status != kUnlocked) {
        reply(input.client, input.request, status, input.lock);
        return;
    }
    if (pending) {
        reply(input.client, RequestId(lock.request), kCancelled, input.lock);
    }
    reply(input.client, input.request, kUnlocked, input.lock);
    dequeue(index, input.flags, (input.flags & flag::VALBLK) != 0 ? &input.value : nullptr);
}

void LockManager::Impl::on(const Cancel& input) {
    if (client_of(input.client) == nullptr) {
        return;
    }
    const auto index = store.index_of(input.lock);
    if (index == 0 || store.locks[index].client != input.client.value()) {
        reply(input.client, input.request, LockStatus::kNoSuchLock, input.lock);
        return;
    }
    if (store.locks[index].pending == Pending::kNone) {
        reply(input.client, input.request, LockStatus::kNothingToCancel, input.lock);
        return;
    }
    reply(input.client, input.request, LockStatus::kGranted, input.lock);
    cancel(index, /*timed_out=*/false);
}

void LockManager::Impl::on(const DequeueAll& input) {
    auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    const auto top = store.index_of(input.lock);
    if (input.lock != LockId(0) && (top == 0 || store.locks[top].client != input.client.value())) {
        reply(input.client, input.request, LockStatus::kNoSuchLock, input.lock);
        return;
    }
    for (const auto at : leaves_first(*client, top)) {
        if (store.locks[at].pending != Pending::kNone) {
            reply(input.client, RequestId(store.locks[at].request), LockStatus::kCancelled,
                  store.id_of(at));
        }
        dequeue(at, flag::FORCEUNLOCK, nullptr);
    }
    reply(input.client, input.request, LockStatus::kUnlocked, input.lock);
}

// ---- the end of a client, and what outlives it

// A lock without sublocks, of a client that is gone.
void LockManager::Impl::drop(std::uint32_t index) {
    auto& lock = store.locks[index];
    if ((lock.flags & flag::PERSISTENT) != 0 && lock.has_granted && lock.parent == 0) {
        unlist(index);
        --clients[lock.client].locks;
        ++clients[0].locks;
        lock.client = 0;
        lock.orphan = true;
        lock.flags &= ~flag::BLOCKING;
        list_at_end(index);
        if (lock.pending != Pending::kNone) {
            cancel(index, /*timed_out=*/false);
        }
        return;
    }
    dequeue(index, flag::FORCEUNLOCK | flag::IVVALBLK, nullptr);
}

void LockManager::Impl::adopt(const Enqueue& input, std::uint32_t resource) {
    auto status = LockStatus::kNoOrphan;
    auto at = resource == 0 ? 0U : store.resources[resource].queue(Queue::kGranted).head;
    for (; at != 0; at = store.locks[at].next) {
        auto& lock = store.locks[at];
        if (lock.party != kSelf || !lock.orphan || lock.pending != Pending::kNone) {
            continue;
        }
        if (lock.granted != input.mode) {
            status = LockStatus::kOrphanOtherMode;
            continue;
        }
        unlist(at);
        --clients[0].locks;
        auto& owner = clients[input.client.value()];
        ++owner.locks;
        lock.client = static_cast<std::uint16_t>(input.client.value());
        lock.pid = owner.pid;
        lock.priority = owner.priority;
        lock.orphan = false;
        lock.xid = input.xid;
        list_at_front(at);  // it does not wait
        lock.request = input.request.value();
        lock.flags |= input.flags & flag::BLOCKING;
        finish(at, LockStatus::kGranted);
        return;
    }
    reply(input.client, input.request, status);
}

void LockManager::Impl::purge(std::uint32_t pid) {
    for (auto at = clients[0].first; at != 0;) {
        const auto next = store.locks[at].owner_next;
        if (pid == 0 || store.locks[at].pid == pid) {
            dequeue(at, flag::FORCEUNLOCK | flag::IVVALBLK, nullptr);
        }
        at = next;
    }
}

void LockManager::Impl::on(const Purge& input) {
    const auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    const auto party = input.node == NodeId(0) ? kSelf : party_of(input.node);
    if (client->uid != 0 || party == 0) {
        reply(input.client, input.request,
              client->uid != 0 ? LockStatus::kNoRights : LockStatus::kInvalid);
        return;
    }
    send(party, PurgeMessage{input.pid});
    reply(input.client, input.request, LockStatus::kGranted);
}

void LockManager::Impl::handle(std::uint32_t, PurgeMessage& m) { purge(m.pid); }

}  // namespace quorate::lockmgr
