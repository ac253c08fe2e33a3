#include "config.hpp"

#include <unistd.h>

#include <array>
#include <set>

#include <fmt/core.h>

#include "cluster/group_message.hpp"
#include "io/address.hpp"
#include "io/config.hpp"

namespace quorate::cluster {
namespace {

// Below four heartbeats a busy machine loses its lease; above, failures last.
constexpr io::ConfigTable::Bounds kLeaseMs{800, 5000};
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
    config.key_file = table.string("key_file", config.key_file);
    config.corosync_conf = table.string("corosync_conf", config.corosync_conf);
    config.run_commands = table.boolean("run_commands", false);
    config.user = table.string("user", "");
    config.group = table.string("group", "");
}

}  // namespace

Result<Config> read_config(const std::string& path) {
    QUORATE_TRY(const auto file, io::ConfigFile::load(path));
    Config config;
    auto root = file->root();
    root.leave("mail");
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
