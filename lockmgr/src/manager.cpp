#include "manager.hpp"

#include <fmt/core.h>

namespace quorate::lockmgr {

LockManager::Impl::Impl(LockManagerOptions given) : options(std::move(given)) {
    options.clients_max = std::min<std::uint32_t>(options.clients_max, UINT16_MAX);
    parties[kSelf].id = options.self;
    clients.resize(1);  // 0: orphans
    for (const auto& domain : options.domains) {
        auto& known = domains[domain.name];
        known.domain = domain;
        known.known = known.configured = true;
    }
}

void LockManager::Impl::on(const Received& input) {
    const auto from = party_of(input.from);
    if (frozen || from == 0 || from == kSelf) {
        return;  // repeated in the next epoch, if the sender is in it
    }
    const auto packet = decode_packet(input.bytes);
    if (!packet) {
        note(LogLevel::kWarn, "lock_packet_refused",
             fmt::format("node {}: {}", input.from.value(), packet.error().to_string()));
        return;
    }
    if (packet->epoch != view.epoch) {
        return;
    }
    std::visit([&](const auto& content) { hear(from, content); }, packet->content);
}

// ---- time

void LockManager::Impl::arm(std::uint32_t lock, std::int64_t when, Timer::Kind kind) {
    timers.push_back({kind, when, store.id_of(lock).value(), store.locks[lock].op});
    std::push_heap(timers.begin(), timers.end());
}

void LockManager::Impl::run_timers() {
    while (!timers.empty() && timers.front().when <= ms()) {
        const auto timer = timers.front();
        std::pop_heap(timers.begin(), timers.end());
        timers.pop_back();
        const auto lock = store.index_of(LockId(timer.lock));
        if (lock == 0 || store.locks[lock].op != timer.op ||
            store.locks[lock].pending == Pending::kNone) {
            continue;
        }
        if (timer.kind == Timer::Kind::kDeadline) {
            cancel(lock, /*timed_out=*/true);
        } else {
            want_search();
        }
    }
    if (next_scan != 0 && ms() >= next_scan) {
        scan_activity();
    }
    if (next_users != 0 && ms() >= next_users) {
        scan_users();
    }
    if (!held_cancels.empty() && !frozen) {
        retry_cancels();
    }
    if (moves_due != 0 && ms() >= moves_due && !frozen) {
        give_up_moves();
    }
    if (next_drain != 0 && ms() >= next_drain && complete && !frozen) {
        drain_trees();
    }
    expire_idle();
    run_search();
}

std::optional<MonoTime> LockManager::Impl::deadline() const {
    std::optional<std::int64_t> first;
    const auto consider = [&](std::int64_t when) { first = std::min(first.value_or(when), when); };
    if (!timers.empty()) {
        consider(timers.front().when);
    }
    if (next_scan != 0) {
        consider(next_scan);
    }
    if (next_users != 0) {
        consider(next_users);
    }
    if (moves_due != 0 && !frozen) {
        consider(moves_due);
    }
    if (next_drain != 0 && complete && !frozen) {
        consider(next_drain);
    }
    if (searching.next != 0 && !frozen && searching.stage == Search::Stage::kIdle) {
        consider(searching.next);
    }
    if (may_go_on()) {
        consider(ms());
    } else if (recovering() && !frozen) {
        consider(recover_anyway);
    }
    if (idle_first != 0 && !frozen) {
        consider(ms() + idle_left(store.trees[idle_first]));
    }
    if (!lapsed && lease != MonoTime::max()) {
        consider(lease.time_since_epoch().count());
    }
    if (expelled || !first) {
        return std::nullopt;
    }
    return MonoTime(MonoTime::duration(*first));
}

void LockManager::Impl::run_posted() {
    while (!posted.empty()) {
        auto message = std::move(posted.front());
        posted.pop_front();
        message_issued = epoch();
        handle_any(kSelf, message);
    }
}

// ---- the class

LockManager::LockManager(LockManagerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
LockManager::~LockManager() = default;
LockManager::LockManager(LockManager&&) noexcept = default;
LockManager& LockManager::operator=(LockManager&&) noexcept = default;

void LockManager::step(MonoTime now, const LockInput& input, std::vector<LockOutput>& out) {
    auto& impl = *impl_;
    impl.now = now;
    impl.out = &out;
    if (impl.expelled) {
        return;
    }
    const auto first = out.size();
    if (!mutated("notice_lease_late")) {
        impl.look_at_lease();
    }
    std::visit([&](const auto& one) { impl.on(one); }, input);
    if (impl.expelled) {
        return;  // all was answered
    }
    impl.run_posted();
    impl.run_timers();
    impl.run_posted();
    impl.leave_domains();
    impl.run_posted();
    impl.check_drained();
    impl.flush_links();
    if (impl.lapsed) {
        impl.withhold(first);
    }
    if (mutated("notice_lease_late")) {
        impl.look_at_lease();
    }
}

std::optional<MonoTime> LockManager::deadline() const { return impl_->deadline(); }

std::optional<WaitCause> LockManager::why(LockId id) const {
    const auto& impl = *impl_;
    const auto lock = impl.store.index_of(id);
    if (lock == 0 || impl.store.locks[lock].pending == Pending::kNone) {
        return std::nullopt;
    }
    return impl.cause_of(lock);
}

void LockManager::each_domain(const std::function<void(const Domain&)>& visit) const {
    for (const auto& [name, known] : impl_->domains) {
        if (known.known) {
            visit(known.domain);
        }
    }
}

void LockManager::each_resource(const std::function<void(const ResourceInfo&)>& visit) const {
    some_resources(1, UINT32_MAX, visit);
}

std::uint32_t LockManager::some_resources(
    std::uint32_t from, std::uint32_t count,
    const std::function<void(const ResourceInfo&)>& visit) const {
    const auto& impl = *impl_;
    const auto& store = impl.store;
    const auto end = static_cast<std::uint32_t>(store.resources.end());
    const auto last = count < end - std::min(from, end) ? from + count : end;
    for (std::uint32_t index = from; index < last; ++index) {
        const auto& resource = store.resources[index];
        if (resource.tree == 0) {
            continue;
        }
        const auto& tree = store.trees[resource.tree];
        ResourceInfo info;
        const auto root = store.root_key_of(tree);
        info.domain = domain_of(root);
        info.path = impl.path_of(index);
        info.path.insert(info.path.begin(), std::string(name_in(root)));
        info.here = tree.state == TreeState::kLocal;
        info.master = tree.master != 0 ? impl.node_of(tree.master) : NodeId(0);
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto at = resource.queue(which).head; at != 0; at = store.locks[at].next) {
                const auto& lock = store.locks[at];
                LockInfo one;
                one.node = impl.node_of(lock.party);
                one.lock = store.owner_id_of(at);
                one.pid = lock.pid;
                one.xid = lock.xid;
                const bool waits =
                    info.here ? which != Queue::kGranted : lock.pending != Pending::kNone;
                one.queue = !waits             ? LockInfo::Queue::kGranted
                            : lock.has_granted ? LockInfo::Queue::kConverting
                                               : LockInfo::Queue::kWaiting;
                one.granted = lock.granted;
                one.requested = waits ? lock.requested : lock.granted;
                one.order = lock.order;
                one.token = Token(lock.token);
                one.age = std::chrono::milliseconds(impl.ms() - lock.since);
                info.locks.push_back(one);
            }
        }
        if (resource.value != 0) {
            info.value = store.values[resource.value].block;
            info.value_valid = !store.values[resource.value].invalid;
        }
        visit(info);
    }
    return last < end ? last : 0;
}

LockCounts LockManager::counts() const {
    const auto& impl = *impl_;
    LockCounts counts;
    counts.locks = impl.store.locks.used();
    counts.resources = impl.store.resources.used();
    counts.trees = impl.store.trees.used();
    counts.entries = impl.entries.size();
    counts.moves = impl.moves_done;
    counts.deadlocks = impl.deadlocks;
    counts.recovering = !impl.frozen && !impl.complete;
    for (std::uint32_t tree = 1; tree < impl.store.trees.end(); ++tree) {
        counts.trees_mastered += impl.store.trees[tree].state == TreeState::kLocal ? 1U : 0U;
    }
    for (const auto& party : impl.parties) {
        counts.unacknowledged += party.link.unacknowledged.size();
        counts.lives += party.id != cluster::MemberId{} ? 1U : 0U;
    }
    return counts;
}

}  // namespace quorate::lockmgr
