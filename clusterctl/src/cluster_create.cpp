#include "cluster_create.hpp"

#include <sched.h>
#include <sys/random.h>

#include <cstdio>

#include <fmt/core.h>

#include "cluster/corosync_conf.hpp"
#include "cluster/key.hpp"
#include "machine_files.hpp"

namespace quorate::ctl {
namespace {

constexpr std::size_t kAuthkeyBytes = 256;

// Corosync wants to be scheduled in real time; containers often may not, and it ends there.
bool real_time_allowed() {
    sched_param before{};
    const int policy = ::sched_getscheduler(0);
    ::sched_getparam(0, &before);
    sched_param wanted{};
    wanted.sched_priority = ::sched_get_priority_max(SCHED_RR);
    if (::sched_setscheduler(0, SCHED_RR, &wanted) != 0) {
        return false;
    }
    ::sched_setscheduler(0, policy, &before);
    return true;
}

std::string random_octets(std::size_t count) {
    std::string octets(count, '\0');
    std::size_t done = 0;
    while (done < count) {
        const auto got = ::getrandom(octets.data() + done, count - done, 0);
        if (got <= 0) {
            throw Failure{kRefused, "no random numbers from the system"};
        }
        done += static_cast<std::size_t>(got);
    }
    return octets;
}

std::string corosync_conf(const Machine& machine, const CreateOptions& options, bool real_time) {
    cluster::CorosyncConf::NewCluster wanted;
    wanted.name = options.name;
    wanted.nodes.push_back({machine.node(), 1, options.node.addresses, 1});
    wanted.token_ms = options.token_ms;
    wanted.real_time = real_time;
    auto conf = cluster::CorosyncConf::create(wanted);
    if (!conf) {
        throw Failure{kUsage, conf.error().detail};
    }
    if (machine.corosync_conf() != kCorosyncConf) {
        conf->set("totem", "keyfile", machine.authkey_file());
    }
    const auto text = conf->text();
    if (const auto again = cluster::CorosyncConf::parse(text, machine.corosync_conf()); !again) {
        throw Failure{kUsage, again.error().detail};
    }
    return text;
}

// The key that is there, whose other nodes would be refused with a new one; else a new one.
std::string authkey(const Machine& machine) {
    const auto there = value_or_fail(read_file(machine.authkey_file()));
    return there ? *there : random_octets(kAuthkeyBytes);
}

void add_key(Plan& plan, const Machine& machine) {
    if (value_or_fail(read_file(machine.key_file()))) {
        value_or_fail(cluster::ClusterKey::load(machine.key_file()));
        return;
    }
    plan.add("make the cluster key " + machine.key_file(), [&machine] {
        const auto key = value_or_fail(cluster::ClusterKey::generate());
        value_or_fail(replace_file(machine.key_file(), key.text(), 0400));
    });
}

}  // namespace

int create_cluster(const Context& context, const CreateOptions& options) {
    check_name("--name", options.name);
    const Machine machine(context, options.node);
    machine.check();
    const bool real_time = !options.no_real_time && real_time_allowed();
    const Machine::Files files{options.name, corosync_conf(machine, options, real_time),
                               authkey(machine)};
    Plan plan(fmt::format("create cluster {} with the one node {}{}", options.name, machine.node(),
                          real_time ? "" : "; Corosync may not run in real time here"));
    add_key(plan, machine);
    machine.add_files(plan, files);
    machine.add_start(plan);
    plan.carry_out(context);
    machine.await_membership(context);
    const auto key = value_or_fail(cluster::ClusterKey::load(machine.key_file()));
    if (context.json) {
        print_json(json::object{{"cluster", options.name},
                                {"node", machine.node()},
                                {"key", key.fingerprint()},
                                {"done", plan.as_json()}});
        return kOk;
    }
    std::printf(
        "cluster %s %s. To add a machine: copy %s to it, then on it\n"
        "  clusterctl cluster join --node NAME --address A --member %s\n",
        options.name.c_str(), options.node.no_start ? "is written" : "runs",
        machine.key_file().c_str(), machine.interconnect().front().c_str());
    return kOk;
}

}  // namespace quorate::ctl
