#include "cluster_stack.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace quorate::shadowing::simulator {
namespace {

constexpr cluster::Channel kLocks{2};

cluster::simulator::Scenario scenario_of(Random& random, std::size_t nodes) {
    cluster::simulator::Scenario scenario;
    scenario.nodes = nodes;
    scenario.votes.assign(nodes, 1);
    const auto all_but_one = static_cast<std::uint32_t>(nodes - 1);
    scenario.disk_votes = nodes == 2 || random.one_in(3) ? all_but_one : 0;
    scenario.restless_disk = random.one_in(4);
    return scenario;
}

}  // namespace

ClusterStack::ClusterStack(sim::EventQueue& events, std::uint64_t seed, std::size_t nodes,
                           Shadowd shadowd)
    : events_(events), random_(seed), shadowd_(std::move(shadowd)), nodes_(nodes) {
    for (auto& node : nodes_) {
        node.fencers = {"shadow", "heir.shadow"};  // of earlier shadowds
    }
    const auto scenario = scenario_of(random_, nodes);
    machines_ = std::make_unique<cluster::simulator::World>(
        events_, *this, random_.next(), scenario, cluster::simulator::Mischief());
}

ClusterStack::~ClusterStack() = default;

// ---- what is seen of it

BootTime ClusterStack::now(std::size_t n) const {
    return machines_->host(n).clock.exact(events_.now());
}

sim::Time ClusterStack::when(std::size_t n, BootTime time) const {
    return machines_->host(n).clock.when(time);
}

std::optional<MemberId> ClusterStack::life(std::size_t n) const {
    const auto& host = machines_->host(n);
    return host.runs() ? std::optional(host.id) : std::nullopt;
}

bool ClusterStack::settled(std::size_t n) const {
    const auto& host = machines_->host(n);
    if (!host.runs()) {
        return false;
    }
    const auto status = host.machine->status(now(n));
    return status.view && status.quorate && status.takeovers.empty() &&
           status.lease.state == cluster::LeaseState::kRunning;
}

bool ClusterStack::has_member(std::size_t n, MemberId life) const {
    const auto& host = machines_->host(n);
    const auto* view = host.machine ? host.machine->view() : nullptr;
    return view != nullptr && view->find(life) != nullptr;
}

// ---- the lock manager's clients

void ClusterStack::later(std::size_t n, sim::Time at, std::function<void()> action) {
    events_.at(at, [this, n, process = nodes_[n].process, action = std::move(action)] {
        if (nodes_[n].process == process) {
            action();
        }
    });
}

void ClusterStack::ask(std::size_t n, Question question) {
    auto& node = nodes_[n];
    if (!node.locks) {
        return;  // nobody listens
    }
    node.questions.push_back(std::move(question));
    node.questions_ready = std::max(node.questions_ready, events_.now() + hop());
    later(n, node.questions_ready,
          [this, n, process = node.process] { read_questions(n, process); });
}

void ClusterStack::read_questions(std::size_t n, std::uint64_t process) {
    auto& node = nodes_[n];
    if (!machines_->host(n).runs()) {
        later(n, events_.now() + sim::milliseconds(5),
              [this, n, process] { read_questions(n, process); });
        return;
    }
    if (!node.questions.empty() && node.locks) {
        const auto question = std::move(node.questions.front());
        node.questions.pop_front();
        feed(n, question());
        flush(n);
    }
}

void ClusterStack::enlist(std::size_t n, const std::string& fencer) {
    for (const auto& [name, lost] : std::set(nodes_[n].asked)) {
        if (name == fencer) {
            shadowd_.fence(n, name, lost);
        }
    }
}

void ClusterStack::confirm(std::size_t n, const std::string& fencer, MemberId lost) {
    if (nodes_[n].asked.erase({fencer, lost}) != 0) {
        machines_->confirm(n, fencer, lost);
    }
}

// ---- what the machines tell

void ClusterStack::power(std::size_t n, bool on) {
    if (!on) {
        nodes_[n].page = cluster::LeasePage();
    }
    shadowd_.power(n, on);
}

void ClusterStack::started(std::size_t n) {
    auto& node = nodes_[n];
    node.process = next_process_++;
    lockmgr::LockManagerOptions options;
    options.self = machines_->host(n).id;
    options.idle = sim::milliseconds(300);
    options.residence = sim::milliseconds(100);
    node.locks = std::make_unique<lockmgr::LockManager>(std::move(options));
    feed(n, lockmgr::LeaseKnown{MonoTime()});
}

std::vector<std::string> ClusterStack::fencers(std::size_t n) {
    return {nodes_[n].fencers.begin(), nodes_[n].fencers.end()};
}

void ClusterStack::ended(std::size_t n) {
    auto& node = nodes_[n];
    Node fresh;
    fresh.process = next_process_++;
    fresh.page = node.page;
    fresh.fencers = std::move(node.fencers);
    node = std::move(fresh);
    shadowd_.clusterd_ended(n);
}

void ClusterStack::event(std::size_t n, const cluster::Event& event) {
    auto& node = nodes_[n];
    if (const auto* allowed = std::get_if<cluster::TakeoverAllowed>(&event)) {
        if (taken_over_.insert(allowed->lost).second) {
            shadowd_.taken_over(allowed->lost);
        }
    }
    const auto* committed = std::get_if<cluster::ViewCommitted>(&event);
    if (committed != nullptr) {
        node.outboxes.clear();
        node.asked.clear();  // it is asked again
        node.view = committed->view;
    }
    std::visit([&](const auto& one) { feed(n, one); }, event);
    flush(n);
}

void ClusterStack::message(std::size_t n, const cluster::Deliver& message) {
    feed(n, lockmgr::Received{message.from.node, message.payload});
    flush(n);
}

void ClusterStack::pressed(std::size_t n, const cluster::BackPressure& pressure) {
    nodes_[n].outboxes[pressure.to.node].blocked = pressure.on;
    if (!pressure.on) {
        flush(n);
    }
}

void ClusterStack::lease(std::size_t n, const cluster::LeasePage& page) {
    nodes_[n].page = page;
    if (page.state == cluster::LeaseState::kRunning) {
        const auto until = page.deadline == cluster::kLeaseForEver
                               ? MonoTime::max()
                               : std::chrono::floor<std::chrono::milliseconds>(page.deadline);
        feed(n, lockmgr::LeaseKnown{until});
        flush(n);
    }
}

void ClusterStack::fence(std::size_t n, const cluster::Fence& fence) {
    nodes_[n].asked.insert({fence.name, fence.lost});
    later(n, events_.now() + hop(), [this, n, name = fence.name, lost = fence.lost] {
        if (nodes_[n].asked.contains({name, lost})) {
            shadowd_.fence(n, name, lost);
        }
    });
}

// ---- the lock manager

void ClusterStack::feed(std::size_t n, const lockmgr::LockInput& input) {
    auto& node = nodes_[n];
    node.locks->step(machines_->host(n).clock.at(events_.now()), input, node.outputs);
    if (std::exchange(node.carrying, true)) {
        return;
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        carry(n, std::move(node.outputs[i]));
    }
    node.outputs.clear();
    node.carrying = false;
}

void ClusterStack::carry(std::size_t n, lockmgr::LockOutput output) {
    auto& node = nodes_[n];
    if (auto* send = std::get_if<lockmgr::Send>(&output)) {
        node.outboxes[send->to].packets.push_back(std::move(send->bytes));
    } else if (const auto* note = std::get_if<lockmgr::Note>(&output)) {
        if (note->level == LogLevel::kError) {
            breach_ = fmt::format("lock manager of n{}: {} {}", n + 1, note->event, note->text);
        }
    } else if (!std::holds_alternative<lockmgr::Drained>(output)) {
        node.answers.push_back(std::move(output));
        node.answers_ready = std::max(node.answers_ready, events_.now() + hop());
        later(n, node.answers_ready, [this, n] {
            const auto answer = std::move(nodes_[n].answers.front());
            nodes_[n].answers.pop_front();
            shadowd_.hear(n, answer);
        });
    }
}

// clusterd may end with any message.
void ClusterStack::flush(std::size_t n) {
    const auto process = nodes_[n].process;
    std::vector<cluster::NodeId> all;
    for (const auto& [to, outbox] : nodes_[n].outboxes) {
        all.push_back(to);
    }
    for (const auto to : all) {
        const auto* member = nodes_[n].view.find(to);
        auto& outbox = nodes_[n].outboxes[to];
        while (member != nullptr && !outbox.packets.empty() && !outbox.blocked) {
            const auto sent = machines_->send(n, member->id, kLocks, outbox.packets.front());
            if (nodes_[n].process != process) {
                return;
            }
            if (!sent) {
                outbox.blocked = true;
                break;
            }
            outbox.packets.pop_front();
        }
    }
    arm(n);
}

void ClusterStack::arm(std::size_t n) {
    auto& node = nodes_[n];
    const auto deadline = node.locks->deadline();
    if (!deadline) {
        return;
    }
    const auto due = std::max(when(n, BootTime(*deadline)), events_.now() + sim::Time(1));
    if (node.armed && *node.armed <= due) {
        return;
    }
    node.armed = due;
    later(n, due, [this, n, due] {
        auto& one = nodes_[n];
        if (one.armed != due) {
            return;
        }
        one.armed.reset();
        if (!machines_->host(n).runs()) {
            later(n, events_.now() + sim::milliseconds(20), [this, n] { arm(n); });
            return;
        }
        feed(n, lockmgr::Tick{});
        flush(n);
    });
}

}  // namespace quorate::shadowing::simulator
