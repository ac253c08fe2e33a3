#include <cstdio>

#include <fmt/core.h>

#include "base/base64.hpp"
#include "cluster/corosync_conf.hpp"
#include "cluster_create.hpp"
#include "machine_files.hpp"
#include "member_api.hpp"

namespace quorate::ctl {
namespace {

std::vector<std::string> with_ports(const std::vector<std::string>& members) {
    std::vector<std::string> all;
    for (const auto& member : members) {
        const bool bare = member.find(':') == std::string::npos || member.ends_with(']');
        all.push_back(bare ? fmt::format("{}:{}", member, kInterconnectPort) : member);
    }
    return all;
}

// What the cluster would refuse, said before anything is done.
void check_cluster(const json::object& view, const Machine& machine, const JoinOptions& options) {
    const auto name = text_of(view, "cluster");
    if (!flag_of(view, "quorate")) {
        throw Failure{kRefused,
                      fmt::format("cluster {} has no quorum, so nothing can be added: start "
                                  "more of its nodes first ({})",
                                  name, text_of(view, "reason"))};
    }
    for (const auto& item : array_of(view, "members")) {
        const auto& member = item.as_object();
        if (text_of(member, "name") == machine.node()) {
            throw Failure{
                kRefused,
                fmt::format("cluster {0} has a node {1} already ({2}). If it was this machine: "
                            "clusterctl cluster leave --node {1}, on a member; else choose another "
                            "name with --node",
                            name, machine.node(), text_of(member, "status"))};
        }
    }
    const auto& members = array_of(view, "members");
    const auto rings =
        members.empty() ? 0 : array_of(members.front().as_object(), "addresses").size();
    if (rings != 0 && rings != options.node.addresses.size()) {
        throw Failure{kUsage,
                      fmt::format("the nodes of cluster {} have {} addresses each: name as many "
                                  "with --address, ring 0 first",
                                  name, rings)};
    }
}

// Asks for this machine to be added, and fills in what the answer brings. It has no vote yet: one
// that is expected and does not come would cost the others their quorum.
void be_added(const MemberApi& member, const Machine& machine, const JoinOptions& options,
              Machine::Files& files) {
    json::array addresses;
    for (const auto& address : options.node.addresses) {
        addresses.emplace_back(address);
    }
    json::array interconnect;
    for (const auto& address : machine.interconnect()) {
        interconnect.emplace_back(address);
    }
    const auto answer = member.call("POST", "/v1/cluster/nodes",
                                    json::object{{"name", machine.node()},
                                                 {"addresses", std::move(addresses)},
                                                 {"interconnect", std::move(interconnect)},
                                                 {"votes", 0}});
    files.corosync_conf = text_of(answer, "corosync_conf");
    value_or_fail(cluster::CorosyncConf::parse(files.corosync_conf, "the member's corosync.conf"));
    const auto key = base64_decode(text_of(answer, "authkey"));
    if (!key) {
        throw Failure{kRefused,
                      "the member's Corosync key cannot be read; is it of another version?"};
    }
    files.authkey = *key;
}

// The steps after be_added(): when one fails, the others must not wait for a node that does not
// come.
void carry_out_or_withdraw(const Context& context, const Plan& plan, const MemberApi& member,
                           const Machine& machine, const Machine::Files& files) {
    try {
        plan.carry_out(context);
    } catch (const Failure& failure) {
        if (files.corosync_conf.empty()) {
            throw;
        }
        std::string outcome;
        try {
            member.call("DELETE", Api::path("/v1/cluster/nodes/", machine.node()));
            outcome = "the cluster was told that this machine does not come";
        } catch (const Failure& second) {
            outcome = fmt::format(
                "the cluster still expects this machine ({}): on a member: "
                "clusterctl cluster leave --node {}",
                second.what, machine.node());
        }
        throw Failure{failure.exit_code, failure.what + "\n  " + outcome};
    }
}

// From here on the cluster knows this machine, and its daemons may only be slow: what is there is
// left as it is, and the operator decides.
void await_or_say_how_to_go_on(const Context& context, const Machine& machine,
                               const JoinOptions& options) {
    try {
        machine.await_membership(context);
    } catch (const Failure& failure) {
        const auto vote =
            options.votes == 0
                ? ""
                : fmt::format("\n  when it is a member, on another: clusterctl node votes {} {}",
                              machine.node(), options.votes);
        throw Failure{
            failure.exit_code,
            fmt::format("{0}\n  it stays in corosync.conf of all nodes, without a vote{1}\n"
                        "  to withdraw: stop clusterd and corosync here, then on a member: "
                        "clusterctl cluster leave --node {2}",
                        failure.what, vote, machine.node())};
    }
}

void be_given_votes(const MemberApi& member, const Machine& machine, const JoinOptions& options) {
    if (options.votes == 0) {
        return;
    }
    try {
        member.call("PATCH", Api::path("/v1/cluster/nodes/", machine.node()),
                    json::object{{"votes", options.votes}});
    } catch (const Failure& failure) {
        throw Failure{
            failure.exit_code,
            fmt::format("{0} is a member, but has no vote: {1}\n  give it one: clusterctl "
                        "node votes {0} {2}",
                        machine.node(), failure.what, options.votes)};
    }
}

}  // namespace

int join_cluster(const Context& context, const JoinOptions& options) {
    const Machine machine(context, options.node);
    machine.check();
    const MemberApi member(with_ports(options.members), machine.key_file());
    const auto view = member.call("GET", "/v1/cluster");
    check_cluster(view, machine, options);
    Machine::Files files{text_of(view, "cluster"), "", ""};
    Plan plan(fmt::format("join cluster {} as node {}", files.cluster, machine.node()));
    plan.add("be added to corosync.conf of its nodes",
             [&] { be_added(member, machine, options, files); });
    machine.add_files(plan, files);
    machine.add_start(plan);
    carry_out_or_withdraw(context, plan, member, machine, files);
    await_or_say_how_to_go_on(context, machine, options);
    if (!options.node.no_start) {
        be_given_votes(member, machine, options);
    }
    if (context.json) {
        print_json(json::object{
            {"cluster", files.cluster}, {"node", machine.node()}, {"done", plan.as_json()}});
    } else {
        std::printf("%s is a %s of cluster %s\n", machine.node().c_str(),
                    options.node.no_start ? "configured node" : "member", files.cluster.c_str());
        if (options.node.no_start && options.votes != 0) {
            std::printf("when it is a member, give it its vote: clusterctl node votes %s %u\n",
                        machine.node().c_str(), options.votes);
        }
    }
    return kOk;
}

}  // namespace quorate::ctl
