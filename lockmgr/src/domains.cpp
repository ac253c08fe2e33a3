#include "manager.hpp"

// Name spaces of roots: whose they are, and who may do what in them. Each node has its own list.
namespace quorate::lockmgr {
namespace {

constexpr std::size_t kDomainsMax = 4096;
// So that nobody's names keep all others from having one.
constexpr std::size_t kDomainsOfUserMax = 1024;

}  // namespace

std::uint8_t LockManager::Impl::rights_of(const Client& client, const Domain& domain) const {
    if (client.uid == 0) {
        return right::kAll;
    }
    const auto digit = client.uid == domain.uid ? domain.mode >> 6
                       : std::ranges::find(client.gids, domain.gid) != client.gids.end()
                           ? domain.mode >> 3
                           : domain.mode;
    return static_cast<std::uint8_t>(digit & 7);
}

// Null: there are too many.
const Domain* LockManager::Impl::domain_for(const Client& client, std::string_view name) {
    if (const auto found = domains.find(name); found != domains.end()) {
        return &found->second;
    }
    const auto of_user = [&] {
        return static_cast<std::size_t>(std::ranges::count_if(
            domains, [&](const auto& one) { return one.second.uid == client.uid; }));
    };
    if (domains.size() >= kDomainsMax || (client.uid != 0 && of_user() >= kDomainsOfUserMax)) {
        return nullptr;
    }
    Domain domain;
    domain.name = name;
    domain.uid = client.uid;
    return &domains.emplace(domain.name, domain).first->second;
}

std::uint8_t LockManager::Impl::rights_on(const Client& client, std::uint32_t resource) {
    const auto root = store.root_key_of(store.trees[store.resources[resource].tree]);
    const auto* domain = domain_for(client, domain_of(root));
    return domain == nullptr ? std::uint8_t{0} : rights_of(client, *domain);
}

// As long as a client that defined it is connected, or the node's configuration has it.
bool LockManager::Impl::exists(std::string_view domain) const {
    return std::ranges::find(options.domains, domain, &Domain::name) != options.domains.end() ||
           std::ranges::any_of(clients, [&](const Client& client) {
               return std::ranges::find(client.defined, domain) != client.defined.end();
           });
}

void LockManager::Impl::on(const DefineDomain& input) {
    auto* client = client_of(input.client);
    if (client == nullptr) {
        return;
    }
    auto domain = input.domain;
    const bool fresh = (domain.mode & right::kNewDomain) != 0;
    domain.mode = static_cast<std::uint16_t>(domain.mode & ~right::kNewDomain);
    if (domain.name.empty() || domain.name.size() > kMaxDomain || domain.mode > 0777) {
        reply(input.client, input.request, LockStatus::kInvalid);
        return;
    }
    const auto found = domains.find(domain.name);
    if (client->uid != 0 && (domain.uid != client->uid ||
                             (found != domains.end() && found->second.uid != client->uid))) {
        reply(input.client, input.request, LockStatus::kNoRights);
        return;
    }
    if (fresh && exists(domain.name)) {
        reply(input.client, input.request, LockStatus::kExists);
        return;
    }
    if (domain_for(*client, domain.name) == nullptr) {
        reply(input.client, input.request, LockStatus::kOverLimit);
        return;
    }
    if (std::ranges::find(client->defined, domain.name) == client->defined.end()) {
        client->defined.push_back(domain.name);
    }
    domains[domain.name] = std::move(domain);
    reply(input.client, input.request, LockStatus::kGranted);
}

}  // namespace quorate::lockmgr
