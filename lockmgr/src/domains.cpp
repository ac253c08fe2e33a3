#include "manager.hpp"

// Name spaces of roots: whose they are, and who may do what in them.
//
// Of each there is one record in the cluster. The member that the directory's hash gives its name
// keeps it (keeper.cpp); every node whose clients use it has a copy, for as long as they do. The
// first use on a node asks the keeper: only then it is known whose the domain is, and who is not
// root waits for that. A new view has another keeper: the nodes tell it what they know.
//
// Those that the configuration names are known to all from the beginning, and stay.
namespace quorate::lockmgr {
namespace {

constexpr std::size_t kDomainsMax = 4096;
// So that nobody's names keep all others from having one.
constexpr std::size_t kDomainsOfUserMax = 1024;

}  // namespace

// ---- rights

std::uint8_t LockManager::Impl::rights_of(const Client& client, const Domain& domain) {
    if (client.uid == 0) {
        return right::kAll;
    }
    const auto digit = client.uid == domain.uid ? domain.mode >> 6
                       : std::ranges::find(client.gids, domain.gid) != client.gids.end()
                           ? domain.mode >> 3
                           : domain.mode;
    return static_cast<std::uint8_t>(digit & 7);
}

// What a new lock with these flags needs.
std::uint8_t LockManager::Impl::rights_for(std::uint32_t flags) {
    return static_cast<std::uint8_t>(right::kLock |
                                     ((flags & flag::VALBLK) != 0 ? right::kRead : 0));
}

// What a conversion needs. One that excludes more asks for a lock anew: the rights may be others by
// now.
std::uint8_t LockManager::Impl::rights_for(const Convert& input, const Lock& lock) {
    if (index_of(input.mode) >= kModes) {
        return 0;
    }
    unsigned needed = conflicts_no_more(lock.granted, input.mode) ? 0 : right::kLock;
    if ((input.flags & (flag::VALBLK | flag::IVVALBLK)) != 0) {
        const bool writes = value_effect(lock.granted, input.mode) == ValueEffect::kWrite;
        needed |= writes ? right::kWrite : right::kRead;
    }
    return static_cast<std::uint8_t>(needed);
}

// Of one that is not known yet nobody has any; but whoever has a lock in it has been let in.
std::uint8_t LockManager::Impl::rights_on(const Client& client, std::uint32_t resource) const {
    const auto root = store.root_key_of(store.trees[store.resources[resource].tree]);
    const auto found = domains.find(domain_of(root));
    const bool known = found != domains.end() && found->second.known;
    return client.uid == 0 ? right::kAll
           : known         ? rights_of(client, found->second.domain)
                           : std::uint8_t{0};
}

// ---- use

NodeId LockManager::Impl::keeper_of(std::string_view name) const {
    return directory_of(view.members, hash_of(name));
}

// Null: there are too many.
KnownDomain* LockManager::Impl::use_domain(const Client& client, std::string_view name) {
    if (const auto found = domains.find(name); found != domains.end()) {
        return &found->second;
    }
    const auto of_user = [&] {
        return static_cast<std::size_t>(std::ranges::count_if(
            domains, [&](const auto& one) { return one.second.domain.uid == client.uid; }));
    };
    if (domains.size() >= kDomainsMax || (client.uid != 0 && of_user() >= kDomainsOfUserMax)) {
        return nullptr;
    }
    auto& known = domains[std::string(name)];
    known.domain.name = name;
    known.domain.uid = client.uid;
    tell_use(known);
    return &known;
}

// Asks whose it is, or says it.
void LockManager::Impl::tell_use(const KnownDomain& known) {
    send(party_of(keeper_of(known.domain.name)),
         DomainUseMessage{known.domain, known.version, known.definers != 0});
}

void LockManager::Impl::tell_uses() {
    keep_lost_uses();
    awaited_definitions.clear();
    forget_abandoned_definitions();
    for (const auto& [name, known] : domains) {
        if (!known.configured || known.version != 0) {
            tell_use(known);
        }
    }
    for (const auto& one : definitions) {
        send_definition(one);
    }
}

// Nobody here uses it any more?
void LockManager::Impl::leave_domain(const std::string& name) {
    const auto found = domains.find(name);
    const bool asked = std::ranges::any_of(
        definitions, [&](const Definition& one) { return one.domain.name == name; });
    if (found == domains.end() || found->second.configured || store.roots_in(name) != 0 || asked ||
        found->second.definers != 0) {
        return;
    }
    send(party_of(keeper_of(name)), DomainLeftMessage{name});
    domains.erase(found);
}

void LockManager::Impl::leave_domains() {
    for (const auto& name : std::exchange(store.emptied, {})) {
        leave_domain(name);
    }
}

// Of a domain that is not known yet it turns out later (admitted()).
LockStatus LockManager::Impl::may_ask_in(const Client& client, std::string_view domain,
                                         std::uint8_t needed) {
    const auto* used = use_domain(client, domain);
    if (used == nullptr) {
        return LockStatus::kOverLimit;
    }
    const bool refused = used->known && (rights_of(client, used->domain) & needed) != needed;
    return refused ? LockStatus::kNoRights : LockStatus::kGranted;
}

// Orphans stand on the node that they were left on, which knows their domain.
LockStatus LockManager::Impl::may_adopt(const Client& client, std::string_view domain,
                                        std::uint8_t needed) const {
    const auto found = domains.find(domain);
    if (found == domains.end() || client.uid == 0) {
        return LockStatus::kGranted;
    }
    const auto& used = found->second;
    const bool may = used.known && (rights_of(client, used.domain) & needed) == needed;
    return may ? LockStatus::kGranted : LockStatus::kNoRights;
}

// A new lock: false if it may not be asked for, or not yet.
bool LockManager::Impl::admitted(std::uint32_t index) {
    auto& lock = store.locks[index];
    const auto& client = clients[lock.client];
    if (lock.has_granted || lock.parent != 0 || client.uid == 0) {
        return true;
    }
    const auto root = store.root_key_of(store.tree_of(lock));
    auto& known = domains.find(domain_of(root))->second;
    const auto needed = rights_for(lock.flags);
    const bool quorum = !frozen && !lapsed;
    if (known.known) {
        const bool may = (rights_of(client, known.domain) & needed) == needed;
        if (!may) {
            finish(index, LockStatus::kNoRights);
        }
        return may;
    }
    if (!quorum && (lock.flags & flag::NOQUORUMFAIL) != 0) {
        finish(index, LockStatus::kNoQuorum);
        return false;
    }
    known.waiting.emplace_back(store.id_of(index), lock.op);
    lock.pending = Pending::kHeld;
    wait_for(index, !quorum                         ? WaitCause::kQuorum
                    : anybody_pending() && complete ? WaitCause::kTakeover
                                                    : WaitCause::kDirectory);
    return false;
}

// From the keeper.
void LockManager::Impl::handle(std::uint32_t from, DomainMessage& m) {
    const auto found = domains.find(m.domain.name);
    if (found == domains.end() || keeper_of(m.domain.name) != node_of(from) ||
        m.version <= found->second.version) {
        return;
    }
    auto& known = found->second;
    known.domain = std::move(m.domain);
    known.version = m.version;
    known.known = true;
    for (const auto& [id, op] : std::exchange(known.waiting, {})) {
        const auto lock = store.index_of(id);
        if (lock != 0 && store.locks[lock].op == op &&
            store.locks[lock].pending == Pending::kHeld && admitted(lock)) {
            dispatch(lock);
        }
    }
}

// ---- definitions

void LockManager::Impl::on(const DefineDomain& input) {
    auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    Definition one{input.client, input.request, ++last_definition, input.domain};
    auto& domain = one.domain;
    one.fresh = (domain.mode & right::kNewDomain) != 0;
    domain.mode = static_cast<std::uint16_t>(domain.mode & ~right::kNewDomain);
    auto status = LockStatus::kGranted;
    if (domain.name.empty() || domain.name.size() > kMaxDomain || domain.mode > 0777) {
        status = LockStatus::kInvalid;
    } else if (client->uid != 0 && domain.uid != client->uid) {
        status = LockStatus::kNoRights;
    } else if (use_domain(*client, domain.name) == nullptr) {
        status = LockStatus::kOverLimit;
    }
    if (status != LockStatus::kGranted) {
        reply(input.client, input.request, status);
        return;
    }
    definitions.push_back(std::move(one));
    send_definition(definitions.back());
}

void LockManager::Impl::send_definition(const Definition& one) {
    send(party_of(keeper_of(one.domain.name)),
         DefineMessage{one.number, clients[one.client.value()].uid, one.domain, one.fresh});
}

void LockManager::Impl::handle(std::uint32_t, DefinedMessage& m) {
    const auto found = std::ranges::find(definitions, m.number, &Definition::number);
    if (found == definitions.end()) {
        return;  // it was answered by the keeper before
    }
    const auto one = std::move(*found);
    definitions.erase(found);
    const bool done = m.status == LockStatus::kGranted;
    if (one.client == ClientId(0)) {
        end_definition(one.domain.name, done);
        return;
    }
    auto& defined = clients[one.client.value()].defined;
    const bool first = std::ranges::find(defined, one.domain.name) == defined.end();
    if (done && first) {
        defined.push_back(one.domain.name);
        ++domains.find(one.domain.name)->second.definers;
    }
    reply(one.client, one.request, m.status);
    leave_domain(one.domain.name);
}

// Its client is gone. The keeper may take it for connected: it is told.
void LockManager::Impl::end_definition(const std::string& name, bool told) {
    leave_domain(name);
    const auto left = domains.find(name);
    if (told && left != domains.end() && left->second.definers == 0) {
        tell_use(left->second);
    }
}

// What is asked already is answered first: only then it is known what the keeper takes for true.
void LockManager::Impl::forget_definitions(ClientId client) {
    for (auto& one : definitions) {
        one.client = one.client == client ? ClientId(0) : one.client;
    }
    for (const auto& name : std::exchange(clients[client.value()].defined, {})) {
        --domains.find(name)->second.definers;
        end_definition(name, /*told=*/true);
    }
}

void LockManager::Impl::forget_abandoned_definitions() {
    std::vector<std::string> names;
    std::erase_if(definitions, [&](const Definition& one) {
        const bool abandoned = one.client == ClientId(0);
        if (abandoned) {
            names.push_back(one.domain.name);
        }
        return abandoned;
    });
    for (const auto& name : names) {
        leave_domain(name);
    }
}

void LockManager::Impl::revoke_definitions() {
    for (const auto& one : std::exchange(definitions, {})) {
        if (one.client != ClientId(0)) {
            reply(one.client, one.request, LockStatus::kRevoked);
        }
    }
}

}  // namespace quorate::lockmgr
