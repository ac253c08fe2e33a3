#include "node_addition.hpp"

#include <utility>
#include <vector>

#include <boost/json/value_to.hpp>

#include "cluster/errc.hpp"
#include "control_routes.hpp"

namespace quorate::cluster {

namespace json = boost::json;

std::unique_ptr<Addition> plan_addition(const boost::json::object& body, ConfFile::Text old) {
    auto planned = std::make_unique<Addition>();
    auto& addition = *planned;
    auto& node = addition.node;
    node.name = text_field(body, "name");
    node.addresses = json::value_to<std::vector<std::string>>(body.at("addresses"));
    node.id = body.contains("node_id") ? json::value_to<std::uint32_t>(body.at("node_id"))
                                       : old.conf.free_id();
    node.votes = body.contains("votes") ? json::value_to<std::uint32_t>(body.at("votes")) : 1;
    auto conf = old.conf;
    addition.possible = node.name.empty() ? Status(fail(errc::refused, "a node needs a name"))
                                          : conf.add_node(node);
    // Two nodes need no majority of two; three do.
    conf.set("quorum", "two_node", std::nullopt);
    addition.text = conf.text();
    addition.wanted = {std::move(old), addition.text, ""};
    return planned;
}

}  // namespace quorate::cluster
