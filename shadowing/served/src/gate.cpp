#include "shadowing/served/gate.hpp"

#include <algorithm>

namespace quorate::shadowing {

bool Gate::is_of(const ServedOpener& opener, const ServedOpener& dropped) {
    return opener.member == dropped.member &&
           (dropped.process == 0 || opener.process == dropped.process);
}

bool Gate::is_busy(const ServedOpener& dropped) const {
    return std::ranges::any_of(passes_, [&](const auto& pass) {
        return pass->under_way > 0 && is_of(pass->name.opener, dropped);
    });
}

bool Gate::has_busy_forerunner(const ExportName& name) const {
    return std::ranges::any_of(passes_, [&](const auto& pass) {
        return pass->under_way > 0 && pass->name.session == name.session &&
               pass->name.number < name.number;
    });
}

std::shared_ptr<Gate::Pass> Gate::enter(const ExportName& name) {
    std::unique_lock lock(mutex_);
    auto pass = std::make_shared<Pass>();
    pass->name = name;
    for (const auto& other : passes_) {
        if (other->name.session == name.session) {
            auto& older = other->name.number < name.number ? other : pass;
            older->refused = true;
        }
    }
    passes_.push_back(pass);
    idle_.wait(lock, [&] { return !has_busy_forerunner(name); });
    // Asked last: the drop may have come meanwhile.
    pass->refused |= name.epoch < floor_ || std::ranges::any_of(dropped_, [&](const auto& opener) {
                         return is_of(name.opener, opener);
                     });
    return pass;
}

void Gate::leave(const std::shared_ptr<Pass>& pass) {
    const std::lock_guard guard(mutex_);
    passes_.remove(pass);
}

bool Gate::begin(Pass& pass) {
    const std::lock_guard guard(mutex_);
    if (pass.refused) {
        return false;
    }
    ++pass.under_way;
    ++pass.requests;
    return true;
}

void Gate::end(Pass& pass) {
    std::vector<std::function<void()>> drained;
    {
        const std::lock_guard guard(mutex_);
        if (--pass.under_way > 0 || !pass.refused) {
            return;
        }
        idle_.notify_all();
        drained = take_drained();
    }
    for (const auto& one : drained) {
        one();
    }
}

std::vector<std::function<void()>> Gate::take_drained() {
    std::vector<std::function<void()>> drained;
    for (auto it = drops_.begin(); it != drops_.end();) {
        if (is_busy(it->opener)) {
            ++it;
            continue;
        }
        drained.push_back(std::move(it->drained));
        it = drops_.erase(it);
    }
    return drained;
}

void Gate::drop(const ServedOpener& opener, std::uint64_t floor, std::function<void()> drained) {
    std::vector<std::function<void()>> now;
    {
        const std::lock_guard guard(mutex_);
        floor_ = std::max(floor_, floor);
        dropped_.insert(opener);
        for (const auto& pass : passes_) {
            pass->refused |= is_of(pass->name.opener, opener);
        }
        drops_.push_back({opener, std::move(drained)});
        now = take_drained();
    }
    for (const auto& one : now) {
        one();
    }
}

void Gate::raise_floor(std::uint64_t floor) {
    const std::lock_guard guard(mutex_);
    floor_ = std::max(floor_, floor);
}

std::uint64_t Gate::floor() const {
    const std::lock_guard guard(mutex_);
    return floor_;
}

std::vector<Gate::Pass> Gate::passes() const {
    const std::lock_guard guard(mutex_);
    std::vector<Pass> all;
    for (const auto& pass : passes_) {
        all.push_back(*pass);
    }
    return all;
}

}  // namespace quorate::shadowing
