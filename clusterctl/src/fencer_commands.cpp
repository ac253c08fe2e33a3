#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/core.h>

#include "cluster_show.hpp"
#include "cluster_view.hpp"
#include "commands.hpp"

namespace quorate::ctl {
namespace {

struct FencerOptions {
    std::string name;
    std::string lost;
    std::string node;  // whose fencer; empty: this one's
};

json::object fencers_of(const Context& context, const FencerOptions& options) {
    return context.cluster.get(path_on(options.node, "/v1/fencers"));
}

int list(const Context& context, const FencerOptions& options) {
    const auto answer = fencers_of(context, options);
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    auto text = render_fencers(answer);
    if (text.empty()) {
        text = fmt::format(
            "no outside fencer is registered on {}; there takeovers wait for leases alone\n",
            text_of(answer, "node"));
    }
    std::printf("%s", text.c_str());
    return kOk;
}

struct Found {
    json::object fencer;
    std::string full_name;  // "fencer rados of n1"
};

Found find(const Context& context, const FencerOptions& options) {
    const auto answer = fencers_of(context, options);
    const auto node = text_of(answer, "node");
    for (const auto& item : array_of(answer, "fencers")) {
        if (text_of(item.as_object(), "name") == options.name) {
            return {item.as_object(), fmt::format("fencer {} of {}", options.name, node)};
        }
    }
    throw Failure{kRefused,
                  fmt::format("no fencer {} is registered on {}; see: clusterctl fencer "
                              "list",
                              options.name, node),
                  "no_such_fencer"};
}

std::string lives_text(const json::array& lives) {
    std::string text;
    for (const auto& item : lives) {
        const auto& life = item.as_object();
        text += fmt::format("{}{} (incarnation {})", text.empty() ? "" : ", ",
                            text_of(life, "node"), text_of(life, "incarnation"));
    }
    return text;
}

// In words that nobody takes for a formality.
constexpr const char* kStakes =
    "if one of them still runs and can reach the data that this fencer guards, that data will be "
    "destroyed. Make sure that it is switched off or cut from its disks first";

int remove(const Context& context, const FencerOptions& options) {
    const auto found = find(context, options);
    const auto& owed = array_of(found.fencer, "unconfirmed");
    if (owed.empty()) {
        confirm(context, fmt::format("remove {}: takeovers will not wait for it any more, although "
                                     "what it guards may still be in use",
                                     found.full_name));
    } else {
        confirm(context, fmt::format("remove {}, which has not confirmed {}: {}", found.full_name,
                                     lives_text(owed), kStakes));
    }
    // What came up after the question is not forced.
    const auto* force = owed.empty() ? "" : "?force=true";
    context.cluster.call("DELETE",
                         path_on(options.node, Api::path("/v1/fencers/", options.name, force)));
    if (context.json) {
        print_json(json::object{{"removed", options.name}, {"unconfirmed", owed}});
    } else {
        std::printf("%s is removed\n", found.full_name.c_str());
    }
    return kOk;
}

int confirm_lost(const Context& context, const FencerOptions& options) {
    const auto found = find(context, options);
    json::array lives;
    for (const auto& item : array_of(found.fencer, "unconfirmed")) {
        if (text_of(item.as_object(), "node") == options.lost) {
            lives.push_back(item);
        }
    }
    if (lives.empty()) {
        throw Failure{
            kRefused,
            fmt::format("nothing waits for {} to confirm {}", found.full_name, options.lost),
            "not_asked"};
    }
    confirm(context, fmt::format("confirm in place of {} that nothing of {} runs any more: {}",
                                 found.full_name, lives_text(lives), kStakes));
    for (const auto& item : lives) {
        const auto& life = item.as_object();
        context.cluster.call(
            "POST", path_on(options.node, Api::path("/v1/fencers/", options.name, "/confirmed")),
            json::object{{"node_id", number_of(life, "node_id")},
                         {"incarnation", text_of(life, "incarnation")}});
    }
    if (context.json) {
        print_json(json::object{{"fencer", options.name}, {"confirmed", lives}});
    } else {
        std::printf("%s: %s is taken as fenced\n", found.full_name.c_str(),
                    lives_text(lives).c_str());
    }
    return kOk;
}

}  // namespace

void add_fencer_commands(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<FencerOptions>();
    auto* fencer = app.add_subcommand("fencer", "who must confirm before a lost node is taken over")
                       ->require_subcommand(1);
    const auto add = [&chosen, options, fencer](const char* name, const char* help, auto function) {
        auto* command = fencer->add_subcommand(name, help);
        command->callback([&chosen, options, function] {
            chosen = [options, function](const Context& context) {
                return function(context, *options);
            };
        });
        return command;
    };
    const auto add_node = [options](CLI::App& command) {
        command.add_option("--node", options->node, "whose fencer (this node's)");
    };
    add_node(*add("list", "outside fencers, and what they have not confirmed", list));
    auto* removal = add("remove", "wait for it no more, not even now; root only", remove);
    removal->add_option("FENCER", options->name)->required();
    add_node(*removal);
    auto* confirmation =
        add("confirm", "say in its place that a lost node is fenced; root only", confirm_lost);
    confirmation->add_option("FENCER", options->name)->required();
    confirmation->add_option("LOST", options->lost, "name of the lost node")->required();
    add_node(*confirmation);
}

}  // namespace quorate::ctl
