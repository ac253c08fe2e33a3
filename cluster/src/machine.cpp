#include "cluster/machine.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "cluster/lease.hpp"
#include "cluster/takeover.hpp"
#include "links.hpp"
#include "mutation.hpp"

namespace quorate::cluster {
namespace {

constexpr std::chrono::milliseconds kHeartbeatMin{10};

MonoTime coarse(BootTime now) { return std::chrono::floor<MonoTime::duration>(now); }

MachineOptions within_limits(MachineOptions options) {
    options.heartbeat = std::clamp(options.heartbeat, kHeartbeatMin, kLeaseMax / 4);
    options.lease = std::clamp(options.lease, 4 * options.heartbeat, kLeaseMax);
    return options;
}

// Numbers of ReadDisk, for the membership's rounds and for the lease. What is read answers every
// question asked before.
class DiskReads {
public:
    explicit DiskReads(std::uint64_t base) : base_(base) {}

    std::uint64_t ask_for_round(std::uint64_t number) {
        round_ = {number, ++asked_};
        return base_ + asked_;
    }
    std::uint64_t ask_for_lease() {
        lease_ = ++asked_;
        return base_ + asked_;
    }
    // The membership's number, when `read` answers it; else 0, which it never uses.
    std::uint64_t round_answered(std::uint64_t read) const {
        return answers(read, round_.second) ? round_.first : 0;
    }
    bool lease_answered(std::uint64_t read) const { return answers(read, lease_); }

private:
    bool answers(std::uint64_t read, std::uint64_t question) const {
        const auto number = read - base_;
        return question != 0 && number >= question && number <= asked_;
    }

    std::uint64_t base_;
    std::uint64_t asked_ = 0;
    std::pair<std::uint64_t, std::uint64_t> round_;
    std::uint64_t lease_ = 0;
};

}  // namespace

struct Machine::Impl {
    explicit Impl(MachineOptions given)
        : options(within_limits(std::move(given))),
          self(options.membership.self.id),
          membership(options.membership),
          takeover(self),
          links(options),
          reads(self.incarnation.value()) {}

    // ---- inputs

    void on(const FloorLoaded& input) {
        lease.emplace(LeaseOptions{self, options.lease, options.membership.solo}, now);
        publish();
        forward(input);
    }
    void on(const FloorWritten& input) { forward(input); }
    void on(const GroupChanged& input) { forward(input); }
    void on(const GroupDelivered& input);
    void on(const GroupLost& input) { forward(input); }
    void on(const QuorumChanged& input) {
        expected_votes = input.expected_votes;
        forward(input);
    }
    void on(const QuorumDisk& input);
    void on(const RaiseLevel& input) { forward(input); }
    void on(const SetDraining& input) { forward(input); }
    void on(const Accepted& input) { links.accepted(now, input.connection); }
    void on(const Dialled& input) { links.dialled(now, input); }
    void on(const DialFailed& input) { links.dial_failed(now, input); }
    void on(const Received& input) { links.received(now, input.connection, input.bytes); }
    void on(const Written& input) { links.written(now, input.connection); }
    void on(const Closed& input) { links.closed(now, input.connection, input.reason); }
    void on(const AddFencer& input);
    void on(const RemoveFencer& input) { takeover.remove(input.name); }
    void on(const FencerConfirmed& input) { takeover.confirmed(input.name, input.lost); }
    void on(const Tick&);

    // ---- the membership's outputs

    void forward(const MembershipInput& input);
    void carry_out(const ViewCommitted& output);
    void carry_out(const QuorumLost& output);
    void carry_out(const Expelled& output);
    void carry_out(const ReadDisk& output) {
        out.emplace_back(ReadDisk{reads.ask_for_round(output.number)});
    }
    template <class Output>
    void carry_out(const Output& output) {
        out.emplace_back(output);
    }

    // ---- between the parts

    void beat();
    void settle();
    void settle_heartbeats();
    bool settle_takeover();
    void collect() { links.take_into(out); }
    void publish();
    std::string name_of(NodeId node) const {
        const auto it = names.find(node);
        return it != names.end() ? it->second : fmt::format("node {}", node.value());
    }

    MachineOptions options;
    MemberId self;
    BootTime now;
    MachineOutputs out;
    Membership membership;
    std::optional<Lease> lease;  // from the first step on
    Takeover takeover;
    Links links;
    DiskReads reads;

    bool lease_changed = false;
    std::optional<LeasePage> published;
    std::optional<BootTime> next_beat;
    BootTime disk_asked;
    std::uint32_t expected_votes = 0;
    std::map<NodeId, std::string> names;
    std::optional<BootTime> last_transition;
    std::uint64_t transitions = 0;
};

// ---- inputs

void Machine::Impl::on(const GroupDelivered& input) {
    forward(input);
    if (const auto message = decode_group_message(input.bytes)) {
        if (const auto* fencing = std::get_if<Fencing>(&*message)) {
            takeover.heard(input.sender.node, *fencing);
        }
    }
}

void Machine::Impl::on(const QuorumDisk& input) {
    lease->disk_held(input.votes, input.deadline);
    if (lease->disk_asked() && reads.lease_answered(input.read)) {
        lease->disk_read(input.floor.epoch);
    }
    lease_changed = true;
    auto for_round = input;
    for_round.read = reads.round_answered(input.read);
    forward(for_round);
}

void Machine::Impl::on(const AddFencer& input) {
    if (!takeover.add(input.name)) {
        out.emplace_back(
            Note{LogLevel::kError, "fencer_refused",
                 fmt::format("{}: the name is taken by clusterd, too long, or one of too "
                             "many ({} allowed)",
                             input.name, kMaxFencers - 1)});
    }
}

void Machine::Impl::on(const Tick&) {
    if (const auto due = membership.deadline(); due && now >= BootTime(*due)) {
        forward(Tick{});
    }
    takeover.tick(now);
    links.tick(now);
    if (next_beat && now >= *next_beat) {
        beat();
    }
    lease_changed = true;
}

// ---- the membership

void Machine::Impl::forward(const MembershipInput& input) {
    for (const auto& output : membership.step(coarse(now), input)) {
        std::visit([&](const auto& one) { carry_out(one); }, output);
    }
    lease->raise_quorum(membership.quorum());
}

void Machine::Impl::carry_out(const ViewCommitted& output) {
    const auto& view = output.view;
    for (const auto& member : view.members) {
        names[member.id.node] = member.name;
    }
    last_transition = now;
    ++transitions;
    lease->adopt(now, view);
    publish();
    out.emplace_back(output);
    links.adopt(now, view);
    collect();
    takeover.adopt(now, view, [&](MemberId lost) { return lease->over(lost); });
    if (!options.membership.solo) {
        beat();
    }
}

void Machine::Impl::carry_out(const QuorumLost& output) {
    lease->lose_quorum();
    takeover.suspend();
    publish();
    out.emplace_back(output);
}

void Machine::Impl::carry_out(const Expelled& output) {
    lease->expel();
    takeover.suspend();
    next_beat.reset();
    publish();
    out.emplace_back(output);
    links.close_all(now, "expelled");
    collect();
}

// ---- between the parts

void Machine::Impl::beat() {
    lease->sent(now);
    links.beat(now, options.lease);
    const bool asked_lately = lease->disk_asked() && now - disk_asked < 5 * options.heartbeat;
    if (lease->needs_disk(now) && !asked_lately) {
        lease->ask_disk(now);
        disk_asked = now;
        out.emplace_back(ReadDisk{reads.ask_for_lease()});
    }
    next_beat = now + options.heartbeat;
    lease_changed = true;
}

void Machine::Impl::settle_heartbeats() {
    for (const auto& heard : links.take_heard()) {
        if (lease->acknowledges(now, heard.peer, heard.heartbeat.lease)) {
            links.acknowledge(now, heard);
        }
    }
    for (const auto& [peer, sent] : links.take_heard_by()) {
        lease->acknowledged(peer, mutated("lease_from_receipt") ? now : sent);
        lease_changed = true;
    }
}

bool Machine::Impl::settle_takeover() {
    const auto said = takeover.take();
    for (const auto& output : said) {
        if (const auto* word = std::get_if<Multicast>(&output)) {
            if (options.membership.solo) {
                on(GroupDelivered{{self.node, options.membership.process}, word->bytes});
            } else {
                out.emplace_back(*word);
            }
        } else if (const auto* allowed = std::get_if<TakeoverAllowed>(&output)) {
            out.emplace_back(*allowed);
            forward(TakenOver{allowed->lost});
        } else {
            out.emplace_back(std::get<Fence>(output));
        }
    }
    return !said.empty();
}

void Machine::Impl::settle() {
    collect();
    settle_heartbeats();
    if (links.take_came_up() && next_beat) {
        beat();
    }
    while (settle_takeover()) {
    }
    collect();
    if (lease_changed) {
        publish();
    }
}

void Machine::Impl::publish() {
    lease_changed = false;
    const auto page = lease->page(now);
    if (published != page) {
        published = page;
        out.emplace_back(PublishLease{page});
    }
}

// ---- the class

Machine::Machine(MachineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;

MachineOutputs Machine::step(BootTime now, const MachineInput& input) {
    auto& impl = *impl_;
    impl.now = now;
    if (impl.membership.expelled()) {
        return {};
    }
    QUORATE_ASSERT(impl.lease || std::holds_alternative<FloorLoaded>(input));
    std::visit([&](const auto& one) { impl.on(one); }, input);
    impl.settle();
    return std::exchange(impl.out, {});
}

Result<MachineOutputs> Machine::send(BootTime now, MemberId to, Channel channel,
                                     std::string_view payload) {
    auto& impl = *impl_;
    impl.now = now;
    QUORATE_CHECK(impl.links.send(now, to, channel, payload));
    impl.settle();
    return std::exchange(impl.out, {});
}

std::optional<BootTime> Machine::deadline() const {
    const auto& impl = *impl_;
    if (!impl.lease || impl.membership.expelled()) {
        return std::nullopt;
    }
    std::optional<BootTime> next = impl.next_beat;
    const auto consider = [&](std::optional<BootTime> time) {
        if (time && (!next || *time < *next)) {
            next = time;
        }
    };
    consider(impl.membership.deadline());
    consider(impl.links.deadline());
    consider(impl.takeover.deadline());
    if (impl.published && impl.published->state == LeaseState::kRunning &&
        impl.published->deadline != kLeaseForEver) {
        consider(impl.published->deadline);
    }
    return next;
}

MachineOutputs Machine::stop(BootTime now) {
    auto& impl = *impl_;
    impl.now = now;
    if (impl.lease && !impl.membership.expelled()) {
        impl.lease->stop();
        impl.publish();
        impl.links.close_all(now, "clusterd ends");
        impl.collect();
    }
    return std::exchange(impl.out, {});
}

const View* Machine::view() const { return impl_->membership.view(); }
bool Machine::quorate() const { return impl_->membership.quorate(); }
bool Machine::expelled() const { return impl_->membership.expelled(); }

MachineStatus Machine::status(BootTime now) const {
    const auto& impl = *impl_;
    MachineStatus status;
    status.self = impl.self;
    if (view() != nullptr) {
        status.view = *view();
    }
    status.quorate = quorate();
    status.expelled = expelled();
    status.forming = impl.membership.waiting_for();
    status.expected_votes = impl.expected_votes;
    status.lease.length = impl.options.lease;
    if (impl.lease) {
        const auto page = impl.lease->page(now);
        status.lease.state = page.state;
        status.lease.reason = text_of(page.reason);
        if (page.state == LeaseState::kRunning && page.deadline != kLeaseForEver) {
            status.lease.remaining = page.deadline - now;
        }
    }
    status.circuits = impl.links.status();
    status.takeovers = impl.takeover.status(now, [&](NodeId node) { return impl.name_of(node); });
    status.last_transition = impl.last_transition;
    status.transitions = impl.transitions;
    return status;
}

}  // namespace quorate::cluster
