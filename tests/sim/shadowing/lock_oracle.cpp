#include "lock_oracle.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace quorate::shadowing::simulator {

bool LockOracle::compatible(Hold a, Hold b) {
    if (a > b) {
        std::swap(a, b);
    }
    return a <= Hold::kNull || (a == Hold::kShared && b != Hold::kExclusive);
}

bool LockOracle::grantable(const Resource& resource, const Waiter& waiter) {
    return std::ranges::all_of(resource.holders, [&](const auto& holder) {
        return holder.first == waiter.opener || compatible(holder.second, waiter.hold);
    });
}

void LockOracle::grant(const LockName& name, Resource& resource, const Waiter& waiter) {
    resource.holders[waiter.opener] = waiter.hold;
    tell_(waiter.opener, name, Locked{name, waiter.hold, resource.state, resource.value});
}

void LockOracle::request(Opener opener, const Lock& lock) {
    auto& resource = resources_[lock.lock];
    const auto held = resource.holders.contains(opener) ? resource.holders[opener] : Hold::kNone;
    if (held == Hold::kExclusive && lock.value) {
        resource.state = ValueState::kValid;
        resource.value = *lock.value;
    }
    std::erase_if(resource.queue, [&](const Waiter& one) { return one.opener == opener; });
    if (lock.hold == Hold::kNone) {
        resource.holders.erase(opener);
    } else if (lock.hold <= held) {
        grant(lock.lock, resource, {opener, lock.hold});
    } else if (lock.no_wait) {
        if (grantable(resource, {opener, lock.hold})) {
            grant(lock.lock, resource, {opener, lock.hold});
        } else {
            tell_(opener, lock.lock, LockDenied{lock.lock});
        }
    } else {
        // Conversions come before new requests.
        const auto end = std::ranges::find_if(resource.queue, [&](const Waiter& one) {
            return held != Hold::kNone && !resource.holders.contains(one.opener);
        });
        resource.queue.insert(end, {opener, lock.hold});
    }
    work(lock.lock);
}

void LockOracle::work(const LockName& name) {
    auto& resource = resources_[name];
    while (!resource.queue.empty() && grantable(resource, resource.queue.front())) {
        const auto waiter = resource.queue.front();
        resource.queue.pop_front();
        grant(name, resource, waiter);
    }
    if (!resource.queue.empty()) {
        const auto& waiter = resource.queue.front();
        for (const auto& [holder, hold] : resource.holders) {
            if (holder != waiter.opener && !compatible(hold, waiter.hold)) {
                tell_(holder, name, Blocking{name});
            }
        }
    }
    if (resource.holders.empty() && resource.queue.empty()) {
        resources_.erase(name);
    }
}

void LockOracle::died(Opener opener) {
    std::vector<LockName> touched;
    for (auto& [name, resource] : resources_) {
        const auto it = resource.holders.find(opener);
        if (it != resource.holders.end()) {
            if (it->second == Hold::kExclusive) {
                resource.state = ValueState::kInvalid;
            }
            resource.holders.erase(it);
        }
        std::erase_if(resource.queue, [&](const Waiter& one) { return one.opener == opener; });
        touched.push_back(name);
    }
    for (const auto& name : touched) {
        work(name);
    }
}

std::string LockOracle::held_by(Opener opener) const {
    std::string all;
    for (const auto& [name, resource] : resources_) {
        const auto it = resource.holders.find(opener);
        if (it != resource.holders.end()) {
            all += fmt::format(" kind {} number {:x} hold {}", static_cast<int>(name.kind),
                               name.number, static_cast<int>(it->second));
        }
        for (const auto& waiter : resource.queue) {
            if (waiter.opener == opener) {
                all += fmt::format(" kind {} number {:x} wanted {}", static_cast<int>(name.kind),
                                   name.number, static_cast<int>(waiter.hold));
            }
        }
    }
    return all;
}

bool LockOracle::holds(Opener opener, LockName name, Hold hold) const {
    const auto it = resources_.find(name);
    return it != resources_.end() && it->second.holders.contains(opener) &&
           it->second.holders.at(opener) == hold;
}

}  // namespace quorate::shadowing::simulator
