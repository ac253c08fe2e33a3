#include "cluster/corosync_conf.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/text.hpp"
#include "corosync_conf_parser.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint64_t kIdMax = 0x7fffffff;
constexpr std::string_view kNew = "corosync.conf";

template <class Items>
auto find_item(Items& items, ConfItem::Kind kind, std::string_view key) {
    return std::find_if(items.begin(), items.end(),
                        [&](const ConfItem& item) { return item.kind == kind && item.key == key; });
}

std::string value_of(const std::vector<ConfItem>& items, std::string_view key) {
    const auto found = find_item(items, ConfItem::Kind::kValue, key);
    return found == items.end() ? std::string() : found->value;
}

ConfItem& section_of(std::vector<ConfItem>& items, std::string_view name) {
    const auto found = find_item(items, ConfItem::Kind::kSection, name);
    if (found != items.end()) {
        return *found;
    }
    items.push_back({ConfItem::Kind::kSection, std::string(name), {}, {}, 0});
    return items.back();
}

std::string link_key(std::size_t link) { return fmt::format("ring{}_addr", link); }

ConfItem to_item(const CorosyncConf::Node& node) {
    ConfItem item{ConfItem::Kind::kSection, "node", {}, {}, 0};
    item.items.push_back(conf_value("name", node.name));
    item.items.push_back(conf_value("nodeid", std::to_string(node.id)));
    for (std::size_t link = 0; link < node.addresses.size(); ++link) {
        item.items.push_back(conf_value(link_key(link), node.addresses[link]));
    }
    if (node.votes != 1) {
        item.items.push_back(conf_value("quorum_votes", std::to_string(node.votes)));
    }
    return item;
}

Result<CorosyncConf::Node> to_node(const ConfItem& item, std::string_view file) {
    CorosyncConf::Node node;
    node.name = value_of(item.items, "name");
    const auto id = parse_u64(value_of(item.items, "nodeid"));
    if (!id || *id == 0 || *id > kIdMax) {
        return conf_error(file, item.line, "node without a nodeid from 1 to 2147483647");
    }
    node.id = static_cast<std::uint32_t>(*id);
    for (std::size_t link = 0; link < CorosyncConf::kLinksMax; ++link) {
        auto address = value_of(item.items, link_key(link));
        if (address.empty()) {
            break;
        }
        node.addresses.push_back(std::move(address));
    }
    if (const auto text = value_of(item.items, "quorum_votes"); !text.empty()) {
        const auto votes = parse_u64(text);
        if (!votes || *votes > UINT16_MAX) {
            return conf_error(file, item.line, "quorum_votes is a number from 0 to 65535");
        }
        node.votes = static_cast<std::uint32_t>(*votes);
    }
    return node;
}

// What two nodes may not share, and what a node must have.
class NodeCheck {
public:
    std::string add(const CorosyncConf::Node& node) {
        if (node.addresses.empty()) {
            return fmt::format("node {} has no ring0_addr", node.id);
        }
        if (links_ != 0 && node.addresses.size() != links_) {
            return fmt::format("node {} has {} addresses, the nodes before it have {}", node.id,
                               node.addresses.size(), links_);
        }
        links_ = node.addresses.size();
        if (!ids_.insert(node.id).second) {
            return fmt::format("nodeid {} is given twice: each node has its own", node.id);
        }
        if (!node.name.empty() && !names_.insert(to_lower(node.name)).second) {
            return fmt::format("the name {} is given twice: each node has its own", node.name);
        }
        for (const auto& address : node.addresses) {
            if (!addresses_.insert(address).second) {
                return fmt::format("the address {} is given twice: each ring of a node has its own",
                                   address);
            }
        }
        return ids_.size() > CorosyncConf::kNodesMax ? "more than 100 nodes" : "";
    }

private:
    std::size_t links_ = 0;
    std::set<std::uint32_t> ids_;
    std::set<std::string> names_;
    std::set<std::string> addresses_;
};

}  // namespace

Result<CorosyncConf> CorosyncConf::parse(std::string_view text, std::string_view file) {
    CorosyncConf conf;
    QUORATE_TRY(conf.items_, parse_conf_items(text, file));
    QUORATE_CHECK(conf.check(file));
    return conf;
}

Status CorosyncConf::check(std::string_view file) {
    if (value("totem", "version") != "2") {
        return conf_error(file, 0, "totem { version: 2 } is missing");
    }
    if (value("quorum", "provider") != "corosync_votequorum") {
        return conf_error(file, 0, "quorum { provider: corosync_votequorum } is missing");
    }
    nodes_.clear();
    NodeCheck nodes;
    const auto list = find_item(items_, ConfItem::Kind::kSection, "nodelist");
    if (list != items_.end()) {
        for (const auto& item : list->items) {
            if (item.kind == ConfItem::Kind::kSection && item.key == "node") {
                QUORATE_TRY(auto node, to_node(item, file));
                if (const auto wrong = nodes.add(node); !wrong.empty()) {
                    return conf_error(file, item.line, wrong);
                }
                nodes_.push_back(std::move(node));
            }
        }
    }
    if (nodes_.empty()) {
        return conf_error(file, 0, "nodelist without a node");
    }
    return {};
}

Result<CorosyncConf> CorosyncConf::create(const NewCluster& cluster) {
    CorosyncConf conf;
    conf.set("totem", "version", "2");
    conf.set("totem", "cluster_name", cluster.name);
    conf.set("totem", "transport", "knet");
    conf.set("totem", "token", std::to_string(cluster.token_ms));
    conf.set("totem", "crypto_cipher", "aes256");
    conf.set("totem", "crypto_hash", "sha256");
    auto& list = section_of(conf.items_, "nodelist");
    for (const auto& node : cluster.nodes) {
        list.items.push_back(to_item(node));
    }
    conf.set("quorum", "provider", "corosync_votequorum");
    conf.set("logging", "to_syslog", "yes");
    conf.set("logging", "timestamp", "hires");
    if (!cluster.real_time) {
        conf.set("system", "sched_rr", "no");
        conf.set("system", "move_to_root_cgroup", "no");
    }
    QUORATE_CHECK(conf.check(kNew));
    QUORATE_CHECK(conf.reads_back());
    return conf;
}

// What is written must be read as it was meant: a value that breaks out of its line is another
// configuration.
Status CorosyncConf::reads_back() const {
    const auto read = parse(text(), kNew);
    if (!read || read->nodes_ != nodes_ || read->cluster_name() != cluster_name()) {
        return conf_error(kNew, 0,
                          "a name and an address stand on a line each: they have no line breaks, "
                          "no braces, and no blanks around them");
    }
    return {};
}

std::string CorosyncConf::value(std::string_view section, std::string_view key) const {
    const auto found = find_item(items_, ConfItem::Kind::kSection, section);
    return found == items_.end() ? std::string() : value_of(found->items, key);
}

Status CorosyncConf::add_node(const Node& node) {
    CorosyncConf changed = *this;
    section_of(changed.items_, "nodelist").items.push_back(to_item(node));
    QUORATE_CHECK(changed.check(kNew));
    QUORATE_CHECK(changed.reads_back());
    *this = std::move(changed);
    return {};
}

Status CorosyncConf::remove_node(std::string_view name) {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [&](const Node& node) { return node.name == name; });
    if (found == nodes_.end()) {
        return conf_error(kNew, 0, fmt::format("no node {} in the nodelist", name));
    }
    if (nodes_.size() == 1) {
        return conf_error(
            kNew, 0,
            fmt::format("{} is the only node: to end the cluster, stop clusterd and Corosync there",
                        name));
    }
    std::erase_if(section_of(items_, "nodelist").items, [&](const ConfItem& item) {
        return item.kind == ConfItem::Kind::kSection && item.key == "node" &&
               value_of(item.items, "nodeid") == std::to_string(found->id);
    });
    return check(kNew);
}

Status CorosyncConf::set_votes(std::string_view name, std::uint32_t votes) {
    CorosyncConf changed = *this;
    for (auto& item : section_of(changed.items_, "nodelist").items) {
        if (item.kind != ConfItem::Kind::kSection || item.key != "node" ||
            value_of(item.items, "name") != name) {
            continue;
        }
        const auto found = find_item(item.items, ConfItem::Kind::kValue, "quorum_votes");
        if (found != item.items.end()) {
            found->value = std::to_string(votes);
        } else if (votes != 1) {
            item.items.push_back(conf_value("quorum_votes", std::to_string(votes)));
        }
        QUORATE_CHECK(changed.check(kNew));
        *this = std::move(changed);
        return {};
    }
    return conf_error(kNew, 0, fmt::format("no node {} in the nodelist", name));
}

void CorosyncConf::set(std::string_view section, std::string_view key,
                       const std::optional<std::string>& value) {
    auto& items = section_of(items_, section).items;
    const auto found = find_item(items, ConfItem::Kind::kValue, key);
    if (!value) {
        std::erase_if(items, [&](const ConfItem& item) {
            return item.kind == ConfItem::Kind::kValue && item.key == key;
        });
    } else if (found != items.end()) {
        found->value = *value;
    } else {
        items.push_back(conf_value(key, *value));
    }
}

void CorosyncConf::set_quorum_device(
    const std::optional<std::vector<std::pair<std::string, std::string>>>& values) {
    auto& items = section_of(items_, "quorum").items;
    std::erase_if(items, [](const ConfItem& item) {
        return item.kind == ConfItem::Kind::kSection && item.key == "device";
    });
    if (!values) {
        return;
    }
    auto& device = section_of(items, "device");
    // Values first: a section between them is read no worse, but looks so.
    for (const bool nested : {false, true}) {
        for (const auto& [key, value] : *values) {
            const auto dot = key.find('.');
            if (nested && dot != std::string::npos) {
                section_of(device.items, key.substr(0, dot))
                    .items.push_back(conf_value(key.substr(dot + 1), value));
            } else if (!nested && dot == std::string::npos) {
                device.items.push_back(conf_value(key, value));
            }
        }
    }
}

std::uint32_t CorosyncConf::free_id() const {
    std::uint32_t id = 1;
    while (std::any_of(nodes_.begin(), nodes_.end(),
                       [&](const Node& node) { return node.id == id; })) {
        ++id;
    }
    return id;
}

}  // namespace quorate::cluster
