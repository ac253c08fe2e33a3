#include "quorum/io/live_conf.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.hpp"
#include "cmap.hpp"
#include "corosync_error.hpp"

namespace quorate::quorum {
namespace {

constexpr const char* kDevice = "quorum.device.";
constexpr const char* kStep = "quorumd.step";
constexpr std::size_t kRingsMax = 8;
constexpr const char* kAgainst[] = {"last_man_standing", "auto_tie_breaker", "allow_downscale"};

using Keys = std::map<std::string, std::string>;

std::string get(const Keys& keys, const std::string& key) {
    const auto it = keys.find(key);
    return it == keys.end() ? std::string() : it->second;
}

std::vector<ConfNode> nodes_of(const Keys& keys) {
    std::vector<ConfNode> nodes;
    for (std::size_t position = 0;; ++position) {
        const auto at = [&](const std::string& key) {
            return get(keys, fmt::format("node.{}.{}", position, key));
        };
        const auto id = parse_u64(at("nodeid"));
        if (!id) {
            break;
        }
        ConfNode node;
        node.id = static_cast<std::uint32_t>(*id);
        node.name = at("name");
        node.votes = static_cast<std::uint32_t>(parse_u64(at("quorum_votes")).value_or(1));
        for (std::size_t ring = 0; ring < kRingsMax; ++ring) {
            if (auto address = at(fmt::format("ring{}_addr", ring)); !address.empty()) {
                node.addresses.push_back(std::move(address));
            }
        }
        nodes.push_back(std::move(node));
    }
    return nodes;
}

// Numbers that Corosync itself reads must be numbers in the map too.
bool is_number(const std::string& key) {
    return key == "votes" || key == "timeout" || key == "sync_timeout";
}

Status set_key(const Cmap& cmap, const std::string& key, const std::string& value) {
    const auto name = kDevice + key;
    const auto error =
        is_number(key) ? cmap_set_uint32(cmap.get(), name.c_str(),
                                         static_cast<std::uint32_t>(parse_u64(value).value_or(0)))
                       : cmap_set_string(cmap.get(), name.c_str(), value.c_str());
    return error == CS_OK ? Status() : Status(corosync_error("cannot set " + name, error));
}

Status delete_key(const Cmap& cmap, const std::string& name) {
    const auto error = cmap_delete(cmap.get(), name.c_str());
    return error == CS_OK || error == CS_ERR_NOT_EXIST
               ? Status()
               : Status(corosync_error("cannot delete " + name, error));
}

}  // namespace

const ConfNode* LiveConf::find(std::uint32_t id) const {
    const auto it = std::ranges::find(nodes, id, &ConfNode::id);
    return it == nodes.end() ? nullptr : &*it;
}

const ConfNode* LiveConf::find(std::string_view name) const {
    const auto it = std::ranges::find(nodes, name, &ConfNode::name);
    return it == nodes.end() ? nullptr : &*it;
}

Result<LiveConf> read_live_conf() {
    const Cmap cmap;
    LiveConf conf;
    QUORATE_TRY(const auto totem, cmap.with_prefix("totem."));
    QUORATE_TRY(const auto list, cmap.with_prefix("nodelist."));
    QUORATE_TRY(const auto quorum, cmap.with_prefix("quorum."));
    QUORATE_TRY(const auto running, cmap.with_prefix("runtime.votequorum."));
    conf.cluster = get(totem, "cluster_name");
    conf.nodes = nodes_of(list);
    conf.local = static_cast<std::uint32_t>(parse_u64(get(running, "this_node_id")).value_or(0));
    for (const auto& [key, value] : quorum) {
        if (key.starts_with("device.")) {
            conf.device[key.substr(7)] = value;
        }
    }
    for (const char* option : kAgainst) {
        if (const auto value = get(quorum, option); !value.empty() && value != "0") {
            conf.against.emplace_back(option);
        }
    }
    const auto two = get(quorum, "two_node");
    conf.two_node = !two.empty() && two != "0";
    if (conf.local == 0) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "corosync runs without votequorum: set quorum { provider: "
                    "corosync_votequorum } in corosync.conf");
    }
    return conf;
}

// The model comes last and goes first: without it votequorum takes no notice of the rest.
Status write_live_device(const DeviceKeys& keys) {
    const Cmap cmap;
    QUORATE_TRY(const auto now, cmap.with_prefix(kDevice));
    const auto model = get(keys, "model");
    if (model != get(now, "model")) {
        QUORATE_CHECK(delete_key(cmap, std::string(kDevice) + "model"));
    }
    if (!keys.empty()) {
        QUORATE_CHECK(delete_key(cmap, "quorum.two_node"));
    }
    for (const auto& [key, value] : now) {
        if (key != "model" && key != kStep && !keys.contains(key)) {
            QUORATE_CHECK(delete_key(cmap, kDevice + key));
        }
    }
    const auto changed = [&](const std::string& key) {
        return keys.contains(key) && get(now, key) != get(keys, key);
    };
    for (const auto& [key, value] : keys) {
        if (key != "model" && key != kStep && changed(key)) {
            QUORATE_CHECK(set_key(cmap, key, value));
        }
    }
    // Who reads in between sees a step that is not taken yet.
    if (changed(kStep)) {
        QUORATE_CHECK(set_key(cmap, kStep, get(keys, kStep)));
    }
    return model.empty() ? Status() : set_key(cmap, "model", model);
}

}  // namespace quorate::quorum
