#include <chrono>
#include <cstdio>
#include <future>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "base/text.hpp"
#include "cluster_show.hpp"
#include "commands.hpp"

// A command on all members, as SYSMAN's SET ENVIRONMENT/CLUSTER and DO. Source: OpenVMS System
// Management Utilities Reference Manual, SYSMAN.
namespace quorate::ctl {
namespace {

// What the way to the other node and back may take beside the command.
constexpr std::chrono::seconds kOverhead{10};

struct DoOptions {
    std::string nodes;
    std::uint64_t timeout_seconds = 60;
    std::vector<std::string> words;
    bool json = false;
};

struct Outcome {
    std::string node;
    json::object answer;
    std::string error;  // when the command was not run

    bool good() const { return error.empty() && number_of(answer, "exit_code") == 0; }
};

Outcome run_on(const Api& api, const std::string& here, const std::string& node,
               const DoOptions& options) {
    Outcome outcome{node, {}, {}};
    const json::object body{{"words", json::value_from(options.words)},
                            {"timeout_seconds", options.timeout_seconds}};
    try {
        outcome.answer = api.call("POST", path_on(node == here ? "" : node, "/v1/commands"), body,
                                  std::chrono::seconds(options.timeout_seconds) + kOverhead);
    } catch (const Failure& failure) {
        outcome.error = failure.what;
    }
    return outcome;
}

// The nodes that were named, or every member.
std::vector<std::string> targets(const json::object& view, const DoOptions& options) {
    std::vector<std::string> names;
    if (options.nodes.empty()) {
        for (const auto& item : array_of(view, "members")) {
            const auto& member = item.as_object();
            if (text_of(member, "status") == "member") {
                names.push_back(text_of(member, "name"));
            }
        }
        if (names.empty()) {
            throw Failure{kRefused, "this node sees no members: " + text_of(view, "reason") +
                                        "; name the nodes: --nodes n1,n2"};
        }
        return names;
    }
    for (const auto name : split(options.nodes, ',')) {
        if (const auto trimmed = trim(name); !trimmed.empty()) {
            names.emplace_back(trimmed);
        }
    }
    return names;
}

void print_outcome(const Outcome& outcome) {
    std::printf("== %s\n", outcome.node.c_str());
    if (!outcome.error.empty()) {
        std::printf("-- not run: %s\n", outcome.error.c_str());
        return;
    }
    const auto output = text_of(outcome.answer, "output");
    std::printf("%s%s", output.c_str(), output.empty() || output.ends_with('\n') ? "" : "\n");
    if (flag_of(outcome.answer, "truncated")) {
        std::printf("-- there was more; it was cut off\n");
    }
    if (!outcome.good()) {
        std::printf(
            "-- exit code %lld\n",
            static_cast<long long>(outcome.answer.at("exit_code").to_number<std::int64_t>()));
    }
}

void print_summary(const std::vector<Outcome>& outcomes) {
    std::string failed;
    for (const auto& outcome : outcomes) {
        if (!outcome.good()) {
            failed += failed.empty() ? "" : ", ";
            failed += outcome.node;
            failed += outcome.error.empty()
                          ? fmt::format(" (exit code {})", number_of(outcome.answer, "exit_code"))
                          : " (not run)";
        }
    }
    if (!failed.empty()) {
        std::fflush(stdout);
        std::fprintf(stderr, "clusterctl: failed on %s\n", failed.c_str());
    }
}

json::object as_json(const std::vector<Outcome>& outcomes, bool good) {
    json::array results;
    for (const auto& outcome : outcomes) {
        json::object result{{"node", outcome.node}};
        if (!outcome.error.empty()) {
            result["error"] = outcome.error;
        }
        for (const auto& field : outcome.answer) {
            result[field.key()] = field.value();
        }
        results.push_back(std::move(result));
    }
    return {{"ok", good}, {"results", std::move(results)}};
}

int run_everywhere(const Context& context, const DoOptions& options) {
    const bool json = context.json || options.json;
    if (options.words.empty()) {
        throw Failure{kUsage, "name the COMMAND to run: clusterctl do uptime"};
    }
    const auto view = context.cluster.get("/v1/cluster");
    const auto here = text_of(view, "node");
    std::vector<std::future<Outcome>> running;
    for (const auto& node : targets(view, options)) {
        running.push_back(
            std::async(std::launch::async, run_on, context.cluster, here, node, options));
    }
    std::vector<Outcome> outcomes;
    bool good = true;
    for (auto& one : running) {
        outcomes.push_back(one.get());
        good = good && outcomes.back().good();
        if (!json) {
            print_outcome(outcomes.back());
        }
    }
    if (json) {
        print_json(as_json(outcomes, good));
    } else {
        print_summary(outcomes);
    }
    return good ? kOk : kRefused;
}

}  // namespace

void add_do_command(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<DoOptions>();
    auto* command = app.add_subcommand(
        "do", "run COMMAND on all members; [cluster] run_commands must allow it");
    command->add_option("--nodes", options->nodes, "only on these: n1,n2");
    command->add_option("--timeout", options->timeout_seconds, "seconds until it is killed (60)")
        ->check(CLI::Range(1, 3600));
    command->add_flag("--json", options->json, "for machines");
    // What follows the first word that is no option of ours is the command's.
    command->fallthrough(false)->prefix_command()->allow_extras();
    command->callback([&chosen, options, command] {
        options->words = command->remaining();
        if (!options->words.empty() && options->words.front() == "--") {
            options->words.erase(options->words.begin());
        }
        chosen = [options](const Context& context) { return run_everywhere(context, *options); };
    });
}

}  // namespace quorate::ctl
