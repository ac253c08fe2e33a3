#include "manager.hpp"

// The records of domains that this node keeps for all: domains.cpp has the other side. In a new
// view there are none but what the members tell, each before it says that it is done, and what lost
// lives used that may not be taken over yet; until all are, nobody is answered. A domain that
// nobody tells of is nobody's unless a lost life may use it: of one that this node has not kept all
// the time since, that is not known until the life is taken over.
namespace quorate::lockmgr {

void LockManager::Impl::keep_lost_uses() {
    for (auto it = kept_domains.begin(); it != kept_domains.end();) {
        auto& [name, record] = *it;
        std::erase_if(record.users, [&](const auto& use) { return !parties[use.first].pending; });
        const bool kept = !record.users.empty() && record.version != 0 && keeper_of(name) == self();
        it = kept ? std::next(it) : kept_domains.erase(it);
    }
}

// Somebody was taken over.
void LockManager::Impl::forget_lost_uses() {
    for (auto it = kept_domains.begin(); it != kept_domains.end();) {
        auto& users = it->second.users;
        const auto forgotten = std::erase_if(users, [&](const auto& use) {
            return !parties[use.first].member && !parties[use.first].pending;
        });
        it = forgotten != 0 && users.empty() ? kept_domains.erase(it) : std::next(it);
    }
    if (complete && !frozen) {
        settle_domains();
    }
}

bool LockManager::Impl::may_found(std::string_view name) const {
    const auto found = kept_domains.find(name);
    const bool known = found != kept_domains.end() && found->second.version != 0;
    return known || proves_free(hash_of(name));
}

// Above what anybody remembers of it, or of one of its name before.
void LockManager::Impl::renew(KeptDomain& record) {
    kept_version = std::max({kept_version, record.version, epoch() << 24}) + 1;
    record.version = kept_version;
}

void LockManager::Impl::handle(std::uint32_t from, DomainUseMessage& m) {
    if (keeper_of(m.domain.name) != self()) {
        return;  // said again to the one that does
    }
    auto& record = kept_domains[m.domain.name];
    record.users[from] = {m.version, m.defined};
    if (record.domain.name.empty() || m.version > record.version) {
        record.domain = m.domain;
        record.version = m.version;
    }
    if (complete && !frozen) {
        settle_domain(record);
    }
}

// Whoever knows it otherwise, or not, is told.
void LockManager::Impl::settle_domain(KeptDomain& record) {
    if (!may_found(record.domain.name)) {
        return;
    }
    if (record.version == 0) {
        renew(record);
    }
    for (auto& [party, use] : record.users) {
        if (parties[party].member && std::exchange(use.version, record.version) != record.version) {
            send(party, DomainMessage{record.domain, record.version});
        }
    }
}

void LockManager::Impl::handle(std::uint32_t from, DomainLeftMessage& m) {
    const auto found = kept_domains.find(m.name);
    if (found != kept_domains.end() && found->second.users.erase(from) != 0 &&
        found->second.users.empty()) {
        kept_domains.erase(found);
    }
}

void LockManager::Impl::handle(std::uint32_t from, DefineMessage& m) {
    if (keeper_of(m.domain.name) != self()) {
        return;
    }
    if (!complete || frozen || !may_found(m.domain.name)) {
        awaited_definitions.emplace_back(from, std::move(m));
        return;
    }
    send(from, DefinedMessage{m.number, define(from, m)});
}

LockStatus LockManager::Impl::define(std::uint32_t from, const DefineMessage& m) {
    const auto& name = m.domain.name;
    const auto own = domains.find(name);
    const bool configured = own != domains.end() && own->second.configured;
    auto& record = kept_domains[name];
    if (record.version == 0) {  // a configured one that nobody has changed
        record.domain = configured ? own->second.domain : m.domain;
        renew(record);
    }
    if (m.uid != 0 && record.domain.uid != m.uid) {
        return LockStatus::kNoRights;
    }
    const bool defined =
        std::ranges::any_of(record.users, [](const auto& user) { return user.second.defined; });
    if (m.fresh && (defined || configured)) {
        return LockStatus::kExists;
    }
    record.domain = m.domain;
    renew(record);
    record.users[from].defined = true;
    for (const auto party : members) {
        if (configured) {
            record.users.try_emplace(party);
        }
    }
    settle_domain(record);
    return LockStatus::kGranted;
}

// Everybody has told.
void LockManager::Impl::settle_domains() {
    for (auto& [name, record] : kept_domains) {
        const auto own = domains.find(name);
        if (own != domains.end() && own->second.configured) {
            for (const auto party : members) {
                record.users.try_emplace(party);
            }
        }
        settle_domain(record);
    }
    for (auto& [from, m] : std::exchange(awaited_definitions, {})) {
        handle(from, m);
    }
}

}  // namespace quorate::lockmgr
