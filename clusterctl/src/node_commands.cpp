#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "cluster_show.hpp"
#include "cluster_view.hpp"
#include "commands.hpp"

namespace quorate::ctl {
namespace {

struct NodeVerbOptions {
    std::string node;
    std::uint64_t count = 5;
    std::uint64_t bytes = 100;
    std::uint32_t votes = 1;
};

int list_nodes(const Context& context, const NodeVerbOptions&) {
    const auto view = context.cluster.get("/v1/cluster");
    if (context.json) {
        print_json(json::object{{"members", array_of(view, "members")}});
    } else {
        std::printf("%s", render_members(view).c_str());
    }
    return kOk;
}

int set_draining(const Context& context, const NodeVerbOptions& options, const char* action) {
    const auto answer = context.cluster.call(
        "POST", path_on(options.node, std::string("/v1/") + action), json::object());
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    const auto name = options.node.empty() ? "this node" : options.node;
    std::printf(
        "%s %s\n", name.c_str(),
        flag_of(answer, "draining") ? "is draining: it takes no new work" : "is in service again");
    return kOk;
}

int set_votes(const Context& context, const NodeVerbOptions& options) {
    const auto answer = context.cluster.call("PATCH", Api::path("/v1/cluster/nodes/", options.node),
                                             json::object{{"votes", options.votes}});
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s has %u %s\n", options.node.c_str(), options.votes,
                    options.votes == 1 ? "vote" : "votes");
    }
    return kOk;
}

std::string milliseconds(double microseconds) {
    return fmt::format("{:.3f} ms", microseconds / 1000);
}

void print_rings(const json::object& answer, const std::string& node) {
    for (const auto& item : array_of(answer, "rings")) {
        const auto& ring = item.as_object();
        std::printf("%s ring %llu %s %s\n", node.c_str(),
                    static_cast<unsigned long long>(number_of(ring, "ring")),
                    text_of(ring, "address").c_str(),
                    flag_of(ring, "connected") ? "connected" : "NOT CONNECTED");
    }
}

int ping(const Context& context, const NodeVerbOptions& options) {
    const auto answer =
        context.cluster.call("POST", Api::path("/v1/nodes/", options.node, "/ping"),
                             json::object{{"count", options.count}, {"bytes", options.bytes}});
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    print_rings(answer, options.node);
    std::vector<double> times;
    for (const auto& time : array_of(answer, "round_trips_us")) {
        times.push_back(time.to_number<double>());
    }
    if (times.empty()) {
        throw Failure{kRefused, options.node + " answered none of the messages"};
    }
    std::sort(times.begin(), times.end());
    double sum = 0;
    for (const auto time : times) {
        sum += time;
    }
    std::printf(
        "%zu of %llu messages of %llu bytes came back: min %s, median %s, mean %s, max %s\n",
        times.size(), static_cast<unsigned long long>(options.count),
        static_cast<unsigned long long>(options.bytes), milliseconds(times.front()).c_str(),
        milliseconds(times[times.size() / 2]).c_str(),
        milliseconds(sum / static_cast<double>(times.size())).c_str(),
        milliseconds(times.back()).c_str());
    return kOk;
}

}  // namespace

void add_node_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<NodeVerbOptions>();
    auto* node = app.add_subcommand("node", "the machines of the cluster")->require_subcommand(1);
    const auto add = [&chosen, options, node](const char* name, const char* help, auto function) {
        auto* command = node->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    add("list", "all nodes and what they are", list_nodes);
    add("drain", "take no new work, before maintenance; kept over restarts",
        [](const Context& context, const NodeVerbOptions& given) {
            return set_draining(context, given, "drain");
        })
        ->add_option("NODE", options->node, "default: this one");
    add("undrain", "take work again", [](const Context& context, const NodeVerbOptions& given) {
        return set_draining(context, given, "undrain");
    })->add_option("NODE", options->node, "default: this one");
    auto* votes = add("votes", "how many votes a node has, for good", set_votes);
    votes->add_option("NODE", options->node)->required();
    votes->add_option("N", options->votes, "0: a member without a say in quorum")
        ->required()
        ->check(CLI::Range(0, 65'535));
    auto* ping_command = add("ping", "round trips over the interconnect", ping);
    ping_command->add_option("NODE", options->node)->required();
    ping_command->add_option("--count", options->count, "messages (5)")
        ->check(CLI::Range(1, 10'000));
    ping_command->add_option("--bytes", options->bytes, "size of each (100)")
        ->check(CLI::Range(1, 65'536));
}

}  // namespace quorate::ctl
