#include "manager.hpp"

// A node whose lease is over may have been lost to the others without having heard of it: it was
// frozen, or its members did not. What its machine does then harms nobody, since an epoch that has
// ended refuses its messages; what it would tell its clients does. So they are told of no grant and
// no release until the lease runs again, and new requests wait as they do without quorum.
namespace quorate::lockmgr {

void LockManager::Impl::look_at_lease() {
    if (!lapsed && now >= lease) {
        lapsed = true;
        suspend_clients();
    }
}

void LockManager::Impl::on(const LeaseKnown& input) {
    lease = input.until;
    if (!lapsed || now >= lease) {
        return;
    }
    lapsed = false;
    if (!frozen) {
        resume_clients();
    }
    release_withheld();
    if (!frozen) {
        dispatch_waiting();
    }
}

// ---- clients

void LockManager::Impl::suspend_clients() {
    const auto until = lease == MonoTime::max() ? std::nullopt : std::optional(lease);
    for (std::uint32_t id = 1; id < clients.size(); ++id) {
        auto& client = clients[id];
        if (client.open && client.locks != 0 && !std::exchange(client.suspended, true)) {
            out->push_back(Suspended{ClientId(id), until});
        }
    }
}

void LockManager::Impl::resume_clients() {
    for (std::uint32_t id = 1; id < clients.size(); ++id) {
        if (std::exchange(clients[id].suspended, false)) {
            out->push_back(Resumed{ClientId(id)});
        }
    }
}

// ---- answers

// Of the outputs of this step. A refusal harms nobody, but of one lock all comes in order.
void LockManager::Impl::withhold(std::size_t first) {
    auto kept = out->begin() + static_cast<std::ptrdiff_t>(first);
    for (auto at = kept; at != out->end(); ++at) {
        bool told = true;
        if (const auto* done = std::get_if<Completion>(&*at)) {
            told = done->status != LockStatus::kGranted && done->status != LockStatus::kUnlocked &&
                   !withheld_locks.contains(done->lock);
            if (!told && done->lock != LockId(0)) {
                withheld_locks.insert(done->lock);
            }
        } else if (std::holds_alternative<BlockingEvent>(*at)) {
            told = false;
        }
        if (!told) {
            withheld.push_back(std::move(*at));
        } else if (kept++ != at) {
            *std::prev(kept) = std::move(*at);
        }
    }
    out->erase(kept, out->end());
}

void LockManager::Impl::release_withheld() {
    withheld_locks.clear();
    for (auto& output : std::exchange(withheld, {})) {
        out->push_back(std::move(output));
    }
}

void LockManager::Impl::revoke_withheld() {
    for (auto& output : std::exchange(withheld, {})) {
        if (const auto* done = std::get_if<Completion>(&output)) {
            reply(done->client, done->request, LockStatus::kRevoked, done->lock);
        }
    }
}

// Its number may be another's soon.
void LockManager::Impl::forget_withheld(ClientId client) {
    std::erase_if(withheld, [&](const LockOutput& output) {
        const auto* done = std::get_if<Completion>(&output);
        const auto* blocking = std::get_if<BlockingEvent>(&output);
        return (done != nullptr && done->client == client) ||
               (blocking != nullptr && blocking->client == client);
    });
}

}  // namespace quorate::lockmgr
