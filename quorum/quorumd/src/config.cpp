#include "config.hpp"

#include <unistd.h>

#include <fmt/core.h>

#include "io/config.hpp"

namespace quorate::quorum {
namespace {

constexpr std::size_t kDisksMax = 3;

// clusterd listens where it is configured to be a member with Corosync.
bool has_clusterd(io::ConfigTable table) {
    return !table.string("name", "").empty() && table.string("membership", "") != "solo";
}

Heuristic read_heuristic(io::ConfigTable table) {
    Heuristic heuristic;
    heuristic.name = table.required_string("name");
    heuristic.command = table.strings("command");
    if (heuristic.command.empty() || !heuristic.command.front().starts_with('/')) {
        table.complain("command", "wants a list that begins with a program's absolute path");
    }
    heuristic.score =
        static_cast<std::uint32_t>(table.integer("score", heuristic.score, {1, kMaxScore}));
    heuristic.interval = std::chrono::milliseconds(
        table.integer("interval_ms", heuristic.interval.count(), {100, 3'600'000}));
    heuristic.timeout = std::chrono::milliseconds(
        table.integer("timeout_ms", heuristic.timeout.count(), {10, 60'000}));
    return heuristic;
}

void read_heuristics(io::ConfigTable& table, Config& config) {
    for (auto& one : table.tables("heuristics")) {
        config.heuristics.push_back(read_heuristic(one));
    }
    if (config.heuristics.size() > kMaxHeuristics) {
        table.complain("heuristics", fmt::format("are more than {}", kMaxHeuristics));
    }
}

void read_quorum(io::ConfigTable table, Config& config) {
    config.disks = table.strings("disks");
    if (config.disks.size() > kDisksMax) {
        table.complain("disks", "names more than three disks");
    }
    config.watchdog = table.string("watchdog", config.watchdog);
    config.corosync_conf = table.string("corosync_conf", config.corosync_conf);
    config.port = static_cast<std::uint16_t>(table.integer("port", config.port, {1, 65'535}));
    config.key_file = table.string("key_file", config.key_file);
    config.clusterd = table.boolean("clusterd", config.clusterd);
    config.reset_when_fenced = table.boolean("reset_when_fenced", config.reset_when_fenced);
    config.group = table.string("group", config.group);
    read_heuristics(table, config);
}

}  // namespace

Result<Config> read_config(const std::string& path) {
    Config config;
    // A node of a stock Corosync cluster needs no file.
    if (::access(path.c_str(), F_OK) != 0) {
        return config;
    }
    QUORATE_TRY(const auto file, io::ConfigFile::load(path));
    auto root = file->root();
    root.leave("mail");
    root.leave("cluster");
    auto node = root.table("node");
    node.leave("name");
    node.leave("user");
    constexpr LogLevel kLevels[] = {LogLevel::kInfo, LogLevel::kDebug, LogLevel::kWarn,
                                    LogLevel::kError};
    config.log_level = kLevels[node.choice("log_level", {"info", "debug", "warn", "error"})];
    config.clusterd = has_clusterd(root.table("cluster"));
    read_quorum(root.table("quorum"), config);
    QUORATE_CHECK(file->finish());
    return config;
}

}  // namespace quorate::quorum
