#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// corosync.conf(5) as we read, change and write it. What we do not know stays as it stands, with
// its comments and order, because the file belongs to the administrator.
//
// Values, no I/O. Errors: std::errc::invalid_argument; `detail` is "file:line: what is wrong and
// what to do". Limits: 1 MiB, lines of 1,000 octets, 100 nodes, sections 8 deep.
namespace quorate::cluster {

// One line, or a section with the lines in it. `line` is where it was read, 0 for what was added.
struct ConfItem {
    enum class Kind { kText, kValue, kSection } kind = Kind::kText;  // kText: comment or blank line
    std::string key;                                                 // or the section's name
    std::string value;                                               // or the text
    std::vector<ConfItem> items;                                     // of a section
    unsigned line = 0;
};

class CorosyncConf {
public:
    static constexpr std::size_t kNodesMax = 100;
    static constexpr std::size_t kLinksMax = 8;  // knet

    struct Node {
        std::string name;
        std::uint32_t id = 0;                // 1 to 2^31 - 1
        std::vector<std::string> addresses;  // by link: ring0_addr, ring1_addr, ...
        std::uint32_t votes = 1;
        bool operator==(const Node&) const = default;
    };

    // Reads and checks: what parse() returns, Corosync accepts as far as we can tell. `file` is for
    // the errors.
    static Result<CorosyncConf> parse(std::string_view text, std::string_view file);

    struct NewCluster {
        std::string name;
        std::vector<Node> nodes;
        std::uint32_t token_ms = 1000;
        // For containers and namespaces, which may not schedule in real time.
        bool real_time = true;
    };
    // A new file: knet with encryption, votequorum. Errors as of parse().
    static Result<CorosyncConf> create(const NewCluster& cluster);

    std::string text() const;

    // "" when the file has none.
    std::string cluster_name() const { return value("totem", "cluster_name"); }
    // The first value of `key` in the first top-level section `section`; "" when absent.
    std::string value(std::string_view section, std::string_view key) const;
    const std::vector<Node>& nodes() const { return nodes_; }

    // Adds the node behind the others. Errors: name, id or an address in use, number of addresses
    // that does not fit, a name or address that does not stand on a line.
    Status add_node(const Node& node);
    Status remove_node(std::string_view name);
    // 0: the node is a member without a say in quorum.
    Status set_votes(std::string_view name, std::uint32_t votes);
    // Replaces or adds the value; nothing removes it. The section is made when it is missing.
    void set(std::string_view section, std::string_view key,
             const std::optional<std::string>& value);
    // Replaces the subsection quorum.device; nothing removes it. A key "a.b" is b in a section a of
    // it.
    void set_quorum_device(
        const std::optional<std::vector<std::pair<std::string, std::string>>>& values);

    // Smallest id that no node has.
    std::uint32_t free_id() const;

private:
    Status check(std::string_view file);
    Status reads_back() const;

    std::vector<ConfItem> items_;
    std::vector<Node> nodes_;
};

}  // namespace quorate::cluster
