#include "script_cluster.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "directory.hpp"
#include "message_text.hpp"
#include "store.hpp"
#include "table.hpp"

namespace quorate::support {

using namespace lockmgr;

namespace {

ValueBlock block_of(std::string_view text) {
    ValueBlock value{};
    text.copy(value.data(), value.size());
    return value;
}

std::string text_of(const ValueBlock& value) {
    const std::string_view all(value.data(), value.size());
    return std::string(all.substr(0, all.find('\0')));
}

}  // namespace

// ---- machines

void ScriptCluster::start(std::uint32_t node, std::uint32_t weight) {
    auto& machine = machines_[node];
    machine.life = {NodeId(node), cluster::Incarnation(++lives_)};
    machine.weight = weight;
    machine.epoch = 0;
    LockManagerOptions options;
    options.self = machine.life;
    options.domains = {{"d", 0, 0, 0700}};
    machine.manager = std::make_unique<LockManager>(options);
}

void ScriptCluster::crash(std::uint32_t node) {
    machines_[node].manager.reset();
    for (auto& [lane, packets] : lanes_) {
        if (lane.first == node || lane.second == node) {
            packets.clear();
        }
    }
}

void ScriptCluster::commit(std::uint64_t epoch, const std::vector<std::uint32_t>& nodes,
                           const std::vector<std::uint32_t>& lost,
                           const std::set<std::uint32_t>& at) {
    cluster::View view;
    view.epoch = cluster::Epoch(epoch);
    view.quorate = true;
    for (const auto node : nodes) {
        cluster::Member member;
        member.id = machines_[node].life;
        member.directory_weight = machines_[node].weight;
        view.members.push_back(member);
    }
    view.coordinator = view.members.front().id.node;
    for (const auto node : lost) {
        view.lost.push_back(machines_[node].life);
    }
    for (const auto node : nodes) {
        if (at.empty() || at.contains(node)) {
            machines_[node].epoch = epoch;
            give(node, cluster::ViewCommitted{view});
        }
    }
}

void ScriptCluster::allow_takeover(std::uint32_t lost) {
    for (const auto& [node, machine] : machines_) {
        if (machine.manager && node != lost) {
            give(node,
                 cluster::TakeoverAllowed{cluster::Epoch(machine.epoch), machines_[lost].life});
        }
    }
}

void ScriptCluster::lose_quorum(std::uint32_t node) {
    give(node, cluster::QuorumLost{cluster::Epoch(machines_[node].epoch)});
}

void ScriptCluster::drain(std::uint32_t node, bool on) { give(node, Drain{on}); }

void ScriptCluster::open(std::uint32_t node, std::uint32_t client, std::uint32_t priority) {
    give(node, ClientOpened{ClientId(client), 100 * node + client, 0, {}, priority});
}

void ScriptCluster::close(std::uint32_t node, std::uint32_t client) {
    give(node, ClientGone{ClientId(client)});
}

void ScriptCluster::give(std::uint32_t node, const LockInput& input) {
    auto& machine = machines_[node];
    if (!machine.manager) {
        return;
    }
    std::vector<LockOutput> outputs;
    machine.manager->step(now_, input, outputs);
    for (const auto& output : outputs) {
        std::visit([&](const auto& one) { on(node, one); }, output);
    }
}

void ScriptCluster::pass(std::chrono::milliseconds time) {
    const auto end = now_ + time;
    while (now_ < end) {
        auto next = end;
        for (const auto& [node, machine] : machines_) {
            const auto due = machine.manager ? machine.manager->deadline() : std::nullopt;
            next = std::min(next, std::max(due.value_or(end), now_ + std::chrono::milliseconds(1)));
        }
        now_ = next;
        for (const auto& [node, machine] : machines_) {
            if (machine.manager && machine.manager->deadline().value_or(end + time) <= now_) {
                give(node, Tick{});
            }
        }
        run(SIZE_MAX);
    }
}

// ---- messages

void ScriptCluster::arrive(const Lane& lane, std::size_t hop) {
    auto& packets = lanes_[lane];
    const auto packet = std::move(packets.front());
    packets.pop_front();
    const auto& machine = machines_[lane.second];
    if (!machine.manager || packet.epoch < machine.epoch) {
        return;
    }
    if (const auto text = simulator::text_of_packet(packet.bytes); !text.empty()) {
        text_ += fmt::format("{} n{}->n{} {}\n", hop, lane.first, lane.second, text);
    }
    give(lane.second, Received{NodeId(lane.first), packet.bytes});
}

void ScriptCluster::run(std::size_t hops) {
    for (std::size_t hop = 1; hop <= hops; ++hop) {
        std::vector<std::pair<Lane, std::size_t>> due;
        for (const auto& [lane, packets] : lanes_) {
            // What was sent in an epoch to come waits for it.
            const auto epoch = machines_[lane.second].epoch;
            const auto count = std::ranges::count_if(
                packets, [&](const Packet& packet) { return packet.epoch <= epoch; });
            if (count != 0 && !held_.contains(lane)) {
                due.emplace_back(lane, static_cast<std::size_t>(count));
            }
        }
        if (due.empty()) {
            return;
        }
        for (const auto& [lane, count] : due) {
            for (std::size_t i = 0; i < count && !lanes_[lane].empty(); ++i) {
                arrive(lane, hop);
            }
        }
    }
}

void ScriptCluster::on(std::uint32_t node, const Send& output) {
    lanes_[{node, output.to.value()}].push_back({machines_[node].epoch, output.bytes});
}

// ---- clients

RequestId ScriptCluster::fresh(const std::string& label) {
    asked_[++requests_] = label;
    return RequestId(requests_);
}

void ScriptCluster::lock(const std::string& label, std::uint32_t node, std::uint32_t client,
                         const Request& request) {
    Enqueue input;
    input.client = ClientId(client);
    input.request = fresh(label);
    input.domain = request.parent.empty() ? "d" : "";
    input.parent = request.parent.empty() ? LockId(0) : handles_[request.parent].lock;
    input.name = request.name;
    input.mode = request.mode;
    input.flags = request.flags;
    handles_[label] = {node, client, LockId(0)};
    give(node, input);
}

void ScriptCluster::convert(const std::string& label, const Request& request) {
    const auto handle = handles_[label];
    give(handle.node, Convert{ClientId(handle.client), fresh(label), handle.lock, request.mode,
                              request.flags, block_of(request.value), std::nullopt});
}

void ScriptCluster::unlock(const std::string& label, const Request& request) {
    const auto handle = handles_[label];
    give(handle.node, Dequeue{ClientId(handle.client), fresh(label), handle.lock, request.flags,
                              block_of(request.value)});
}

void ScriptCluster::cancel(const std::string& label) {
    const auto handle = handles_[label];
    give(handle.node, Cancel{ClientId(handle.client), fresh(label), handle.lock});
}

std::string ScriptCluster::label_of(std::uint32_t node, LockId lock) const {
    for (const auto& [label, handle] : handles_) {
        if (handle.node == node && handle.lock == lock) {
            return label;
        }
    }
    return fmt::format("n{}:{:x}", node, lock.value());
}

void ScriptCluster::tell(std::uint32_t node, std::string_view what) {
    text_ += fmt::format("  n{} {}\n", node, what);
}

void ScriptCluster::on(std::uint32_t node, const Completion& output) {
    const auto label = asked_[output.request.value()];
    auto& handle = handles_[label];
    handle.lock = output.lock != LockId(0) ? output.lock : handle.lock;
    std::string text = fmt::format("{} {}", label, name_of(output.status));
    if (output.status == LockStatus::kGranted) {
        text += fmt::format(" {} token {}", name_of(output.mode), simulator::text_of(output.token));
    }
    if (output.demoted) {
        text += output.status == LockStatus::kGranted
                    ? ", demoted meanwhile"
                    : fmt::format(", demoted to {}", name_of(output.mode));
    }
    if (output.has_value) {
        text += fmt::format(" value \"{}\"{}", text_of(output.value),
                            output.value_valid ? "" : " not valid");
    }
    tell(node, text);
    for (const auto& entry : output.cycle) {
        const auto* at = &entry == &output.cycle.back() ? &output.cycle.front() : &entry + 1;
        text_ += fmt::format("    {} waits for {} {}, held up by {}\n",
                             label_of(entry.node.value(), entry.lock), entry.resource,
                             name_of(entry.requested), label_of(at->node.value(), entry.blocker));
    }
}

void ScriptCluster::on(std::uint32_t node, const Waiting& output) {
    const auto& label = asked_[output.request.value()];
    handles_[label].lock = output.lock;
    tell(node, fmt::format("{} waits: {}", label, name_of(output.cause)));
}

void ScriptCluster::on(std::uint32_t node, const BlockingEvent& output) {
    tell(node, fmt::format("{} blocks {} of n{}", label_of(node, output.lock), name_of(output.mode),
                           output.node.value()));
}

void ScriptCluster::on(std::uint32_t node, const Suspended& output) {
    tell(node, fmt::format("client {} suspended", output.client.value()));
}

void ScriptCluster::on(std::uint32_t node, const Resumed& output) {
    tell(node, fmt::format("client {} resumed", output.client.value()));
}

void ScriptCluster::on(std::uint32_t node, const Revoked& output) {
    tell(node, fmt::format("client {} revoked", output.client.value()));
}

void ScriptCluster::on(std::uint32_t node, const Drained&) { tell(node, "drained"); }

void ScriptCluster::on(std::uint32_t node, const Note& output) {
    tell(node, output.event + " " + output.text);
}

// ---- questions

std::string ScriptCluster::directory(std::string_view name) const {
    std::vector<cluster::Member> members;
    for (const auto& [node, machine] : machines_) {
        if (machine.manager) {
            members.emplace_back();
            members.back().id = machine.life;
            members.back().directory_weight = machine.weight;
        }
    }
    return fmt::format("n{}\n", directory_of(members, hash_of(root_key("d", name))).value());
}

std::string ScriptCluster::show(std::string_view name) const {
    std::string all;
    for (const auto& [node, machine] : machines_) {
        if (!machine.manager) {
            continue;
        }
        machine.manager->each_resource([&, node = node](const ResourceInfo& info) {
            if (info.path.front() != name) {
                return;
            }
            all += fmt::format(
                "n{} {}", node,
                info.here ? "masters it:" : fmt::format("has it at n{}:", info.master.value()));
            for (const auto& lock : info.locks) {
                constexpr std::string_view kQueues[] = {"", "converting to ", "waiting for "};
                const auto waits = lock.queue != LockInfo::Queue::kGranted;
                all += fmt::format(" {} {}{};", label_of(lock.node.value(), lock.lock),
                                   kQueues[static_cast<std::size_t>(lock.queue)],
                                   name_of(waits ? lock.requested : lock.granted));
            }
            if (info.here) {
                all += fmt::format(" value \"{}\"{}", text_of(info.value),
                                   info.value_valid ? "" : " not valid");
            }
            all += '\n';
        });
    }
    return all.empty() ? "nobody has it\n" : all;
}

}  // namespace quorate::support
