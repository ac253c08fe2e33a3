#include "view_diff.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::ctl {
namespace {

// Fields of all views in the order in which they are printed.
class Fields {
public:
    void say(const std::string& field, const std::string& node, std::string value) {
        auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Difference& one) { return one.field == field; });
        if (found == fields_.end()) {
            fields_.push_back({field, {}});
            found = fields_.end() - 1;
        }
        found->by_node[node] = std::move(value);
    }

    // Unless it does: "-".
    void ought_to_say(const std::string& field, const std::string& node) {
        for (auto& one : fields_) {
            if (one.field == field) {
                one.by_node.try_emplace(node, "-");
            }
        }
    }

    // Those that are not said by all of `nodes` in the same words.
    std::vector<Difference> differing(const std::vector<std::string>& nodes) const {
        std::vector<Difference> result;
        for (auto field : fields_) {
            if (!field.field.starts_with("circuit ")) {
                for (const auto& node : nodes) {
                    field.by_node.try_emplace(node, "-");
                }
            }
            const auto& first = field.by_node.begin()->second;
            const bool same = std::all_of(field.by_node.begin(), field.by_node.end(),
                                          [&](const auto& said) { return said.second == first; });
            if (!same) {
                result.push_back(std::move(field));
            }
        }
        return result;
    }

private:
    std::vector<Difference> fields_;
};

void say_cluster(Fields& fields, const NodeView& from) {
    const auto& view = *from.view;
    const auto& votes = object_of(view, "votes");
    const auto number = [](const json::object& object, const char* key) {
        return std::to_string(number_of(object, key));
    };
    fields.say("cluster", from.node, text_of(view, "cluster"));
    fields.say("key", from.node, text_of(view, "key"));
    fields.say("epoch", from.node, number(view, "epoch"));
    fields.say("quorate", from.node, flag_of(view, "quorate") ? "yes" : "NO");
    fields.say("coordinator", from.node, text_of(view, "coordinator"));
    fields.say("level", from.node, number(view, "level"));
    fields.say("votes", from.node, number(votes, "total"));
    fields.say("expected votes", from.node, number(votes, "expected"));
    fields.say("quorum", from.node, number(votes, "quorum"));
}

void say_members(Fields& fields, const NodeView& from) {
    for (const auto& item : array_of(*from.view, "members")) {
        const auto& member = item.as_object();
        const auto name = text_of(member, "name");
        fields.say(name + " status", from.node, text_of(member, "status"));
        fields.say(name + " incarnation", from.node, text_of(member, "incarnation"));
        fields.say(name + " software", from.node, text_of(member, "software"));
        fields.say(name + " votes", from.node, std::to_string(number_of(member, "votes")));
        fields.say(name + " draining", from.node, flag_of(member, "draining") ? "yes" : "no");
    }
}

void say_circuits(Fields& fields, const NodeView& from, const std::vector<std::string>& nodes) {
    for (const auto& item : array_of(*from.view, "circuits")) {
        const auto& circuit = item.as_object();
        const auto peer = text_of(circuit, "node");
        if (std::find(nodes.begin(), nodes.end(), peer) != nodes.end()) {
            const auto field =
                fmt::format("circuit {} {}", std::min(from.node, peer), std::max(from.node, peer));
            fields.say(field, from.node, text_of(circuit, "state"));
            fields.ought_to_say(field, peer);
        }
    }
}

}  // namespace

std::vector<Difference> compare_views(const std::vector<NodeView>& views) {
    std::vector<std::string> nodes;
    for (const auto& from : views) {
        if (from.view) {
            nodes.push_back(from.node);
        }
    }
    Fields fields;
    for (const auto part : {0, 1, 2}) {
        for (const auto& from : views) {
            if (!from.view) {
                continue;
            }
            if (part == 0) {
                say_cluster(fields, from);
            } else if (part == 1) {
                say_members(fields, from);
            } else {
                say_circuits(fields, from, nodes);
            }
        }
    }
    return fields.differing(nodes);
}

}  // namespace quorate::ctl
