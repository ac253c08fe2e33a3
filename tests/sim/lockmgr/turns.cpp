#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Whose turn it is: what happened at one master between two glances at a resource.
namespace quorate::lockmgr::simulator {
namespace {

// Leads from CW to PR or back, as it was asked or in its alternative.
bool may_be_middle(LockMode from, LockMode to, std::uint32_t flags) {
    const auto alternative = (flags & flag::ALTPR) != 0   ? LockMode::PR
                             : (flags & flag::ALTCW) != 0 ? LockMode::CW
                                                          : to;
    return middle_conversion(from, to) || middle_conversion(from, alternative);
}

}  // namespace

const SimLock* World::known(LockKey key) const {
    const auto& host = hosts_[key.life.node.value() - 1];
    for (const auto& client : host.clients) {
        const auto it = client.locks.find(key.lock);
        if (host.life == key.life && it != client.locks.end()) {
            return &it->second;
        }
    }
    return nullptr;
}

// One of them is not taken over yet.
bool World::two_lives(const LockInfo& lock) const {
    return lineage_->find(hosts_[lock.node.value() - 1].life) == nullptr ||
           std::ranges::any_of(lineage_->lost,
                               [&](cluster::MemberId life) { return life.node == lock.node; });
}

// While somebody waits no new request is granted, unless it said NOORDER; while a conversion waits
// none that said QUECVT.
void World::check_turns(std::size_t node, const std::string& path, const ResourceInfo& info) {
    using Queue = LockInfo::Queue;
    Glance now{node, hosts_[node].epoch, events_.now(), {}};
    const LockInfo* waiting = nullptr;  // all the time since the last glance
    const LockInfo* converting = nullptr;
    auto& last = glances_[path];
    const bool same = last.node == node && last.epoch == now.epoch;
    for (const auto& lock : info.locks) {
        const LockKey key{hosts_[lock.node.value() - 1].life, lock.lock};
        const auto before = last.locks.find(key);
        now.locks[key] = lock;
        if (!same || two_lives(lock) || before == last.locks.end() ||
            lock.queue == Queue::kGranted || before->second.queue != lock.queue ||
            before->second.order != lock.order) {
            continue;
        }
        auto& first = lock.queue == Queue::kWaiting ? waiting : converting;
        first = first == nullptr ? &lock : first;
    }
    for (const auto& lock : info.locks) {
        const LockKey key{hosts_[lock.node.value() - 1].life, lock.lock};
        const auto* sim = known(key);
        if (lock.queue != Queue::kGranted || sim == nullptr || two_lives(lock) ||
            (waiting == nullptr && converting == nullptr)) {
            continue;
        }
        const auto before = last.locks.find(key);
        const bool queued = before != last.locks.end() && before->second.queue == Queue::kWaiting;
        const bool fresh = before == last.locks.end() && sim->asked >= last.when && !sim->granted;
        const bool overtakes =
            queued ? converting != nullptr || before->second.order > waiting->order : fresh;
        constexpr auto kOvertake = flag::NOORDER | flag::ORPHAN | flag::HEADQUE | flag::EXPEDITE;
        if (overtakes && !sim->has(kOvertake)) {
            const auto& first = waiting != nullptr ? *waiting : *converting;
            oracle_.fail(fmt::format("{}: n{} lock {:x} {} is granted before n{} lock {:x} {}",
                                     path, lock.node.value(), lock.lock.value(),
                                     name_of(lock.granted), first.node.value(), first.lock.value(),
                                     name_of(first.requested)));
        }
        const bool raised = before != last.locks.end() && before->second.queue == Queue::kGranted &&
                            !conflicts_no_more(before->second.granted, lock.granted);
        if (raised && converting != nullptr && sim->asked > last.when &&
            sim->quiet_since < last.when && (sim->asked_flags & flag::QUECVT) != 0 &&
            (sim->asked_flags & (flag::HEADQUE | flag::NOORDER)) == 0) {
            oracle_.fail(fmt::format("{}: n{} lock {:x} is converted out of turn", path,
                                     lock.node.value(), lock.lock.value()));
        }
    }
    last = std::move(now);
}

// Of two conversions that wait for each other the second is refused when it is asked for; not one
// between CW and PR while a lost life may hold.
void World::check_conversions(const std::string& path, const ResourceInfo& info) {
    std::vector<const LockInfo*> before;
    for (const auto& lock : info.locks) {
        const auto* sim = known({hosts_[lock.node.value() - 1].life, lock.lock});
        if (lock.queue != LockInfo::Queue::kConverting || sim == nullptr) {
            continue;
        }
        const bool stands = std::ranges::any_of(before, [&](const LockInfo* first) {
            return !compatible(first->requested, lock.granted);
        });
        const bool undecided = may_be_middle(lock.granted, lock.requested, sim->asked_flags) &&
                               (lost_may_hold() || sim->asked <= doubtful_until_);
        if (stands && (sim->asked_flags & flag::NODLCKWT) == 0 && !undecided) {
            oracle_.fail(
                fmt::format("{}: n{} lock {:x} is queued behind a conversion that waits for it",
                            path, lock.node.value(), lock.lock.value()));
        }
        const bool ends = sim->cancelling || (sim->deadline && *sim->deadline <= events_.now());
        if (!ends && (sim->asked_flags & flag::HEADQUE) == 0) {
            before.push_back(&lock);
        }
    }
}

// HEADQUE waits before all without it, and EXPEDITE not at all.
void World::check_heads(const std::string& path, const ResourceInfo& info) {
    const LockInfo* behind = nullptr;
    for (const auto& lock : info.locks) {
        const auto* sim = known({hosts_[lock.node.value() - 1].life, lock.lock});
        if (lock.queue != LockInfo::Queue::kWaiting || sim == nullptr || two_lives(lock)) {
            continue;
        }
        if (sim->has(flag::EXPEDITE)) {
            oracle_.fail(fmt::format("{}: n{} lock {:x} waits in spite of EXPEDITE", path,
                                     lock.node.value(), lock.lock.value()));
        }
        if (sim->has(flag::HEADQUE) && behind != nullptr) {
            oracle_.fail(fmt::format("{}: n{} lock {:x} waits behind n{} lock {:x} without HEADQUE",
                                     path, lock.node.value(), lock.lock.value(),
                                     behind->node.value(), behind->lock.value()));
        }
        behind = sim->has(flag::HEADQUE) ? behind : &lock;
    }
}

}  // namespace quorate::lockmgr::simulator
