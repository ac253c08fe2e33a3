#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "api.hpp"
#include "base/text.hpp"
#include "program.hpp"

// fence_quorumd: a fence agent of Pacemaker's. Options as key=value lines on standard input, or as
// -o ACTION -n NODE. Source: the FenceAgentAPI of the fence-agents project.
namespace quorate::ctl {
namespace {

constexpr int kOff = 2;  // of the action status

constexpr const char* kMetadata = R"xml(<?xml version="1.0" ?>
<resource-agent name="fence_quorumd" shortdesc="Fence agent for nodes that vote with a quorum disk">
<longdesc>fence_quorumd asks, over the quorum disk, for the end of a node's present life. It succeeds when the
machine is known to have been reset: it has started anew, or it obeyed and its watchdog has run out since, or
its page on the disk, which said that a watchdog binds it, has been silent for the time that the disk says. Else it
fails with the reason. Without watchdogs (soft mode) a node that does not obey is not fenced.
stonith-timeout must exceed the silence by 30 s at least.</longdesc>
<vendor-url>https://clusterlabs.org</vendor-url>
<parameters>
<parameter name="action" unique="0" required="1"><getopt mixed="-o, --action=[action]" />
<content type="string" default="reboot" /><shortdesc lang="en">What to do</shortdesc></parameter>
<parameter name="port" unique="0" required="0" deprecated="1"><getopt mixed="-n, --plug=[node]" />
<content type="string" /><shortdesc lang="en">Name or id of the node, as in corosync.conf</shortdesc></parameter>
<parameter name="plug" unique="0" required="0" obsoletes="port"><getopt mixed="-n, --plug=[node]" />
<content type="string" /><shortdesc lang="en">Name or id of the node, as in corosync.conf</shortdesc></parameter>
<parameter name="root" unique="0" required="0"><getopt mixed="--root=[folder]" />
<content type="string" default="/" /><shortdesc lang="en">Root directory of quorumd</shortdesc></parameter>
</parameters>
<actions>
<action name="off" /><action name="reboot" /><action name="status" /><action name="list" /><action name="monitor" />
<action name="metadata" /><action name="validate-all" />
</actions>
</resource-agent>
)xml";

constexpr const char* kHelp =
    "usage: fence_quorumd [-o ACTION] [-n NODE] [--root=DIR], or key=value lines on stdin\n"
    "  -o ACTION, --action=ACTION   reboot (default), off, status, list, monitor, metadata,\n"
    "                               validate-all\n"
    "  -n NODE, --plug=NODE         name or id of the node, as in corosync.conf\n"
    "  --root=DIR                   root directory of quorumd (/)\n";

using Options = std::map<std::string, std::string>;

void take_line(Options& options, std::string_view line) {
    const auto text = trim(line);
    const auto equals = text.find('=');
    if (!text.empty() && text.front() != '#' && equals != std::string_view::npos) {
        options[std::string(trim(text.substr(0, equals)))] = trim(text.substr(equals + 1));
    }
}

Options read_input() {
    Options options;
    char line[4096];
    while (std::fgets(line, sizeof(line), stdin) != nullptr) {
        take_line(options, line);
    }
    return options;
}

Options read_arguments(const std::vector<std::string>& arguments) {
    static const std::map<std::string, std::string> kShort{
        {"-o", "action"}, {"-n", "plug"}, {"-H", "plug"}};
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& word = arguments[i];
        const auto known = kShort.find(word);
        if (known != kShort.end() && i + 1 < arguments.size()) {
            options[known->second] = arguments[++i];
        } else if (word.starts_with("--") && word.find('=') != std::string::npos) {
            take_line(options, std::string_view(word).substr(2));
        } else {
            throw Failure{kUsage, word + ": wrong usage"};
        }
    }
    return options;
}

std::string option(const Options& options, const std::string& key, std::string fallback = {}) {
    const auto it = options.find(key);
    return it == options.end() || it->second.empty() ? std::move(fallback) : it->second;
}

std::string node_of(const Options& options) {
    auto node = option(options, "plug", option(options, "port", option(options, "nodename")));
    if (node.empty()) {
        throw Failure{kUsage, "plug: the node's name or id is missing"};
    }
    return node;
}

// A page that moves, or a place in Corosync's ring, is of a node that runs. One that is still is of
// any: off is only what a fence has shown to be.
int status(const json::object& answer, const std::string& name) {
    for (const auto& item : array_of(answer, "nodes")) {
        const auto& node = item.as_object();
        if (text_of(node, "name") != name && std::to_string(number_of(node, "id")) != name) {
            continue;
        }
        if (flag_of(node, "fenced")) {
            std::printf("Status: OFF\n");
            return kOff;
        }
        const bool writes = flag_of(node, "known") && !flag_of(node, "silent");
        const bool on = flag_of(node, "member") || (writes && !flag_of(node, "stopped") &&
                                                    text_of(node, "state") != "EVICTED");
        if (on) {
            std::printf("Status: ON\n");
            return kOk;
        }
        throw Failure{kRefused, name +
                                    ": not known: nothing shows that it runs, and no fence of "
                                    "it has succeeded here"};
    }
    throw Failure{kRefused, name + ": no such node"};
}

int list(const json::object& answer) {
    for (const auto& item : array_of(answer, "configured")) {
        std::printf("%s,\n", text_of(item.as_object(), "name").c_str());
    }
    return kOk;
}

int monitor(const json::object& answer) {
    if (!flag_of(answer, "voting")) {
        throw Failure{kRefused, text_of(answer, "waiting")};
    }
    if (!flag_of(answer, "watcher")) {
        throw Failure{kRefused, "this node cannot reach the quorum disk"};
    }
    return kOk;
}

int fence(const Api& quorum, const std::string& node) {
    const auto answer = quorum.call("POST", "/v1/fences",
                                    json::object{{"node", node}, {"reason", "fence_quorumd"}});
    std::printf("Success: %s: %s\n", node.c_str(), text_of(answer, "text").c_str());
    return kOk;
}

int run(std::vector<std::string> arguments, bool&) {
    if (arguments == std::vector<std::string>{"--help"} ||
        arguments == std::vector<std::string>{"-h"}) {
        std::printf("%s", kHelp);
        return kOk;
    }
    const auto options = arguments.empty() ? read_input() : read_arguments(arguments);
    const auto action = option(options, "action", option(options, "option", "reboot"));
    if (action == "metadata") {
        std::printf("%s", kMetadata);
        return kOk;
    }
    auto root = option(options, "root", default_root());
    while (root.ends_with('/')) {
        root.pop_back();
    }
    const Api quorum("quorumd", root, "");
    if (action == "off" || action == "reboot") {
        return fence(quorum, node_of(options));
    }
    if (action == "status") {
        return status(quorum.get("/v1/quorum"), node_of(options));
    }
    if (action == "list" || action == "list-status") {
        return list(quorum.get("/v1/quorum"));
    }
    if (action == "monitor") {
        return monitor(quorum.get("/v1/quorum"));
    }
    if (action == "validate-all") {
        return kOk;
    }
    throw Failure{kUsage, action + ": no such action"};
}

}  // namespace
}  // namespace quorate::ctl

int main(int argc, char** argv) {
    return quorate::ctl::run_program("fence_quorumd", {argv + 1, argv + argc}, quorate::ctl::run);
}
