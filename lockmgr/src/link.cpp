#include <fmt/core.h>

#include "manager.hpp"

namespace quorate::lockmgr {

std::uint32_t LockManager::Impl::party_of(NodeId node) const {
    for (const auto party : members) {
        if (parties[party].id.node == node) {
            return party;
        }
    }
    return 0;
}

// The life of a node that a message of epoch `when` speaks of; it may be lost since. 0: not known.
std::uint32_t LockManager::Impl::party_at(NodeId node, std::uint64_t when) const {
    std::uint32_t found = 0;
    for (std::uint32_t index = kSelf; index < parties.size(); ++index) {
        const auto& party = parties[index];
        const bool there = party.joined <= when && (party.member || when < party.left);
        if (party.id.node == node && there &&
            (found == 0 || party.joined > parties[found].joined)) {
            found = index;
        }
    }
    return found;
}

void LockManager::Impl::send(std::uint32_t index, const Message& message) {
    if (index == kSelf) {
        posted.push_back(message);
        return;
    }
    auto& party = parties[index];
    if (index == 0 || !party.member) {
        return;
    }
    auto& link = party.link;
    ++link.sent;
    ++link.unsent;
    link.unacknowledged.push_back({epoch(), encode(message)});
    if (!std::exchange(link.listed, true)) {
        to_flush.push_back(index);
    }
}

void LockManager::Impl::flush_links() {
    for (const auto index : std::exchange(to_flush, {})) {
        auto& party = parties[index];
        party.link.listed = false;
        if (party.link.open && party.member && !frozen) {
            flush(party);
        }
    }
}

void LockManager::Impl::flush(Party& party) {
    // Not as much as there may be: whoever gets it does nothing else meanwhile.
    constexpr std::size_t kBatch = 128 * 1024;
    auto& link = party.link;
    do {
        Batch batch;
        batch.first = link.sent - link.unsent + 1;
        batch.received = link.received;
        auto at = link.unacknowledged.end() - static_cast<std::ptrdiff_t>(link.unsent);
        for (std::size_t size = 0; link.unsent != 0 && batch.items.size() < kMaxList; ++at) {
            size += at->body.size() + 8;
            if (!batch.items.empty() && size > kBatch) {
                break;
            }
            batch.items.push_back({epoch() - at->issued, at->body});
            --link.unsent;
        }
        link.told = link.received;
        out->push_back(Send{party.id.node, encode(Packet{view.epoch, std::move(batch)})});
    } while (link.unsent != 0);
}

// ---- what arrives

void LockManager::Impl::hear(std::uint32_t index, const Begin& begin) {
    auto& party = parties[index];
    auto& link = party.link;
    if (party.begun) {
        return;
    }
    if (begin.received > link.sent) {
        note(LogLevel::kError, "lock_peer_mistaken",
             fmt::format("node {} has received {} messages of {}", party.id.node.value(),
                         begin.received, link.sent));
        return;
    }
    party.begun = true;
    ahead = std::max(ahead, begin.time - ms());
    party.wants_all = begin.previous != cluster::Epoch(previous_epoch);
    link.acknowledge(begin.received);
    link.unsent = mutated("forget_unacknowledged") ? 0 : link.unacknowledged.size();
    link.open = true;
    if (!std::exchange(link.listed, true)) {
        to_flush.push_back(index);
    }
    if (party.wants_all && !party.newcomer) {
        claim_all(index);
    }
    tell_done();
}

void LockManager::Impl::hear(std::uint32_t index, const Batch& batch) {
    {
        auto& link = parties[index].link;
        if (!link.open) {
            return;
        }
        if (batch.first > link.received + 1) {
            note(LogLevel::kError, "lock_messages_missing",
                 fmt::format("node {}: {} comes after {}", node_of(index).value(), batch.first,
                             link.received));
            return;
        }
        link.acknowledge(batch.received);
    }
    auto number = batch.first;
    for (const auto& item : batch.items) {
        auto& link = parties[index].link;
        if (number++ <= link.received) {
            continue;
        }
        ++link.received;
        auto message = decode_message(item.body);
        if (!message) {
            note(LogLevel::kError, "lock_message_refused",
                 fmt::format("node {}: {}", node_of(index).value(), message.error().to_string()));
            continue;
        }
        message_issued = epoch() - item.issued_before;
        handle_any(index, *message);
        run_posted();
    }
    auto& link = parties[index].link;
    constexpr std::uint64_t kUntold = 32;
    if (link.received - link.told >= kUntold && !std::exchange(link.listed, true)) {
        to_flush.push_back(index);
    }
}

void LockManager::Impl::handle_any(std::uint32_t from, Message& message) {
    std::visit([&](auto& content) { handle(from, content); }, message);
}

}  // namespace quorate::lockmgr
