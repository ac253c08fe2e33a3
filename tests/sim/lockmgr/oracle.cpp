#include "oracle.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::lockmgr::simulator {
namespace {

std::string name(const LockKey& key) {
    return fmt::format("n{} lock {:x}", key.life.node.value(), key.lock.value());
}

}  // namespace

std::uint64_t content_of(const ValueBlock& block) {
    std::uint64_t content = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        content |= static_cast<std::uint64_t>(static_cast<unsigned char>(block[i])) << (8 * i);
    }
    return content;
}

ValueBlock block_of(std::uint64_t content) {
    ValueBlock block{};
    for (std::size_t i = 0; i < 8; ++i) {
        block[i] = static_cast<char>(content >> (8 * i));
    }
    return block;
}

// ---- requests

void Oracle::asked(LockKey lock, RequestId request, sim::Time now) {
    requests_[{lock.life, request.value()}] = false;
    waits_[lock].push_back({now, sim::Time::max()});
    if (lock.lock != LockId(0)) {
        users_.insert(lock);
    }
}

void Oracle::answered(cluster::MemberId life, const Completion& completion) {
    const auto it = requests_.find({life, completion.request.value()});
    if (it == requests_.end()) {
        fail(fmt::format("n{}: an answer to request {} that nobody made", life.node.value(),
                         completion.request.value()));
        return;
    }
    if (std::exchange(it->second, true)) {
        fail(fmt::format("n{}: request {} is answered twice", life.node.value(),
                         completion.request.value()));
    }
}

void Oracle::waited(LockKey lock, sim::Time now) {
    if (const auto wait = waits_.find(lock); wait != waits_.end()) {
        wait->second.back().to = now;
    }
}

void Oracle::granted(LockKey lock, const std::string& resource, const Completion& completion,
                     sim::Time now) {
    ++grants_;
    raised_[lock] = now;
    const auto before = held_.find(lock);
    const auto from =
        before == held_.end() || completion.demoted ? LockMode::NL : before->second.told;
    const bool raises = before == held_.end() || !conflicts_no_more(from, completion.mode);
    if (gone_.contains(lock.life)) {
        fail(fmt::format("{}: {} is granted {} after its node was taken over", resource, name(lock),
                         name_of(completion.mode)));
        return;
    }
    Held now_held{resource, completion.mode, completion.mode};
    if (before == held_.end()) {
        holds_[lock] = {waits_[lock].back().from, sim::Time::max()};
    }
    held_[lock] = now_held;
    by_resource_[resource].insert(lock);
    check_compatible(lock, now_held);
    if (raises) {
        check_token(resource, completion);
    }
    // Others read beside a writer, and hear of it late.
    const bool excludes_writers = !compatible(LockMode::PW, completion.mode);
    if (completion.has_value && excludes_writers) {
        check_value(resource, completion);
    }
}

void Oracle::adopted(LockKey lock, const std::string& resource, LockMode mode) {
    if (!gone_.contains(lock.life)) {
        held_[lock] = {resource, mode, mode};
        holds_[lock].to = sim::Time::max();
        users_.insert(lock);
        by_resource_[resource].insert(lock);
        check_compatible(lock, held_[lock]);
    }
}

void Oracle::check_compatible(LockKey lock, const Held& held) {
    for (const auto& other : by_resource_[held.resource]) {
        if (other != lock && !compatible(held.mode, held_[other].mode)) {
            fail(fmt::format("{}: {} in {} beside {} in {}", held.resource, name(lock),
                             name_of(held.mode), name(other), name_of(held_[other].mode)));
        }
    }
}

// Grants that conflict have tokens in their order.
void Oracle::check_token(const std::string& resource, const Completion& completion) {
    auto& newest = tokens_[resource];
    const auto token = completion.token.value();
    for (std::size_t mode = 0; mode < kModes; ++mode) {
        const bool conflicts = !compatible(completion.mode, mode_of(mode));
        if (conflicts && token <= newest[mode]) {
            fail(fmt::format("{}: token {:x} for {} after {:x} for {}", resource, token,
                             name_of(completion.mode), newest[mode], name_of(mode_of(mode))));
        }
    }
    auto& own = newest[index_of(completion.mode)];
    own = std::max(own, token);
}

// ---- value blocks

void Oracle::check_value(const std::string& resource, const Completion& completion) {
    auto& value = values_[resource];
    if (!completion.value_valid) {
        if (!invalid_allowed_ && value.valid && !value.spoilt) {
            fail(fmt::format("{}: the block is invalid without a cause", resource));
        }
        return;
    }
    const auto content = content_of(completion.value);
    if (!value.valid) {
        fail(fmt::format("{}: {} is read as valid after its writer died", resource, content));
    } else if (!value.contents.contains(content)) {
        fail(fmt::format("{}: read {}, last written {}", resource, content,
                         *value.contents.rbegin()));
    } else {
        value.contents = {content};
    }
}

void Oracle::write(const std::string& resource, std::optional<std::uint64_t> written,
                   bool invalidates) {
    auto& value = values_[resource];
    if (invalidates) {
        value.valid = false;
    } else if (written) {
        value.contents = {*written};
        value.valid = true;
        value.spoilt = false;
    }
}

// With the last lock the resource goes, as soon as its master hears of it, or is lost.
void Oracle::unheld(const std::string& resource) {
    if (!by_resource_[resource].empty()) {
        return;
    }
    auto& value = values_[resource];
    value.contents.insert(0);
    value.spoilt = value.spoilt || !value.valid;
    value.valid = true;  // as a new one
}

void Oracle::ended(LockKey lock, sim::Time now) {
    users_.erase(lock);
    if (const auto wait = waits_.find(lock); wait != waits_.end()) {
        wait->second.back().to = std::min(wait->second.back().to, now);
    }
}

// ---- what clients give up

void Oracle::lowered(LockKey lock, LockMode mode, std::optional<std::uint64_t> written,
                     bool invalidates) {
    if (const auto held = held_.find(lock); held != held_.end()) {
        write(held->second.resource, written, invalidates);
        held->second.mode = held->second.told = mode;
    }
}

void Oracle::doubted(LockKey lock, LockMode mode) {
    if (const auto held = held_.find(lock); held != held_.end()) {
        held->second.mode = mode;
    }
}

void Oracle::released(LockKey lock, std::optional<std::uint64_t> written, bool invalidates,
                      sim::Time now) {
    const auto it = held_.find(lock);
    if (it == held_.end()) {
        return;
    }
    const auto resource = it->second.resource;
    write(resource, written, invalidates);
    by_resource_[resource].erase(lock);
    held_.erase(it);
    holds_[lock].to = now;
    unheld(resource);
    ended(lock, now);
}

// A conversion between CW and PR came to nothing.
void Oracle::restored(LockKey lock, LockMode mode) {
    if (const auto held = held_.find(lock); held != held_.end() && held->second.mode != mode) {
        held->second.mode = held->second.told = mode;
        check_compatible(lock, held->second);
    }
}

void Oracle::died(LockKey lock, sim::Time now) {
    const auto it = held_.find(lock);
    if (it == held_.end()) {
        ended(lock, now);
        return;
    }
    released(lock, std::nullopt, writes_value(it->second.mode), now);
}

void Oracle::purged(LockKey lock, bool by_its_node, sim::Time now) {
    const auto hold = holds_.find(lock);
    const auto before = hold == holds_.end() ? std::nullopt : std::optional(hold->second);
    if (by_its_node) {
        died(lock, now);
    } else {
        released(lock, std::nullopt, false, now);
    }
    if (before) {
        holds_[lock] = *before;
    }
}

// ---- lives

void Oracle::lost(cluster::MemberId life) {
    invalid_allowed_ = true;
    for (auto& [key, answered] : requests_) {
        if (key.first == life) {
            answered = true;
        }
    }
}

void Oracle::taken_over(cluster::MemberId life, sim::Time now) {
    gone_[life] = now;
    std::vector<LockKey> gone;
    for (const auto& lock : users_) {
        if (lock.life == life) {
            gone.push_back(lock);
        }
    }
    for (const auto& lock : gone) {
        died(lock, now);
    }
}

// ---- deadlocks

// All that the victim was told of stood together at some time. Returned is when the newest of it
// came to be.
sim::Time Oracle::victim(const Completion& completion, cluster::MemberId life, sim::Time now,
                         const std::map<NodeId, cluster::MemberId>& lives) {
    std::vector<std::vector<Span>> all;
    Cycle operations;
    bool mine = false;
    sim::Time since{0};
    for (const auto& entry : completion.cycle) {
        const auto it = lives.find(entry.node);
        if (it == lives.end() || gone_.contains(it->second)) {
            return now;  // gone since
        }
        mine = mine || (it->second == life && entry.lock == completion.lock);
        const LockKey waiter{it->second, entry.lock};
        all.push_back(waits_[waiter]);
        operations.emplace(waiter, all.back().size());
        const auto next =
            &entry == &completion.cycle.back() ? completion.cycle.front().node : (&entry + 1)->node;
        const auto holder = lives.find(next);
        if (holder != lives.end() && holds_.contains({holder->second, entry.blocker})) {
            all.push_back({holds_[{holder->second, entry.blocker}]});
            since = std::max(since, raised_[{holder->second, entry.blocker}]);
        }
    }
    if (!mine) {
        fail(fmt::format("{} is told a cycle without it", name({life, completion.lock})));
    }
    const auto stands = [&](sim::Time time) {
        return std::ranges::all_of(all, [&](const auto& spans) {
            return std::ranges::any_of(
                spans, [&](const Span& span) { return span.from <= time && time <= span.to; });
        });
    };
    bool stood = false;
    for (const auto& spans : all) {
        since = std::max(since, spans.back().from);
        for (const auto& span : spans) {
            stood = stood || (span.from <= now && stands(span.from));
        }
    }
    if (!stood) {
        fail(fmt::format("{} is the victim of a cycle that never was",
                         name({life, completion.lock})));
    }
    const auto [it, first] = victims_.try_emplace(operations, LockKey{life, completion.lock});
    if (!first) {
        fail(fmt::format("{} is a victim of the cycle that {} has broken",
                         name({life, completion.lock}), name(it->second)));
    }
    return since;
}

// ---- masters

// Who waits in one order waits in it until the end, whoever is master.
void Oracle::queues(const std::string& resource, const std::vector<LockKey>& waiting) {
    auto& last = orders_[resource];
    std::size_t reached = 0;
    for (const auto& lock : waiting) {
        const auto it = std::ranges::find(last, lock);
        if (it == last.end()) {
            continue;
        }
        const auto at = static_cast<std::size_t>(it - last.begin());
        if (at + 1 < reached) {
            fail(fmt::format("{}: {} has lost its place in the queue", resource, name(lock)));
        }
        reached = std::max(reached, at + 1);
    }
    last = waiting;
}

void Oracle::mastered(std::uint64_t epoch, const std::string& root, NodeId node) {
    const auto [it, fresh] = masters_.try_emplace({epoch, root}, node);
    if (!fresh && it->second != node) {
        fail(fmt::format("{} has masters n{} and n{} in epoch {}", root, it->second.value(),
                         node.value(), epoch));
    }
}

}  // namespace quorate::lockmgr::simulator
