#include <cstdio>
#include <memory>

#include <fmt/core.h>

#include "commands.hpp"
#include "quorum_format.hpp"
#include "quorum_setup.hpp"
#include "quorum_view.hpp"

namespace quorate::ctl {
namespace {

struct QuorumOptions {
    std::string node;
    std::string reason = "asked for by an operator";
};

int show(const Context& context, const QuorumOptions&) {
    const auto answer = context.quorum.get("/v1/quorum");
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s", render_quorum(answer).c_str());
    }
    return flag_of(answer, "voting") ? kOk : kRefused;
}

int request_fence(const Context& context, const QuorumOptions& options) {
    confirm(context, fmt::format("end the present life of {}: its machine is reset", options.node));
    const auto answer = context.quorum.call(
        "POST", "/v1/fences", json::object{{"node", options.node}, {"reason", options.reason}});
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s is fenced: %s\n", options.node.c_str(), text_of(answer, "text").c_str());
    }
    return kOk;
}

int confirm_fence(const Context& context, const QuorumOptions& options) {
    confirm(context,
            fmt::format("take {} for reset or switched off: if its machine still runs, two "
                        "partitions may have the disk's votes",
                        options.node));
    const auto answer =
        context.quorum.call("POST", "/v1/fences/confirmed", json::object{{"node", options.node}});
    if (context.json) {
        print_json(answer);
    } else {
        std::printf("%s is taken for reset or switched off\n", options.node.c_str());
    }
    return kOk;
}

void add_format(CLI::App& quorum, Command& chosen) {
    const auto options = std::make_shared<FormatOptions>();
    auto* command = quorum.add_subcommand("format", "make a quorum disk, or three");
    command->add_option("DISK", options->disks, "block device, file, NBD export or RADOS object")
        ->required();
    command->add_option("--cluster", options->cluster, "its name, as in corosync.conf")->required();
    command->add_flag("--soft", options->soft, "without a watchdog; see quorumd(8)");
    command->add_option("--nodes", options->nodes, "places, by node id (64)")
        ->check(CLI::Range(1, 64));
    const auto add_time = [command](const char* name, std::uint32_t& value, const char* help) {
        command->add_option(name, value, help)->check(CLI::Range(1, 600'000));
    };
    add_time("--heartbeat", options->heartbeat, "ms between two writings (1000)");
    add_time("--late-io", options->late_io, "ms after which an I/O is late (2000; soft: 1000)");
    add_time("--lease", options->lease, "ms (5000; soft: 4000)");
    add_time("--silence", options->silence, "ms until a silent node is taken for stopped (12000)");
    add_time("--timeout", options->vote_timeout, "ms that votequorum keeps a vote (3000)");
    add_time("--sync-timeout", options->sync_timeout,
             "ms that votequorum waits in a new ring (25000; soft: 3000)");
    add_time("--watchdog", options->watchdog, "ms (5000)");
    command->callback([&chosen, options] {
        chosen = [options](const Context& context) { return format_disks(context, *options); };
    });
}

void add_setup(CLI::App& quorum, Command& chosen) {
    const auto options = std::make_shared<SetupOptions>();
    auto* setup =
        quorum.add_subcommand("setup", "make formatted disks the cluster's, on all nodes");
    setup->add_option("DISK", options->disks, "paths, the same on all nodes")->required();
    setup->add_option("--votes", options->votes, "of the disk (one less than the nodes')")
        ->check(CLI::Range(1, 65'535));
    setup->add_option("--tie-breaker", options->tie_breaker, "id of the node to prefer");
    setup->callback([&chosen, options] {
        chosen = [options](const Context& context) { return set_up(context, *options); };
    });
    auto* remove = quorum.add_subcommand("remove", "the cluster goes on without a quorum disk");
    remove->callback([&chosen, options] {
        chosen = [options](const Context& context) { return take_down(context, *options); };
    });
    const auto replacement = std::make_shared<ReplaceOptions>();
    auto* replace = quorum.add_subcommand("replace", "another disk, while the cluster votes");
    replace->add_option("OLD", replacement->old_disk)->required();
    replace->add_option("NEW", replacement->new_disk)->required();
    replace->add_option("--wait", replacement->wait_seconds, "seconds for each step (120)");
    replace->callback([&chosen, replacement] {
        chosen = [replacement](const Context& context) {
            return replace_disk(context, *replacement);
        };
    });
}

}  // namespace

void add_quorum_commands(CLI::App& quorum, Command& chosen) {
    add_format(quorum, chosen);
    add_setup(quorum, chosen);
    const auto options = std::make_shared<QuorumOptions>();
    const auto add = [&](const char* name, const char* help, auto function) {
        auto* command = quorum.add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    add("show", "votes, holder, watchers and their counters", show);
    auto* fence = add("request-fence", "end the present life of a node; root only", request_fence);
    fence->add_option("NODE", options->node, "name or id")->required();
    fence->add_option("--reason", options->reason, "for people, at most 64 octets");
    auto* confirmed =
        add("fence-confirmed", "say that a node has been reset or switched off; root only",
            confirm_fence);
    confirmed->add_option("NODE", options->node, "name or id")->required();
}

}  // namespace quorate::ctl
