#include "domain_oracle.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::lockmgr::simulator {
namespace {

constexpr sim::Time kAlways = sim::Time::max();

}  // namespace

// Who is not root was told whose it is before it had a lock.
bool DomainOracle::surely_used(Known& known) const {
    std::erase_if(known.roots, [&](const LockKey& key) { return !locks_.held().contains(key); });
    return !known.roots.empty() ||
           std::ranges::any_of(known.protections, [](const Protection& one) {
               return one.acknowledged && one.connected;
           });
}

// All rights or none, in these worlds.
bool DomainOracle::allows(const Domain& domain, const Who& who) {
    const auto digit = who.uid == domain.uid ? domain.mode >> 6
                       : std::ranges::find(who.gids, domain.gid) != who.gids.end()
                           ? domain.mode >> 3
                           : domain.mode;
    return who.uid == 0 || (digit & 7) == right::kAll;
}

// A first use is in force before a definition that is acknowledged, or never while that one is.
bool DomainOracle::superseded(const Known& known, const Protection& old, cluster::MemberId node,
                              sim::Time since) {
    return std::ranges::any_of(known.protections, [&](const Protection& one) {
        if (!one.acknowledged || !one.connected || *one.acknowledged >= since ||
            (node != cluster::MemberId{} && one.who.life != node)) {
            return false;
        }
        return old.request == RequestId(0) ? old.asked < *one.acknowledged
                                           : old.acknowledged && *old.acknowledged < one.asked;
    });
}

void DomainOracle::may_be_first(Known& known, const std::string& name, const Who& who,
                                sim::Time now) {
    const bool listed = std::ranges::any_of(known.protections, [&](const Protection& one) {
        return one.request == RequestId(0) && one.domain.uid == who.uid && one.asked == now;
    });
    if (!listed) {
        known.protections.push_back({{name, who.uid, 0, 0700}, who, RequestId(0), false, now});
        known.protections.back().connected = false;
    }
}

// ---- what clients do

void DomainOracle::asked(const std::string& name, const Who& who, sim::Time now) {
    auto& known = known_[name];
    known.askers.push_back(who);
    if (!surely_used(known)) {
        may_be_first(known, name, who, now);
    }
}

void DomainOracle::granted(LockKey root, const std::string& name, std::uint32_t uid) {
    auto& roots = known_[name].roots;
    if (uid == 0) {
        roots.erase(root);
    } else {
        roots.insert(root);
    }
}

// Once nobody uses it whoever has asked may be the next owner.
void DomainOracle::look(const std::string& name, sim::Time now) {
    auto& known = known_[name];
    if (!surely_used(known)) {
        for (const auto& who : known.askers) {
            may_be_first(known, name, who, now);
        }
    }
}

void DomainOracle::defines(const Domain& domain, const Who& who, RequestId request, sim::Time now) {
    asked(domain.name, who, now);
    Protection one{domain, who, request, (domain.mode & right::kNewDomain) != 0, now};
    one.domain.mode = static_cast<std::uint16_t>(domain.mode & ~right::kNewDomain);
    known_[domain.name].protections.push_back(std::move(one));
}

void DomainOracle::gone(const Who& who, sim::Time now) {
    for (auto& [name, known] : known_) {
        for (auto& one : known.protections) {
            one.connected =
                one.connected && (one.who.life != who.life || one.who.connection != who.connection);
        }
        look(name, now);
    }
}

void DomainOracle::taken_over(cluster::MemberId life, sim::Time now) {
    for (auto& [name, known] : known_) {
        for (auto& one : known.protections) {
            one.connected = one.connected && one.who.life != life;
        }
        look(name, now);
    }
}

// ---- answers

std::string DomainOracle::lock_answer(const std::string& name, const Who& who, bool refused,
                                      sim::Time since) const {
    const auto found = known_.find(name);
    const bool explained =
        who.uid == 0 ? !refused
                     : found != known_.end() &&
                           std::ranges::any_of(found->second.protections, [&](const auto& one) {
                               return allows(one.domain, who) != refused &&
                                      !superseded(found->second, one, who.life, since);
                           });
    return explained ? ""
                     : fmt::format("{}: uid {} at n{} {}", name, who.uid, who.life.node.value(),
                                   refused ? "is refused" : "gets a lock without a right");
}

std::string DomainOracle::definition_answer(const Who& who, RequestId request, LockStatus status,
                                            sim::Time now) {
    for (auto& entry : known_) {
        const auto& name = entry.first;
        auto& known = entry.second;
        look(name, now);
        const auto found = std::ranges::find(known.protections, request, &Protection::request);
        if (found == known.protections.end()) {
            continue;
        }
        const auto owned_by = [&](bool own) {
            return who.uid == 0
                       ? own
                       : std::ranges::any_of(known.protections, [&](const auto& one) {
                             return &one != &*found && (one.domain.uid == who.uid) == own &&
                                    !superseded(known, one, who.life, found->asked);
                         });
        };
        const bool defined = std::ranges::any_of(known.protections, [&](const Protection& one) {
            return &one != &*found && one.request != RequestId(0);
        });
        const bool in_use = std::ranges::any_of(known.protections, [&](const Protection& one) {
            return &one != &*found && one.connected && !lost_.contains(one.who.life) &&
                   one.acknowledged && *one.acknowledged < found->asked;
        });
        const auto fresh = found->fresh;
        if (status == LockStatus::kGranted) {
            const bool may = owned_by(true) && !(fresh && in_use);
            found->acknowledged = now;
            return may ? ""
                       : fmt::format("{}: uid {} defines it in spite of others", name, who.uid);
        }
        const bool explained = status == LockStatus::kExists     ? fresh && defined
                               : status == LockStatus::kNoRights ? owned_by(false)
                                                                 : status == LockStatus::kRevoked;
        ++refusals_[std::string(name_of(status))];
        if (status != LockStatus::kRevoked) {
            known.protections.erase(found);
        }
        return explained ? ""
                         : fmt::format("{}: uid {} may not define it: {}", name, who.uid,
                                       name_of(status));
    }
    return fmt::format("a definition is answered that nobody made: {}", request.value());
}

std::string DomainOracle::agreed(const Domain& domain) const {
    const auto found = known_.find(domain.name);
    const bool explained =
        found != known_.end() &&
        std::ranges::any_of(found->second.protections, [&](const Protection& one) {
            return one.domain == domain &&
                   !superseded(found->second, one, cluster::MemberId{}, kAlways);
        });
    return explained ? ""
                     : fmt::format("{} is uid {}'s with {:o}, which was not the last word",
                                   domain.name, domain.uid, domain.mode);
}

}  // namespace quorate::lockmgr::simulator
