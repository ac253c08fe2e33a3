#include "machine.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/core.h>

#include "base/text.hpp"
#include "cluster/corosync_conf.hpp"
#include "io/address.hpp"
#include "io/config.hpp"
#include "machine_files.hpp"
#include "screen.hpp"
#include "toml_table.hpp"

namespace quorate::ctl {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::chrono::milliseconds kPollPause{200};

// The first label, as clusterd takes it when nothing else is said.
std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    const std::string text(name.data());
    return text.substr(0, text.find('.'));
}

std::set<std::string> own_addresses() {
    std::set<std::string> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return found;
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    for (const auto* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr) {
            continue;
        }
        const int family = one->ifa_addr->sa_family;
        std::array<char, INET6_ADDRSTRLEN> text{};
        const void* raw = nullptr;
        if (family == AF_INET) {
            raw = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
        } else if (family == AF_INET6) {
            raw = &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
        }
        if (raw != nullptr && ::inet_ntop(family, raw, text.data(), text.size()) != nullptr) {
            found.insert(text.data());
        }
    }
    return found;
}

std::string with_port(const std::string& address, std::uint16_t port) {
    return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                  : fmt::format("[{}]:{}", address, port);
}

std::string joined(const std::set<std::string>& texts) {
    std::string all;
    for (const auto& text : texts) {
        all += all.empty() ? "" : ", ";
        all += text;
    }
    return all;
}

// What keeps this node from being a member; empty when it is one.
std::string membership_problem(const Api& clusterd, const std::string& node) {
    try {
        const auto view = clusterd.get("/v1/cluster");
        for (const auto& item : array_of(view, "members")) {
            const auto& member = item.as_object();
            if (text_of(member, "name") == node && text_of(member, "status") == "member" &&
                text_of(view, "state") == "running") {
                return "";
            }
        }
        const auto reason = text_of(view, "reason");
        return text_of(view, "state") + (reason.empty() ? "" : ": " + reason);
    } catch (const Failure& failure) {
        return failure.what.substr(0, failure.what.find('\n'));
    }
}

}  // namespace

void check_name(const std::string& what, const std::string& name) {
    const bool good = !name.empty() && name.size() <= kNameMax &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                      });
    if (!good) {
        throw Failure{kUsage, fmt::format("{} wants 1 to {} letters, digits, '.', '_' or '-'", what,
                                          kNameMax)};
    }
}

Machine::Machine(const Context& context, const NodeOptions& options)
    : options_(options),
      clusterd_(context.cluster),
      root_(context.root),
      node_(options.node.empty() ? host_name() : options.node),
      config_file_(root_ + "/etc/quorate/quorate.toml"),
      key_file_(root_ + "/etc/quorate/cluster.key"),
      corosync_conf_(kCorosyncConf) {
    const auto below_root = [&](const std::string& path) {
        return path.starts_with('/') ? path : root_ + "/" + path;
    };
    if (const auto text = value_or_fail(read_file(config_file_))) {
        const auto file = value_or_fail(io::ConfigFile::load(config_file_));
        auto cluster = file->root().table("cluster");
        key_file_ = below_root(cluster.string("key_file", key_file_));
        corosync_conf_ = below_root(cluster.string("corosync_conf", corosync_conf_));
    }
    if (!options.corosync_conf.empty()) {
        corosync_conf_ = std::filesystem::absolute(options.corosync_conf).string();
    }
    corosync_conf_is_default_ = corosync_conf_ == kCorosyncConf;
}

std::string Machine::authkey_file() const {
    return (std::filesystem::path(corosync_conf_).parent_path() / "authkey").string();
}

std::vector<std::string> Machine::interconnect() const {
    std::vector<std::string> all;
    for (const auto& address : options_.addresses) {
        all.push_back(with_port(address, options_.port));
    }
    return all;
}

void Machine::check() const {
    check_name("--node", node_);
    check_addresses();
    check_nothing_runs();
    for (const auto& file : {config_file_, key_file_, corosync_conf_}) {
        value_or_fail(writable(file));
    }
}

void Machine::check_addresses() const {
    const auto own = own_addresses();
    for (const auto& address : options_.addresses) {
        const auto parsed = io::Address::parse(with_port(address, options_.port));
        if (!parsed || parsed->kind == io::Address::Kind::kUnix) {
            throw Failure{
                kUsage,
                fmt::format("--address {}: wants an IP address, no name and no port", address)};
        }
        if (!own.contains(parsed->host)) {
            throw Failure{kRefused, fmt::format("{} is no address of this machine; it has {}",
                                                address, joined(own))};
        }
    }
}

void Machine::check_nothing_runs() const {
    try {
        const auto status = clusterd_.get("/v1/status");
        if (text_of(status, "membership") != "solo") {
            throw Failure{
                kRefused,
                fmt::format(
                    "this machine is {} of cluster {} already; leave that first: clusterctl "
                    "cluster leave",
                    text_of(status, "node"), text_of(status, "cluster"))};
        }
        if (!options_.no_start && !ClusterServices::systemd_runs()) {
            throw Failure{kRefused, "clusterd runs here as a cluster of its own; stop it first"};
        }
    } catch (const Failure& failure) {
        if (failure.exit_code != kUnreachable) {
            throw;
        }
    }
    if (options_.no_start || !ClusterServices::runs("corosync")) {
        return;
    }
    if (!ClusterServices::systemd_runs()) {
        throw Failure{kRefused, "corosync runs already, with another configuration; stop it first"};
    }
    // Debian's package starts one that is alone; any other has a cluster, which would lose this
    // machine.
    const auto text = value_or_fail(read_file(corosync_conf_));
    const auto conf = cluster::CorosyncConf::parse(text.value_or(""), corosync_conf_);
    if (text && (!conf || conf->nodes().size() > 1)) {
        throw Failure{kRefused, fmt::format("corosync runs already, {}; stop it first",
                                            conf ? "as a member of cluster " + conf->cluster_name()
                                                 : "and " + conf.error().to_string())};
    }
}

std::string Machine::changed_config(
    const std::vector<std::pair<std::string, std::string>>& keys) const {
    std::vector<TomlKey> wanted;
    for (const auto& [key, literal] : keys) {
        wanted.push_back({key, literal});
    }
    const auto text = value_or_fail(read_file(config_file_));
    auto changed =
        set_in_table(text.value_or("# See clusterd(8) and maild(8).\n"), "cluster", wanted);
    if (!changed) {
        throw Failure{kRefused, config_file_ + ": " + changed.error().detail};
    }
    return std::move(*changed);
}

void Machine::add_files(Plan& plan, const Files& files) const {
    std::vector<std::pair<std::string, std::string>> keys{
        {"membership", toml_literal("corosync")},
        {"name", toml_literal(files.cluster)},
        {"node", toml_literal(node_)},
        {"addresses", toml_literal(interconnect())}};
    if (!corosync_conf_is_default_) {
        keys.emplace_back("corosync_conf", toml_literal(corosync_conf_));
    }
    const auto config = changed_config(keys);  // now: a file that cannot be changed stops the plan
    plan.add("write " + corosync_conf_ + ", the old one kept beside it", [this, &files] {
        value_or_fail(keep_copy(corosync_conf_));
        value_or_fail(replace_file(corosync_conf_, files.corosync_conf, 0644));
    });
    plan.add("write " + authkey_file() + ", Corosync's key", [this, &files] {
        const auto there = value_or_fail(read_file(authkey_file()));
        if (!files.authkey.empty() && there != files.authkey) {
            value_or_fail(put_aside(authkey_file()));
            value_or_fail(replace_file(authkey_file(), files.authkey, 0400));
        }
    });
    plan.add("set [cluster] in " + config_file_,
             [this, config] { value_or_fail(replace_file(config_file_, config, 0644)); });
}

void Machine::add_start(Plan& plan) const {
    if (!options_.no_start && ClusterServices::systemd_runs()) {
        plan.add("start corosync, then quorate-clusterd, also at every boot",
                 [this] { services().start(); });
    }
}

void Machine::await_membership(const Context& context) const {
    if (options_.no_start || !ClusterServices::systemd_runs()) {
        if (!context.json) {
            std::printf("%s; start, in this order:\n",
                        options_.no_start ? "nothing was started" : "there is no systemd here");
            for (const auto& command : services().start_commands()) {
                std::printf("  %s\n", command.c_str());
            }
            std::fflush(stdout);
        }
        if (options_.no_start) {
            return;
        }
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options_.wait_seconds);
    std::string shown;
    for (auto problem = membership_problem(clusterd_, node_); !problem.empty();
         problem = membership_problem(clusterd_, node_)) {
        if (problem != shown) {
            std::fprintf(stderr, "waiting until %s is a member: %s\n", node_.c_str(),
                         problem.c_str());
            shown = problem;
        }
        if (std::chrono::steady_clock::now() > end) {
            throw Failure{
                kRefused,
                fmt::format("{} is no member after {} s: {}\n  the files are written; look "
                            "at the logs of corosync and clusterd, and at: clusterctl status",
                            node_, options_.wait_seconds, problem)};
        }
        Screen::wait(kPollPause);
    }
}

void Machine::add_retirement(Plan& plan) const {
    const auto config = changed_config({{"membership", toml_literal("solo")}});
    plan.add("put " + corosync_conf_ + " aside",
             [this] { value_or_fail(put_aside(corosync_conf_)); });
    plan.add("set membership = \"solo\" in [cluster] of " + config_file_,
             [this, config] { value_or_fail(replace_file(config_file_, config, 0644)); });
}

}  // namespace quorate::ctl
