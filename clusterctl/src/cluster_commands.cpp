#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <boost/json/value_from.hpp>

#include "cluster_create.hpp"
#include "cluster_show.hpp"
#include "commands.hpp"

namespace quorate::ctl {
namespace {

struct ClusterOptions {
    ShowOptions show;
    CreateOptions create;
    JoinOptions join;
    LeaveOptions leave;
    std::uint32_t votes = 0;
    std::vector<std::string> off;
    std::uint32_t level = 0;
};

int expected_votes(const Context& context, const ClusterOptions& options) {
    json::object body{{"votes", options.votes}};
    if (!options.off.empty()) {
        body["off"] = json::value_from(options.off);
    }
    const auto answer = context.cluster.call("POST", "/v1/cluster/expected-votes", body);
    if (context.json) {
        print_json(answer);
    } else {
        const auto votes = number_of(answer, "expected_votes");
        std::printf("%llu %s expected, on all nodes, until Corosync is started anew\n",
                    static_cast<unsigned long long>(votes), votes == 1 ? "vote is" : "votes are");
    }
    return kOk;
}

int raise_level(const Context& context, const ClusterOptions& options) {
    confirm(context, fmt::format("raise the protocol level to {}; it cannot be lowered again",
                                 options.level));
    const auto answer =
        context.cluster.call("POST", "/v1/cluster/level", json::object{{"level", options.level}});
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("the cluster runs protocol level %llu\n",
                    static_cast<unsigned long long>(number_of(answer, "level")));
    }
    return kOk;
}

void add_node_options(CLI::App& command, NodeOptions& node) {
    command.add_option("--node", node.node, "this machine's name in the cluster (the host's name)");
    command
        .add_option("--address", node.addresses,
                    "this machine's IP address on a ring; once per ring, ring 0 first")
        ->required();
    command.add_option("--port", node.port, "of the interconnect (5410)");
    command.add_option("--corosync-conf", node.corosync_conf,
                       "default: /etc/corosync/corosync.conf");
    command.add_flag("--no-start", node.no_start, "write the files and start nothing");
    command.add_option("--wait", node.wait_seconds, "seconds until it must be a member (60)");
}

void add_show(CLI::App& command, ClusterOptions& options) {
    command.add_option("--from", options.show.from, "as this node sees it");
    command.add_option("--watch", options.show.watch_seconds, "again every SECONDS until Ctrl-C")
        ->expected(0, 1)
        // Without it CLI11 writes 0 over the value when no number is given.
        ->default_str(fmt::format("{:g}", options.show.watch_seconds))
        ->check(CLI::Range(0.1, 3600.0));
    command.add_flag("--diff", options.show.diff,
                     "ask all members, print where their views disagree; exit 1 when they do");
}

}  // namespace

void add_cluster_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<ClusterOptions>();
    auto* cluster = app.add_subcommand("cluster", "the cluster: see it, make it, join it, leave it")
                        ->require_subcommand(1);
    const auto add = [&chosen, options, cluster](const char* name, const char* help,
                                                 auto function) {
        auto* command = cluster->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    auto* show = cluster->add_subcommand("show", "members, votes, circuits, what is pending");
    add_show(*show, *options);
    show->callback([&chosen, options, show] {
        options->show.watch = show->count("--watch") > 0;
        chosen = [options](const Context& context) { return show_cluster(context, options->show); };
    });

    auto* create = add("create", "make this machine the first node of a cluster",
                       [](const Context& context, const ClusterOptions& given) {
                           return create_cluster(context, given.create);
                       });
    create->add_option("--name", options->create.name, "the cluster's")->required();
    create
        ->add_option("--token", options->create.token_ms,
                     "milliseconds of silence that Corosync "
                     "bears (1000)")
        ->check(CLI::Range(300, 60'000));
    create->add_flag("--no-real-time", options->create.no_real_time,
                     "Corosync shall not schedule in real time; so it is where that is forbidden");
    add_node_options(*create, options->create.node);

    auto* join = add("join", "add this machine, which has the cluster key",
                     [](const Context& context, const ClusterOptions& given) {
                         return join_cluster(context, given.join);
                     });
    join->add_option("--member", options->join.members,
                     "HOST[:PORT] of a member; again for its other ring")
        ->required();
    join->add_option("--votes", options->join.votes, "1");
    add_node_options(*join, options->join.node);

    auto* leave = add("leave", "take this machine out for good",
                      [](const Context& context, const ClusterOptions& given) {
                          return leave_cluster(context, given.leave);
                      });
    leave->add_option("--node", options->leave.node, "another one, which is gone or draining");
    leave->add_option("--wait", options->leave.machine.wait_seconds,
                      "seconds until the daemons must have ended (60)");

    auto* expect =
        add("expected-votes", "what quorum is reckoned from, when nodes are away for long",
            expected_votes);
    expect->add_option("N", options->votes)->required()->check(CLI::Range(1, 65'535));
    expect->add_option("--off", options->off, "NODE,...: these are away and switched off")
        ->delimiter(',');
    add("level", "use what a new version can do, when all members have it", raise_level)
        ->add_option("--raise", options->level, "the new protocol level")
        ->required();
}

}  // namespace quorate::ctl
