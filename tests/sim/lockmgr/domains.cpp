#include <fmt/core.h>

#include "world.hpp"

// Clients that are not all root, in domains that come and go: whose they are, and who may take
// locks in them.
namespace quorate::lockmgr::simulator {

DomainOracle::Who World::who(std::size_t node, std::size_t client_index) const {
    const auto& client = hosts_[node].clients[client_index];
    return {hosts_[node].life, client.connection, client.uid, client.gids};
}

// The first of each node is root: it purges what others leave.
void World::draw_user(std::size_t client_index, ClientOpened& input) {
    if (scenario_.rights && client_index != 0) {
        input.uid = static_cast<std::uint32_t>(1001 + random_.below(3));
        input.gids = {static_cast<std::uint32_t>(2001 + random_.below(2))};
    }
}

// Names of the day: what is known of one begins anew.
std::string World::draw_domain() {
    if (!scenario_.rights) {
        return "d";
    }
    return fmt::format("x{}.{}", events_.now() / scenario_.domain_time, random_.below(2));
}

void World::define(std::size_t node, std::size_t client_index) {
    constexpr std::uint16_t kDigits[] = {0700, 0770, 0777, 0707};
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    DefineDomain input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.domain.name = draw_domain();
    input.domain.uid =
        client.uid != 0 ? client.uid : static_cast<std::uint32_t>(1001 + random_.below(3));
    input.domain.gid = static_cast<std::uint32_t>(2001 + random_.below(2));
    input.domain.mode = static_cast<std::uint16_t>(kDigits[random_.below(4)] |
                                                   (random_.one_in(3) ? right::kNewDomain : 0));
    client.defining.insert(input.request);
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    domains_.defines(input.domain, who(node, client_index), input.request, events_.now());
    trace(node, fmt::format("c{} uid {} defines {} {} {} {:o} ({})", client_index, client.uid,
                            input.domain.name, input.domain.uid, input.domain.gid,
                            input.domain.mode, input.request.value()));
    give(node, input);
}

// True: it was the answer to a definition.
bool World::defined(std::size_t node, const Completion& output) {
    const auto index = output.client.value() - 1;
    if (hosts_[node].clients[index].defining.erase(output.request) == 0) {
        return false;
    }
    oracle_.expect(
        domains_.definition_answer(who(node, index), output.request, output.status, events_.now()));
    ++ended_[output.status];
    return true;
}

// What became of a request for a lock, or a conversion.
void World::check_rights(std::size_t node, const Completion& output, const SimLock& asked) {
    if (!scenario_.rights) {
        return;
    }
    const auto index = output.client.value() - 1;
    const auto user = who(node, index);
    domains_.look(asked.domain, events_.now());
    const bool refused = output.status == LockStatus::kNoRights;
    const bool granted = output.status == LockStatus::kGranted;
    const bool lowered = granted && asked.granted && conflicts_no_more(asked.mode, output.mode);
    if (refused || (granted && !lowered)) {
        oracle_.expect(domains_.lock_answer(asked.domain, user, refused, asked.asked));
    }
    if (granted && asked.parent == LockId(0)) {
        domains_.granted({user.life, output.lock}, asked.domain, user.uid);
    }
}

// Once quiet, all who know a domain know the same of it.
void World::compare_domains() {
    std::map<std::string, Domain> agreed;
    for (const auto& host : hosts_) {
        host.manager->each_domain([&](const Domain& domain) {
            if (domain.name == "d") {
                return;
            }
            const auto& first = agreed.try_emplace(domain.name, domain).first->second;
            if (first != domain) {
                oracle_.fail(fmt::format("{} is uid {}'s with {:o} to n{}, uid {}'s with {:o}",
                                         domain.name, domain.uid, domain.mode,
                                         host.life.node.value(), first.uid, first.mode));
            }
        });
    }
    for (const auto& [name, domain] : agreed) {
        oracle_.expect(domains_.agreed(domain));
    }
}

}  // namespace quorate::lockmgr::simulator
