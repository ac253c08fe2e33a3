#include "content.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "manager.hpp"
#include "table.hpp"

namespace quorate::lockmgr::model {
namespace {

// A private member, for whoever must see all: an explicit instantiation may name it.
template <class Of>
struct Member;
template <class Of, auto kMember>
struct Opening {
    friend const auto& inside(Member<Of>, const Of& whole) { return whole.*kMember; }
};
template <>
struct Member<LockManager> {
    friend const auto& inside(Member, const LockManager& machine);
};
template struct Opening<LockManager, &LockManager::impl_>;
template <>
struct Member<Pool<Lock>> {
    friend const auto& inside(Member, const Pool<Lock>& pool);
};
template struct Opening<Pool<Lock>, &Pool<Lock>::free_>;

class Sum {
public:
    template <class... Values>
    void add(const Values&... values) {
        (put(values), ...);
    }
    std::uint64_t value() const { return hash_; }

private:
    template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
    void put(T value) { hash_ = mix(hash_ ^ static_cast<std::uint64_t>(value)) + kStep; }
    template <class Tag, class Rep>
    void put(const Strong<Tag, Rep>& value) {
        put(value.value());
    }
    void put(std::string_view text) { hash_ = hash_of(text, hash_); }

    static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
    std::uint64_t hash_ = 0;
};

// ---- messages

void rename(LockImage& image, const Names& names) {
    image.lock = names(image.node, image.lock);
    QUORATE_ASSERT((image.flags & flag::BLOCKING) == 0);
    image.highbast = LockMode::NL;
}

void rename(TreeImage& tree, const Names& names) {
    for (auto& resource : tree.resources) {
        for (auto& lock : resource.locks) {
            rename(lock, names);
        }
    }
}

struct Renaming {
    NodeId from;
    NodeId to;
    const Names& names;

    void operator()(EnqueueMessage& m) const { m.lock = names(m.origin, m.lock); }
    void operator()(ConvertMessage& m) const { m.lock = names(from, m.lock); }
    void operator()(DequeueMessage& m) const { m.lock = names(from, m.lock); }
    void operator()(CancelMessage& m) const { m.lock = names(from, m.lock); }
    void operator()(QueuedMessage& m) const { m.lock = names(to, m.lock); }
    void operator()(GrantedMessage& m) const { m.lock = names(to, m.lock); }
    void operator()(RefusedMessage& m) const { m.lock = names(to, m.lock); }
    void operator()(BlockingMessage& m) const { m.lock = names(to, m.lock); }
    void operator()(BounceMessage& m) const { m.lock = names(to, m.lock); }
    void operator()(TransferMessage& m) const { rename(m.tree, names); }
    void operator()(RebuildMessage& m) const {
        TreeImages renamed;
        TreeImage tree;
        for (std::size_t i = 0; i < m.trees.count(); ++i) {
            decode_image(m.trees[i], tree);
            rename(tree, names);
            renamed.add(tree);
        }
        m.trees = std::move(renamed);
    }
    template <class Other>
    void operator()(Other&) const {}  // names no lock, or is of a deadlock search
};

}  // namespace

void Names::learn(NodeId node, LockId lock, std::uint64_t xid) {
    const auto same = [&](const Known& one) { return one.node == node && one.lock == lock; };
    if (std::ranges::find_if(known_, same) == known_.end()) {
        known_.push_back({node, lock, LockId(xid)});
    }
}

void Names::learn(const TreeImage& tree) {
    for (const auto& resource : tree.resources) {
        for (const auto& lock : resource.locks) {
            learn(lock.node, lock.lock, lock.xid);
        }
    }
}

void Names::learn(std::string_view packet) {
    const auto decoded = decode_packet(packet);
    const auto* batch = decoded ? std::get_if<Batch>(&decoded->content) : nullptr;
    if (batch == nullptr) {
        return;
    }
    for (const auto& item : batch->items) {
        const auto message = decode_message(item.body);
        if (const auto* enqueue = std::get_if<EnqueueMessage>(&*message)) {
            learn(enqueue->origin, enqueue->lock, enqueue->xid);
        } else if (const auto* transfer = std::get_if<TransferMessage>(&*message)) {
            learn(transfer->tree);
        } else if (const auto* rebuild = std::get_if<RebuildMessage>(&*message)) {
            TreeImage tree;
            for (std::size_t i = 0; i < rebuild->trees.count(); ++i) {
                decode_image(rebuild->trees[i], tree);
                learn(tree);
            }
        }
    }
}

LockId Names::operator()(NodeId node, LockId lock) const {
    if (lock == LockId(0)) {
        return lock;
    }
    const auto same = [&](const Known& one) { return one.node == node && one.lock == lock; };
    const auto known = std::ranges::find_if(known_, same);
    QUORATE_ASSERT(known != known_.end());
    return known->name;
}

std::uint64_t content_of(Message message, NodeId from, NodeId to, const Names& names) {
    std::visit(Renaming{from, to, names}, message);
    return hash_of(encode(message));
}

LinkContent link_content_of(const LockManager& machine, NodeId peer, const Names& names) {
    const auto& impl = *inside(Member<LockManager>(), machine);
    LinkContent content;
    const auto party = impl.party_of(peer);
    if (party == 0) {
        return content;
    }
    const auto& link = impl.parties[party].link;
    content.sent = link.sent;
    content.received = link.received;
    for (const auto& item : link.unacknowledged) {
        const auto message = decode_message(item.body);
        content.unacknowledged.push_back(
            mix(content_of(*message, impl.self(), peer, names) + item.issued));
    }
    return content;
}

// ---- machines

namespace {

template <class Impl>
class Reading {
public:
    Reading(const Impl& impl, const Names& names)
        : impl_(impl), store_(impl.store), names_(names) {}

    std::uint64_t value() {
        cluster();
        for (std::uint32_t party = kSelf; party < impl_.parties.size(); ++party) {
            of_party(impl_.parties[party]);
        }
        for (std::uint32_t index = 1; index < store_.trees.end(); ++index) {
            if (store_.trees[index].root != 0) {
                tree(store_.trees[index]);
            }
        }
        locks();
        directory();
        recovery();
        moves();
        domains();
        nothing_else();
        return sum_.value();
    }

private:
    void message(const Message& one) {
        // To whom: what is kept is kept until it goes its way, and its locks are its sender's.
        sum_.add(content_of(one, impl_.self(), impl_.self(), names_));
    }
    std::uint64_t name_of_lock(std::uint32_t index) const {
        const auto& lock = store_.locks[index];
        return index == 0 ? 0 : std::uint64_t{lock.party} << 32 | lock.xid;
    }

    void cluster() {
        sum_.add(impl_.view.epoch, impl_.frozen, impl_.previous_epoch, impl_.expelled,
                 impl_.draining, impl_.drained, impl_.haunts, impl_.engine.enabled(),
                 impl_.members.size(), impl_.releasing.size());
        for (const auto haunt : impl_.pending_haunts) {
            sum_.add(haunt);
        }
        for (const auto party : impl_.releasing) {
            sum_.add(party);
        }
    }

    void of_party(const Party& party) {
        sum_.add(party.id.node, party.weight, party.joined, party.left, party.member,
                 party.newcomer, party.pending, party.allowed, party.begun, party.done,
                 party.told_done, party.wants_all, party.haunt, party.link.open, party.link.listed,
                 party.link.open ? party.link.unsent : 0);           // else counted anew by Begin
        QUORATE_ASSERT(party.link.received - party.link.told < 32);  // no word on its own
        for (auto at = party.first; at != 0; at = store_.locks[at].owner_next) {
            sum_.add(name_of_lock(at));
        }
    }

    void value(std::uint32_t index) {
        if (index == 0) {
            sum_.add(0);
            return;
        }
        const auto& value = store_.values[index];
        sum_.add(1, value.seq, value.seen, value.invalid,
                 std::string_view(reinterpret_cast<const char*>(value.block.data()),
                                  value.block.size()));
    }

    void tree(const Tree& one) {
        static const MasterState kNone;
        const auto& state = one.more ? *one.more : kNone;
        sum_.add(one.token, one.tail, one.head, one.locks, one.directory, one.haunt, one.master,
                 one.state, one.idle, one.certain, names_(impl_.self(), state.asked),
                 state.asked_in, state.move, state.move_target, state.left, state.moves,
                 state.held.size());
        for (const auto& held : state.held) {
            message(held);
        }
        const auto& root = store_.resources[one.root];
        QUORATE_ASSERT(store_.first_of(one) == one.root && root.children == 0);
        sum_.add(root.dirty, root.locks);
        value(root.value);
        for (const auto count : root.held) {
            sum_.add(count);
        }
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto at = root.queue(which).head; at != 0; at = store_.locks[at].next) {
                sum_.add(name_of_lock(at));
            }
            sum_.add(0);
        }
    }

    void locks() {
        std::vector<std::uint32_t> all;
        for (std::uint32_t index = 1; index < store_.locks.end(); ++index) {
            if (store_.locks[index].resource != 0) {
                all.push_back(index);
            }
        }
        std::ranges::sort(all, {}, [&](std::uint32_t index) { return name_of_lock(index); });
        for (const auto index : all) {
            lock(index, store_.locks[index]);
        }
        sum_.add(all.size());
        // Which record the next one gets, since of locks that began in the same millisecond the
        // one of the lesser number goes first.
        for (const auto index : inside(Member<Pool<Lock>>(), store_.locks)) {
            sum_.add(index);
        }
    }

    void lock(std::uint32_t index, const Lock& one) {
        QUORATE_ASSERT((one.flags & flag::BLOCKING) == 0 && one.parent == 0);
        sum_.add(name_of_lock(index), index, one.order, one.token, one.client, one.pid,
                 one.priority, one.flags, one.op, one.granted, one.requested, one.queue,
                 one.pending, one.has_granted, one.demoted, one.altered, one.read_value,
                 one.read_invalid, one.cancelling, one.timed_out, one.orphan, one.abandoned,
                 one.overtaken);
        value(one.value);
    }

    void directory() {
        QUORATE_ASSERT(impl_.entries.size() <= 1);
        if (const auto* entry = impl_.entries.find(root_key("d", "D"))) {
            sum_.add(1, entry->second.master, entry->second.promised, entry->second.token);
        }
        sum_.add(impl_.released_token, impl_.lookups.size(), impl_.own_lookups.size());
        for (const auto& lookup : impl_.lookups) {
            sum_.add(lookup.party);
            message(lookup.message);
        }
    }

    void recovery() {
        sum_.add(impl_.recovering(), impl_.finishing, impl_.complete, impl_.unresolved.size(),
                 impl_.rebuilds.size(), impl_.rebuilt, impl_.to_restart.size(),
                 impl_.shares_changed, impl_.departures, impl_.looked_at_all);
        for (const auto& part : impl_.rebuilds) {
            TreeImage image;
            decode_image(part.image, image);
            RebuildMessage whole;
            whole.trees.add(image);
            sum_.add(part.party, part.follows);
            message(whole);
        }
        for (const auto& [party, bulk] : impl_.bulk_rebuild) {
            sum_.add(party);
            message(bulk);
        }
        for (const auto& [party, bulk] : impl_.bulk_claim) {
            sum_.add(party);
            message(bulk);
        }
    }

    void moves() {
        sum_.add(impl_.moves.size(), impl_.incoming.size(), impl_.arrivals.size(),
                 impl_.move_number, impl_.next_drain != 0);
        for (const auto& [root, move] : impl_.moves) {
            sum_.add(move.number, move.target, move.sent, move.token, move.users.size(),
                     move.waiting.size());
            for (const auto user : move.users) {
                sum_.add(user);
            }
            for (const auto user : move.waiting) {
                sum_.add(user);
            }
        }
        for (const auto& [root, one] : impl_.incoming) {
            sum_.add(one.from);
            for (const auto& part : one.parts) {
                message(part);
            }
        }
        for (const auto& [number, arrival] : impl_.arrivals) {
            sum_.add(number, arrival.from, arrival.number);
        }
    }

    void domains() {
        for (const auto& [name, known] : impl_.domains) {
            QUORATE_ASSERT(known.waiting.empty());
            sum_.add(std::string_view(name), known.version, known.known, known.definers);
        }
        for (const auto& [name, kept] : impl_.kept_domains) {
            sum_.add(std::string_view(name), kept.version, kept.users.size());
        }
        sum_.add(impl_.kept_version);
    }

    // What the models do not come to.
    void nothing_else() const {
        QUORATE_ASSERT(impl_.posted.empty() && impl_.to_flush.empty() &&
                       impl_.engine.effects.empty() && impl_.withheld.empty() &&
                       impl_.definitions.empty() && impl_.awaited_definitions.empty() &&
                       impl_.held_cancels.empty() && impl_.waiting_for_quorum.empty() &&
                       impl_.verdicts.empty() && impl_.searching.next == 0 && impl_.ahead == 0 &&
                       !impl_.lapsed && store_.emptied.empty());
    }

    const Impl& impl_;
    const Store& store_;
    const Names& names_;
    Sum sum_;
};

}  // namespace

std::uint64_t content_of(const LockManager& machine, const Names& names) {
    return Reading(*inside(Member<LockManager>(), machine), names).value();
}

}  // namespace quorate::lockmgr::model
