#include "config.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "cluster/group_message.hpp"
#include "io/address.hpp"
#include "io/config.hpp"

namespace quorate::cluster {
namespace {

// Below four heartbeats a busy machine loses its lease; above, failures last.
constexpr io::ConfigTable::Bounds kLeaseMs{800, 5000};
constexpr io::ConfigTable::Bounds kBusyPollUs{0, 1000};
constexpr std::int64_t kWeightMax = 1000;

// The first label: what corosync.conf usually names the node.
std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    const std::string text(name.data());
    return text.substr(0, text.find('.'));
}

std::string short_text(io::ConfigTable& table, std::string_view key, std::string value) {
    if (value.size() > kMaxText) {
        table.complain(key, fmt::format("is longer than {} octets", kMaxText));
    }
    return value;
}

std::vector<std::string> read_addresses(io::ConfigTable& table, bool solo) {
    const auto addresses = table.strings("addresses");
    if (!solo && addresses.empty()) {
        table.complain("addresses", "wants this node's address on each ring: [\"192.0.2.1:5410\"]");
    }
    if (addresses.size() > kMaxRings) {
        table.complain("addresses", fmt::format("names more than {} rings", kMaxRings));
    }
    std::set<std::string> seen;
    for (const auto& text : addresses) {
        const auto address = io::Address::parse(text);
        if (!address) {
            table.complain("addresses", address.error().detail);
        } else if (address->kind == io::Address::Kind::kUnix) {
            table.complain("addresses", "the interconnect needs IP addresses");
        } else if (!seen.insert(address->to_string()).second) {
            table.complain("addresses", text + " is there twice");
        }
    }
    return addresses;
}

template <class Entry>
std::uint32_t id_of(io::ConfigTable& table, std::string_view key, const Entry* entry,
                    std::uint32_t Entry::*id) {
    if (entry == nullptr) {
        table.complain(key, "there is none of that name");
        return 0;
    }
    return entry->*id;
}

// Three octal digits: what owner, group and others may do. 4 reads value blocks, 2 writes them, 1
// takes locks.
std::optional<std::uint16_t> mode_of(std::string_view text) {
    std::uint16_t mode = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '7') {
            return std::nullopt;
        }
        mode = static_cast<std::uint16_t>(mode * 8 + (digit - '0'));
    }
    return text.size() == 3 ? std::optional(mode) : std::nullopt;
}

lockmgr::Domain read_domain(io::ConfigTable table) {
    lockmgr::Domain domain;
    domain.name = table.required_string("name");
    if (domain.name.size() > lockmgr::kMaxDomain) {
        table.complain("name", fmt::format("is longer than {} octets", lockmgr::kMaxDomain));
    }
    const auto user = table.string("user", "root");
    domain.uid = id_of(table, "user", ::getpwnam(user.c_str()), &passwd::pw_uid);
    const auto group = table.string("group", "root");
    domain.gid = id_of(table, "group", ::getgrnam(group.c_str()), &::group::gr_gid);
    const auto mode = mode_of(table.string("mode", "770"));
    if (!mode) {
        table.complain("mode", "wants three octal digits: owner, group, others");
    }
    domain.mode = mode.value_or(0);
    return domain;
}

void read_locks(io::ConfigTable table, Config::Locks& locks) {
    const auto number = [&](std::string_view key, std::uint32_t& value,
                            io::ConfigTable::Bounds bounds) {
        value = static_cast<std::uint32_t>(table.integer(key, value, bounds));
    };
    number("clients_max", locks.clients_max, {1, 65'535});
    number("client_locks_max", locks.client_locks_max, {1, 100'000'000});
    number("locks_max", locks.locks_max, {1, 100'000'000});
    number("trace_bytes", locks.trace_bytes, {0, 1 << 30});
    number("client_patience_s", locks.client_patience_s, {1, 3600});
    for (auto& domain : table.tables("domains")) {
        locks.domains.push_back(read_domain(domain));
    }
}

void read_cluster(io::ConfigTable table, Config& config) {
    config.solo = table.choice("membership", {"corosync", "solo"}) == 1;
    config.node = short_text(table, "node", table.string("node", host_name()));
    if (config.node.empty()) {
        table.complain("node", "is empty; it wants this machine's name in corosync.conf");
    }
    config.name = config.solo ? table.string("name", config.node) : table.required_string("name");
    config.name = short_text(table, "name", config.name);
    config.addresses = read_addresses(table, config.solo);
    config.directory_weight = static_cast<std::uint32_t>(
        table.integer("directory_weight", config.directory_weight, {0, kWeightMax}));
    config.lease =
        std::chrono::milliseconds(table.integer("lease_ms", config.lease.count(), kLeaseMs));
    config.busy_poll = std::chrono::microseconds(
        table.integer("busy_poll_us", config.busy_poll.count(), kBusyPollUs));
    config.key_file = table.string("key_file", config.key_file);
    config.corosync_conf = table.string("corosync_conf", config.corosync_conf);
    config.run_commands = table.boolean("run_commands", false);
    config.user = table.string("user", "");
    config.group = table.string("group", "");
    read_locks(table.table("locks"), config.locks);
}

}  // namespace

Result<Config> read_config(const std::string& path) {
    QUORATE_TRY(const auto file, io::ConfigFile::load(path));
    Config config;
    auto root = file->root();
    root.leave("mail");
    root.leave("quorum");
    auto node = root.table("node");
    node.leave("name");
    node.leave("user");
    constexpr LogLevel kLevels[] = {LogLevel::kInfo, LogLevel::kDebug, LogLevel::kWarn,
                                    LogLevel::kError};
    config.log_level = kLevels[node.choice("log_level", {"info", "debug", "warn", "error"})];
    read_cluster(root.table("cluster"), config);
    QUORATE_CHECK(file->finish());
    return config;
}

}  // namespace quorate::cluster
