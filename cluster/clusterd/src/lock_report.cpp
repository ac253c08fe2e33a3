#include "lock_report.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "chronicle.hpp"
#include "io/task.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;
using lockmgr::LockInfo;
using lockmgr::ResourceInfo;

constexpr std::uint32_t kPortion = 2000;

const char* queue_name(LockInfo::Queue queue) {
    return queue == LockInfo::Queue::kGranted      ? "granted"
           : queue == LockInfo::Queue::kConverting ? "converting"
                                                   : "waiting";
}

bool waits(const LockInfo& lock) { return lock.queue != LockInfo::Queue::kGranted; }

bool fits(const ResourceInfo& resource, const LockReport::Filter& filter) {
    const auto name = [&] {
        return printable(resource.domain) + ":" + printable(resource.path.front());
    };
    return (filter.name.empty() || name() == filter.name) &&
           (filter.pid == 0 || std::ranges::find(resource.locks, filter.pid, &LockInfo::pid) !=
                                   resource.locks.end()) &&
           (!filter.waiting || std::ranges::any_of(resource.locks, waits));
}

json::object report_of(const LockInfo& lock) {
    json::object report{{"node_id", lock.node.value()},
                        {"lock", hexadecimal(lock.lock.value())},
                        {"pid", lock.pid},
                        {"queue", queue_name(lock.queue)},
                        {"granted", name_of(lock.granted)},
                        {"requested", name_of(lock.requested)},
                        {"token", hexadecimal(lock.token.value())},
                        {"age_ms", lock.age.count()}};
    if (lock.xid != 0) {
        report["xid"] = hexadecimal(lock.xid);
    }
    return report;
}

json::object report_of(const ResourceInfo& resource, const lockmgr::LockManager& manager,
                       NodeId self) {
    json::array path;
    for (const auto& name : resource.path) {
        path.emplace_back(printable(name));
    }
    json::array locks;
    for (const auto& lock : resource.locks) {
        auto report = report_of(lock);
        const auto cause = waits(lock) && lock.node == self ? manager.why(lock.lock) : std::nullopt;
        if (cause) {
            report["waits_for"] = name_of(*cause);
        }
        locks.push_back(std::move(report));
    }
    return {{"domain", printable(resource.domain)}, {"path", std::move(path)},
            {"master", resource.master.value()},    {"mastered_here", resource.here},
            {"value_valid", resource.value_valid},  {"locks", std::move(locks)}};
}

}  // namespace

std::string printable(std::string_view octets) {
    std::string text;
    for (const char octet : octets) {
        if (octet >= ' ' && octet <= '~' && octet != '\\') {
            text += octet;
        } else {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(octet));
        }
    }
    return text;
}

awaitable<json::object> LockReport::resources(Filter filter) const {
    json::array found;
    bool more = false;
    const auto self = shell_.self().node;
    for (std::uint32_t next = 1; next != 0 && !more;) {
        next = shell_.manager().some_resources(next, kPortion, [&](const ResourceInfo& resource) {
            if (!fits(resource, filter)) {
                return;
            }
            if (found.size() >= filter.limit) {
                more = true;
            } else {
                found.push_back(report_of(resource, shell_.manager(), self));
            }
        });
        co_await io::yield();
    }
    json::object report{{"node_id", self.value()}, {"resources", std::move(found)}, {"more", more}};
    co_return report;
}

awaitable<json::object> LockReport::domains() const {
    struct Sum {
        std::size_t resources = 0;
        std::size_t mastered = 0;
        std::size_t locks = 0;
        std::size_t waiting = 0;
        json::object protection;  // unless it is not known yet
    };
    std::map<std::string, Sum> sums;
    shell_.manager().each_domain([&](const lockmgr::Domain& domain) {
        sums[printable(domain.name)].protection = {
            {"uid", domain.uid}, {"gid", domain.gid}, {"mode", fmt::format("{:03o}", domain.mode)}};
    });
    for (std::uint32_t next = 1; next != 0;) {
        next = shell_.manager().some_resources(next, kPortion, [&](const ResourceInfo& resource) {
            auto& sum = sums[printable(resource.domain)];
            ++sum.resources;
            if (resource.here) {
                ++sum.mastered;
                sum.locks += resource.locks.size();
                sum.waiting +=
                    static_cast<std::size_t>(std::ranges::count_if(resource.locks, waits));
            }
        });
        co_await io::yield();
    }
    json::array domains;
    for (const auto& [name, sum] : sums) {
        auto row = sum.protection;
        row["domain"] = name;
        row["resources"] = sum.resources;
        row["resources_mastered"] = sum.mastered;
        row["locks"] = sum.locks;
        row["waiting"] = sum.waiting;
        domains.push_back(std::move(row));
    }
    json::object report{{"domains", std::move(domains)}};
    co_return report;
}

json::object LockReport::clients() const {
    json::array clients;
    for (const auto& client : clients_.report()) {
        clients.push_back({{"pid", client.pid},
                           {"uid", client.uid},
                           {"program", printable(client.program)},
                           {"locks", client.locks},
                           {"pending", client.pending},
                           {"age_ms", client.age.count()}});
    }
    return {{"node_id", shell_.self().node.value()}, {"clients", std::move(clients)}};
}

}  // namespace quorate::cluster
