#include <chrono>
#include <cstdio>

#include <fmt/core.h>

#include "cluster_create.hpp"
#include "member_api.hpp"
#include "screen.hpp"

namespace quorate::ctl {
namespace {

constexpr std::chrono::milliseconds kEndPause{200};

std::vector<std::string> addresses_of(const json::object& member) {
    std::vector<std::string> all;
    for (const auto& address : array_of(member, "addresses")) {
        all.emplace_back(address.as_string().c_str());
    }
    return all;
}

// The rings of some other member; empty when there is none.
std::vector<std::string> another_member(const json::object& view) {
    for (const auto& item : array_of(view, "members")) {
        const auto& member = item.as_object();
        if (text_of(member, "status") == "member" &&
            text_of(member, "name") != text_of(view, "node")) {
            return addresses_of(member);
        }
    }
    return {};
}

int remove_other(const Context& context, const std::string& node) {
    Plan plan(fmt::format("remove {} from the cluster for good", node));
    plan.add("take it out of corosync.conf of the other nodes",
             [&] { context.cluster.call("DELETE", Api::path("/v1/cluster/nodes/", node)); });
    plan.carry_out(context);
    if (context.json) {
        print_json(json::object{{"node", node}, {"done", plan.as_json()}});
    } else {
        std::printf("%s is no node of the cluster any more\n", node.c_str());
    }
    return kOk;
}

void await_end(const Context& context, const LeaveOptions& options) {
    const auto runs = [&] {
        try {
            context.cluster.get("/v1/status");
            return true;
        } catch (const Failure& failure) {
            return failure.exit_code != kUnreachable;
        }
    };
    if (!context.json) {
        std::printf("there is no systemd here; stop clusterd, then corosync\n");
        std::fflush(stdout);
    }
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(options.machine.wait_seconds);
    while (runs() || ClusterServices::runs("corosync")) {
        if (std::chrono::steady_clock::now() > end) {
            throw Failure{kRefused, "they still run; stop them and repeat the command"};
        }
        Screen::wait(kEndPause);
    }
}

}  // namespace

int leave_cluster(const Context& context, const LeaveOptions& options) {
    if (!options.node.empty()) {
        return remove_other(context, options.node);
    }
    const auto view = context.cluster.get("/v1/cluster");
    const auto node = text_of(view, "node");
    const Machine machine(context, options.machine);
    const auto other = another_member(view);
    if (other.empty() && array_of(view, "members").size() > 1) {
        throw Failure{kRefused,
                      "no other member is there to be told; start one, or from a cluster of which "
                      "only this node remains: clusterctl cluster leave --node OTHER first"};
    }
    Plan plan(fmt::format("leave cluster {} with node {}; mail on it stays",
                          text_of(view, "cluster"), node));
    plan.add("drain " + node, [&] { context.cluster.call("POST", "/v1/drain", json::object()); });
    if (!other.empty()) {
        plan.add("be taken out of corosync.conf of the other nodes", [&] {
            MemberApi(other, machine.key_file())
                .call("DELETE", Api::path("/v1/cluster/nodes/", node));
        });
    }
    if (ClusterServices::systemd_runs()) {
        plan.add("stop quorate-clusterd, then corosync, also at every boot",
                 [&] { machine.services().stop(); });
    } else {
        plan.add("wait until clusterd and corosync are stopped",
                 [&] { await_end(context, options); });
    }
    machine.add_retirement(plan);
    plan.carry_out(context);
    if (context.json) {
        print_json(json::object{
            {"cluster", text_of(view, "cluster")}, {"node", node}, {"done", plan.as_json()}});
    } else {
        std::printf("%s has left cluster %s; clusterd started now makes it a cluster of its own\n",
                    node.c_str(), text_of(view, "cluster").c_str());
    }
    return kOk;
}

}  // namespace quorate::ctl
