// Conversations of lock managers (script_cluster.hpp). Each file begins with a cluster of its own.
//
//   cluster nodes=3 [weights=1,1,0]    view of epoch 1; clients 1 and 2 on each node
//   lock as=a node=1 [client=1] name=R [parent=b] mode=EX [flags=VALBLK,BLOCKING]
//   convert as=a mode=NL [flags=] [value=text]     unlock as=a [flags=] [value=]     cancel as=a
//   gone node=1 client=1                client ends     open node=1 client=3 [priority=5]
//   crash node=2     start node=2       view epoch=2 nodes=1,3 [lost=2] [at=1]
//   takeover lost=2  quorum-lost node=1  drain node=1 [off]
//   pass ms=50       hold from=1 to=2    let-go from=1 to=2     run [hops=1]
//   directory name=R                    show name=R
//
// After each, messages travel until none is under way; with "still" they wait.

#include <algorithm>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "script_cluster.hpp"
#include "support/datadriven.hpp"

namespace quorate::support {
namespace {

using namespace lockmgr;

std::uint32_t number(std::string_view text) {
    const auto value = parse_u64(text);
    EXPECT_TRUE(value) << "no number: " << text;
    return static_cast<std::uint32_t>(value.value_or(0));
}

std::uint32_t number(const ScriptCommand& command, std::string_view key,
                     std::string_view otherwise = "1") {
    return number(command.value_or(key, otherwise));
}

std::vector<std::uint32_t> numbers(const ScriptCommand& command, std::string_view key) {
    std::vector<std::uint32_t> all;
    const auto text = command.value_or(key, "");
    for (const auto word : split(text, ',')) {
        if (!word.empty()) {
            all.push_back(number(word));
        }
    }
    return all;
}

LockMode mode_named(std::string_view name) {
    for (std::size_t mode = 0; mode < kModes; ++mode) {
        if (name_of(mode_of(mode)) == name) {
            return mode_of(mode);
        }
    }
    ADD_FAILURE() << "no mode: " << name;
    return LockMode::NL;
}

std::uint32_t flags_named(const std::string& names) {
    constexpr std::pair<std::string_view, std::uint32_t> kFlags[] = {
        {"NOQUEUE", flag::NOQUEUE},
        {"VALBLK", flag::VALBLK},
        {"IVVALBLK", flag::IVVALBLK},
        {"BLOCKING", flag::BLOCKING},
        {"QUECVT", flag::QUECVT},
        {"CONVDEADLK", flag::CONVDEADLK},
        {"HEADQUE", flag::HEADQUE},
        {"NODLCKWT", flag::NODLCKWT},
        {"PERSISTENT", flag::PERSISTENT},
        {"SHORTBLK", flag::SHORTBLK},
        {"ALTPR", flag::ALTPR}};
    std::uint32_t flags = 0;
    for (const auto name : split(names, ',')) {
        const auto known =
            std::ranges::find(kFlags, name, &std::pair<std::string_view, std::uint32_t>::first);
        EXPECT_TRUE(name.empty() || known != std::end(kFlags)) << "no flag: " << name;
        flags |= known != std::end(kFlags) ? known->second : 0;
    }
    return flags;
}

ScriptCluster::Request request_of(const ScriptCommand& command) {
    ScriptCluster::Request request;
    request.name = command.value_or("name", "");
    request.parent = command.value_or("parent", "");
    request.mode = mode_named(command.value_or("mode", "NL"));
    request.flags = flags_named(command.value_or("flags", ""));
    request.value = command.value_or("value", "");
    return request;
}

void begin(ScriptCluster& cluster, const ScriptCommand& command) {
    cluster = ScriptCluster();
    const auto weights = numbers(command, "weights");
    std::vector<std::uint32_t> nodes;
    for (std::uint32_t node = 1; node <= number(command, "nodes"); ++node) {
        nodes.push_back(node);
        cluster.start(node, node <= weights.size() ? weights[node - 1] : 1);
    }
    cluster.commit(1, nodes, {}, {});
    for (const auto node : nodes) {
        cluster.open(node, 1, 0);
        cluster.open(node, 2, 0);
    }
    cluster.run(SIZE_MAX);
    cluster.taken();
}

// False: no such verb.
bool ask(ScriptCluster& cluster, const ScriptCommand& command) {
    const auto label = command.value_or("as", "");
    if (command.verb == "lock") {
        cluster.lock(label, number(command, "node"), number(command, "client"),
                     request_of(command));
    } else if (command.verb == "convert") {
        cluster.convert(label, request_of(command));
    } else if (command.verb == "unlock") {
        cluster.unlock(label, request_of(command));
    } else if (command.verb == "cancel") {
        cluster.cancel(label);
    } else if (command.verb == "open") {
        cluster.open(number(command, "node"), number(command, "client"),
                     number(command, "priority", "0"));
    } else if (command.verb == "gone") {
        cluster.close(number(command, "node"), number(command, "client"));
    } else {
        return false;
    }
    return true;
}

bool happen(ScriptCluster& cluster, const ScriptCommand& command) {
    const auto node = number(command, "node");
    if (command.verb == "cluster") {
        begin(cluster, command);
    } else if (command.verb == "crash") {
        cluster.crash(node);
    } else if (command.verb == "start") {
        cluster.start(node, number(command, "weight"));
    } else if (command.verb == "view") {
        const auto at = numbers(command, "at");
        cluster.commit(number(command, "epoch"), numbers(command, "nodes"),
                       numbers(command, "lost"), {at.begin(), at.end()});
    } else if (command.verb == "takeover") {
        cluster.allow_takeover(number(command, "lost"));
    } else if (command.verb == "quorum-lost") {
        cluster.lose_quorum(node);
    } else if (command.verb == "drain") {
        cluster.drain(node, !command.has("off"));
    } else if (command.verb == "pass") {
        cluster.pass(std::chrono::milliseconds(number(command, "ms")));
    } else if (command.verb == "hold") {
        cluster.hold(number(command, "from"), number(command, "to"));
    } else if (command.verb == "let-go") {
        cluster.let_go(number(command, "from"), number(command, "to"));
    } else {
        return command.verb == "run";
    }
    return true;
}

std::string answer(ScriptCluster& cluster, const ScriptCommand& command) {
    if (command.verb == "directory") {
        return cluster.directory(command.value_or("name", ""));
    }
    if (command.verb == "show") {
        return cluster.show(command.value_or("name", ""));
    }
    if (!ask(cluster, command) && !happen(cluster, command)) {
        return unknown_verb(command);
    }
    if (!command.has("still")) {
        cluster.run(command.has("hops") ? number(command, "hops") : SIZE_MAX);
    }
    return cluster.taken();
}

}  // namespace

ScriptHandler make_script_handler() {
    // Kept by the handler alone; std::function wants it copyable.
    const auto cluster = std::make_shared<ScriptCluster>();
    return [cluster](const ScriptCommand& command) { return answer(*cluster, command); };
}

}  // namespace quorate::support
