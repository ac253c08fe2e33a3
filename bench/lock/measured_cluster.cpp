#include "measured_cluster.hpp"

#include <algorithm>
#include <utility>

#include "processor_time.hpp"

namespace quorate::bench {

using namespace lockmgr;

namespace {

cluster::MemberId id_of(std::uint32_t node) { return {NodeId(node), cluster::Incarnation(node)}; }

MonoTime mono(MeasuredCluster::Time time) {
    return MonoTime(std::chrono::duration_cast<std::chrono::milliseconds>(time) +
                    std::chrono::milliseconds(1000));
}

}  // namespace

cluster::View MeasuredCluster::view_of(std::uint64_t epoch,
                                       const std::vector<std::uint32_t>& nodes) {
    cluster::View view;
    view.epoch = cluster::Epoch(epoch);
    for (const auto node : nodes) {
        auto& member = view.members.emplace_back();
        member.id = id_of(node);
        member.directory_weight = 1;
    }
    view.coordinator = NodeId(nodes.front());
    view.quorate = true;
    return view;
}

MeasuredCluster::MeasuredCluster(std::uint32_t nodes) : hosts_(nodes) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t node = 1; node <= nodes; ++node) {
        all.push_back(node);
        LockManagerOptions options;
        options.self = id_of(node);
        hosts_[node - 1].manager = std::make_unique<LockManager>(std::move(options));
    }
    for (const auto node : all) {
        push(node, now_, cluster::ViewCommitted{view_of(epoch_, all)});
        push(node, now_, ClientOpened{kClient, 1000, 0, {}, 0});
    }
    run(std::chrono::seconds(1));
}

MeasuredCluster::~MeasuredCluster() = default;

void MeasuredCluster::lose(std::uint32_t lost) {
    hosts_[lost - 1].alive = false;
    std::vector<std::uint32_t> left;
    for (std::uint32_t node = 1; node <= hosts_.size(); ++node) {
        if (hosts_[node - 1].alive) {
            left.push_back(node);
        }
    }
    auto view = view_of(++epoch_, left);
    view.lost.push_back(id_of(lost));
    for (const auto node : left) {
        push(node, now_, cluster::ViewCommitted{view});
        push(node, now_, cluster::TakeoverAllowed{view.epoch, id_of(lost)});
    }
}

MeasuredCluster::Number MeasuredCluster::lock(std::uint32_t node, std::string name, LockMode mode,
                                              Time when) {
    const auto number = operations_.size();
    operations_.push_back({when, Time(0), LockId(0)});
    Enqueue request;
    request.client = kClient;
    request.request = RequestId(number);
    request.domain = "bench";
    request.mode = mode;
    push(node, when, request, std::move(name));
    return number;
}

MeasuredCluster::Number MeasuredCluster::convert(std::uint32_t node, LockId lock, LockMode mode,
                                                 Time when) {
    const auto number = operations_.size();
    operations_.push_back({when, Time(0), lock});
    Convert request;
    request.client = kClient;
    request.request = RequestId(number);
    request.lock = lock;
    request.mode = mode;
    push(node, when, request);
    return number;
}

void MeasuredCluster::push(std::uint32_t node, Time when, LockInput input, std::string text) {
    hosts_[node - 1].inbox.push(
        {when, ++pushed_, std::make_unique<LockInput>(std::move(input)), std::move(text)});
}

MeasuredCluster::Time MeasuredCluster::Host::next() const {
    auto first = Time::max();
    if (alive && !inbox.empty()) {
        first = inbox.top().when;
    }
    if (const auto due = alive ? manager->deadline() : std::nullopt) {
        first = std::min(first, Time(*due - mono(Time(0))));
    }
    return first == Time::max() ? first : std::max(first, free);
}

void MeasuredCluster::run(Time end) {
    for (;;) {
        const auto host = std::ranges::min_element(hosts_, {}, &Host::next);
        const auto next = host->next();
        if (next > end) {
            break;
        }
        now_ = next;
        step(static_cast<std::uint32_t>(host - hosts_.begin()) + 1);
    }
    now_ = end;
}

void MeasuredCluster::step(std::uint32_t node) {
    auto& host = hosts_[node - 1];
    LockInput tick = Tick{};
    Event event;
    auto* input = &tick;
    const bool due = host.manager->deadline() && *host.manager->deadline() <= mono(now_);
    // As in the daemon's loop: all that has arrived, then the timer, then what came meanwhile.
    const bool arrived = !host.inbox.empty() && host.inbox.top().when <= now_;
    const bool tick_first = due && arrived && host.inbox.top().when > host.looked;
    if (arrived && !tick_first) {
        event = std::move(const_cast<Event&>(host.inbox.top()));
        host.inbox.pop();
        input = event.input.get();
        if (auto* received = std::get_if<Received>(input)) {
            received->bytes = event.text;
        } else if (auto* enqueue = std::get_if<Enqueue>(input)) {
            enqueue->name = event.text;
        }
    }
    const auto begun = processor_time();
    host.manager->step(mono(now_), *input, out_);
    const auto took = processor_time() - begun;
    longest_step_ = std::max(longest_step_, took);
    host.free = now_ + took;
    host.looked = input == &tick ? host.free : host.looked;
    for (auto& output : out_) {
        carry(node, output);
    }
    out_.clear();
}

void MeasuredCluster::carry(std::uint32_t node, LockOutput& output) {
    const auto when = hosts_[node - 1].free;
    if (auto* send = std::get_if<Send>(&output)) {
        push(send->to.value(), when + kLatency, Received{NodeId(node), {}}, std::move(send->bytes));
    } else if (const auto* done = std::get_if<Completion>(&output)) {
        auto& operation = operations_[done->request.value()];
        operation.done = when;
        operation.lock = done->lock;
    }
}

}  // namespace quorate::bench
