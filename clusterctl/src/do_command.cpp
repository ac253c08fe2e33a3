#include <algorithm>
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

// A command on all nodes, as SYSMAN's SET ENVIRONMENT/CLUSTER and DO. Source: OpenVMS System
// Management Utilities Reference Manual, SYSMAN.
namespace quorate::ctl {
namespace {

// What the way to the other node and back may take beside the command.
constexpr std::chrono::seconds kOverhead{10};

constexpr const char* kVerb = "do";

struct DoOptions {
    std::string nodes;
    std::uint64_t timeout_seconds = 60;
    std::vector<std::string> words;
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

struct Target {
    std::string node;
    std::string status;  // of one that is no member, which is told of and not asked
};

// Every node of the cluster: who is away must not be passed over in silence.
std::vector<Target> everybody(const json::object& view) {
    std::vector<Target> targets;
    bool members = false;
    for (const auto& item : array_of(view, "members")) {
        const auto& row = item.as_object();
        const auto status = text_of(row, "status");
        members = members || status == "member";
        targets.push_back({text_of(row, "name"), status == "member" ? "" : status});
    }
    if (!members) {
        throw Failure{kRefused, "this node sees no members: " + text_of(view, "reason") +
                                    "; name the nodes: --nodes n1,n2"};
    }
    return targets;
}

// The nodes that were named, members or not; else everybody.
std::vector<Target> targets(const json::object& view, const DoOptions& options) {
    if (options.nodes.empty()) {
        return everybody(view);
    }
    std::vector<Target> named;
    for (const auto name : split(options.nodes, ',')) {
        if (const auto trimmed = trim(name); !trimmed.empty()) {
            named.push_back({std::string(trimmed), ""});
        }
    }
    return named;
}

std::future<Outcome> start_on(const Context& context, const std::string& here, const Target& target,
                              const DoOptions& options) {
    if (!target.status.empty()) {
        std::promise<Outcome> known;
        known.set_value({target.node, {}, fmt::format("not a member now ({})", target.status)});
        return known.get_future();
    }
    return std::async(std::launch::async, run_on, context.cluster, here, target.node, options);
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
    if (options.words.empty()) {
        throw Failure{kUsage, "name the COMMAND to run: clusterctl do uptime"};
    }
    const auto view = context.cluster.get("/v1/cluster");
    const auto here = text_of(view, "node");
    std::vector<std::future<Outcome>> running;
    for (const auto& target : targets(view, options)) {
        running.push_back(start_on(context, here, target, options));
    }
    std::vector<Outcome> outcomes;
    bool good = true;
    for (auto& one : running) {
        outcomes.push_back(one.get());
        good = good && outcomes.back().good();
        if (!context.json) {
            print_outcome(outcomes.back());
        }
    }
    if (context.json) {
        print_json(as_json(outcomes, good));
    } else {
        print_summary(outcomes);
    }
    return good ? kOk : kRefused;
}

// How many arguments one that begins with '-' is: 2 with its value behind it, 1 alone.
std::size_t length_of_option(const CLI::App& app, const CLI::App& command,
                             const std::string& argument) {
    if (argument.find('=') != std::string::npos) {
        return 1;
    }
    for (const auto* known : {&command, &app}) {
        if (const auto* option = known->get_option_no_throw(argument)) {
            return option->get_items_expected_max() > 0 ? 2 : 1;
        }
    }
    return 1;
}

// Where the first argument after `from` stands that is neither an option nor its value.
std::size_t first_word(const CLI::App& app, const CLI::App& command, std::size_t from,
                       const std::vector<std::string>& arguments) {
    auto at = from;
    while (at < arguments.size() && arguments[at].starts_with('-') && arguments[at] != "--") {
        at += length_of_option(app, command, arguments[at]);
    }
    return std::min(at, arguments.size());
}

}  // namespace

std::vector<std::string> cut_do_words(const CLI::App& app, std::vector<std::string>& arguments) {
    const auto verb = first_word(app, app, 0, arguments);
    if (verb == arguments.size() || arguments[verb] != kVerb) {
        return {};
    }
    const auto* command = app.get_subcommand(kVerb);
    const auto end = first_word(app, *command, verb + 1, arguments);
    const auto after_dashes = end < arguments.size() && arguments[end] == "--" ? end + 1 : end;
    const auto at = [&](std::size_t index) {
        return arguments.begin() + static_cast<std::ptrdiff_t>(index);
    };
    std::vector<std::string> words(at(after_dashes), arguments.end());
    arguments.erase(at(end), arguments.end());
    return words;
}

void add_do_command(CLI::App& app, Command& chosen, const std::vector<std::string>& words) {
    const auto options = std::make_shared<DoOptions>();
    auto* command =
        app.add_subcommand(kVerb, "run COMMAND on all nodes; [cluster] run_commands must allow it");
    command->add_option("--nodes", options->nodes, "only on these: n1,n2");
    command->add_option("--timeout", options->timeout_seconds, "seconds until it is killed (60)")
        ->check(CLI::Range(1, 3600));
    command->footer(
        "COMMAND... is everything from the first word that is no option of these, or "
        "after --.");
    command->callback([&chosen, &words, options] {
        options->words = words;
        chosen = [options](const Context& context) { return run_everywhere(context, *options); };
    });
}

}  // namespace quorate::ctl
