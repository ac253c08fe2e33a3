#include "shadowing/set.hpp"

#include <fmt/format.h>

#include "set_impl.hpp"

namespace quorate::shadowing {
namespace {

bool is_of_witness(Purpose purpose) {
    return purpose == Purpose::kWitnessRead || purpose == Purpose::kReserve ||
           purpose == Purpose::kWriteWitness;
}

}  // namespace

Set::Impl::Impl(SetOptions set_options) : options(std::move(set_options)), random(options.seed) {
    QUORATE_ASSERT(options.devices.size() <= kMaxMembers);
    for (const auto& device : options.devices) {
        devices.emplace_back();
        devices.back().name = device.name;
        devices.back().read_cost = device.read_cost;
    }
}

// ---- operations

OpId Set::Impl::start(DeviceIndex device, Purpose purpose, std::uint64_t owner, SetOutput output) {
    const OpId id(next_op++);
    std::visit(
        [&](auto& one) {
            if constexpr (requires { one.op = id; }) {
                one.op = id;
            }
        },
        output);
    const bool on_device = !is_of_witness(purpose);
    if (on_device) {
        ++devices[device].queue;
        wake_at(moment.now + options.member_timeout);
    }
    auto& op = ops[id];
    op = {device, purpose, owner, on_device ? stint(device) : 0, moment.now, false, {}, output};
    if (may_act()) {
        out.push_back(std::move(output));
    } else {
        op.again_at = moment.now;
        wake_at(moment.now + options.retry_after);
    }
    return id;
}

// What ended, or nothing: it is to be asked for again, or nobody knows of it.
std::optional<Op> Set::Impl::finish(OpId id, Outcome outcome) {
    const auto it = ops.find(id);
    if (it == ops.end()) {
        return std::nullopt;
    }
    auto& op = it->second;
    const bool of_witness = is_of_witness(op.purpose);
    if (outcome == Outcome::kRefused || (of_witness && outcome != Outcome::kOk)) {
        op.again_at = moment.now + options.retry_after;
        wake_at(*op.again_at);
        return std::nullopt;
    }
    if (!of_witness) {
        auto& device = devices[op.device];
        --device.queue;
        device.latency_us += ((moment.now - op.started).count() - device.latency_us) / 8;
    }
    auto ended = std::move(op);
    ops.erase(it);
    return ended;
}

void Set::Impl::ask_again() {
    for (auto& [id, op] : ops) {
        if (!op.again_at) {
            continue;
        }
        if (*op.again_at > moment.now || !may_act()) {
            wake_at(std::max(*op.again_at, moment.now + options.retry_after));
            continue;
        }
        op.again_at.reset();
        op.started = moment.now;
        out.push_back(op.output);
    }
}

void Set::Impl::suspect(DeviceIndex device, const char* why) {
    const auto* member = member_of(device);
    if (devices[device].suspect || member == nullptr || member->role == Role::kExpelled) {
        return;
    }
    note(fmt::format("{}: {}", devices[device].name, why));
    devices[device].suspect = true;
    expel.insert(member->id);
    if (mutated("ack_before_expel")) {
        for (auto& one : now_current.members) {
            one.role = one.id == member->id ? Role::kExpelled : one.role;
        }
        for (const auto& [id, write] : writes) {
            restless.insert(id);
        }
    }
}

void Set::Impl::dispatch(OpId id, const Op& op, Outcome outcome) {
    const bool ok = outcome == Outcome::kOk;
    const bool failed = outcome == Outcome::kFailed ||
                        (outcome == Outcome::kUnreadable && op.purpose != Purpose::kRead &&
                         op.purpose != Purpose::kJob);
    if (failed && is_current(op)) {
        suspect(op.device, "an operation failed");
    }
    switch (op.purpose) {
        case Purpose::kRead:
            read_done(id, op, outcome);
            return;
        case Purpose::kWrite:
            if (const auto it = writes.find(RequestId(op.owner)); it != writes.end()) {
                settle(it->second.members, op, ok);
                restless.insert(it->first);
            }
            return;
        case Purpose::kFlush:
            if (flush && flush->number == op.owner) {
                settle(flush->members, op, ok);
            }
            return;
        case Purpose::kIntent:
            if (intent_block && intent_block->sequence == op.owner) {
                settle(intent_members, op, ok);
            }
            return;
        case Purpose::kClearSlot: {
            const auto it = pending.find(OpenerSlot(static_cast<std::uint16_t>(op.owner)));
            if (it != pending.end() && it->second.clearing) {
                settle(it->second.members, op, ok);
            }
            return;
        }
        case Purpose::kClearLog:
        case Purpose::kWriteLabel:
            label_written(op, outcome);
            return;
        case Purpose::kReserve:
            if (phase == Phase::kReserving) {
                write_labels();
            }
            return;
        case Purpose::kWriteWitness:
            witness_written();
            return;
        case Purpose::kLabelForChange:
        case Purpose::kLabelForAdoption:
        case Purpose::kLabelForAddition:
        case Purpose::kWitnessRead:
        case Purpose::kSlot:
        case Purpose::kLogCheck:
            return;  // have inputs of their own
        case Purpose::kJob:
            job_done(id, op, outcome);
            return;
    }
}

void Set::Impl::on(const Done& input) {
    // An operation that ends with an input of its own may fail with Done too.
    const auto it = ops.find(input.op);
    if (it != ops.end() && input.outcome == Outcome::kFailed) {
        const auto purpose = it->second.purpose;
        if (purpose == Purpose::kLabelForChange || purpose == Purpose::kLabelForAdoption ||
            purpose == Purpose::kLabelForAddition) {
            on(LabelRead{input.op, std::nullopt, 0, "cannot be read"});
            return;
        }
        if (purpose == Purpose::kSlot || purpose == Purpose::kLogCheck) {
            on(IntentRead{input.op, input.outcome, {}});
            return;
        }
    }
    if (const auto op = finish(input.op, input.outcome)) {
        dispatch(input.op, *op, input.outcome);
    }
}

void Set::Impl::settle(Fanout& fanout, const Op& op, bool ok) {
    fanout.under_way.reset(op.device);
    if (ok) {
        fanout.done[op.device] = op.since + 1;
    }
}

// ---- members

const LabelMember* Set::Impl::member_of(DeviceIndex device) const {
    return has_current ? now_current.find(devices[device].member) : nullptr;
}

std::uint64_t Set::Impl::stint(DeviceIndex device) const {
    const auto* member = member_of(device);
    return member == nullptr ? 0 : member->since;
}

bool Set::Impl::is_current(const Op& op) const {
    const auto* member = member_of(op.device);
    return member != nullptr && member->role != Role::kExpelled && member->since == op.since;
}

Set::Impl::Currents Set::Impl::current(bool sources, bool targets) const {
    Currents all;
    for (const auto& member : now_current.members) {
        if (!(sources && is_source(member.role)) && !(targets && is_target(member.role))) {
            continue;
        }
        for (DeviceIndex device = 0; device < devices.size(); ++device) {
            if (devices[device].member == member.id) {
                all.add({&member, device});
            }
        }
    }
    return all;
}

bool Set::Impl::members_locked() const {
    for (const auto& [member, device] : current(true, true)) {
        if (!devices[device].locked || devices[device].closing) {
            return false;
        }
    }
    return true;
}

void Set::Impl::lock_members() {
    for (const auto& [member, device] : current(true, true)) {
        auto& one = devices[device];
        if (!one.locked && !one.locking && !one.closing) {
            one.locking = true;
            lock({LockKind::kMember, member->id.low}, Hold::kShared);
        }
    }
}

// ---- locks

void Set::Impl::on(const Locked& input) {
    switch (input.lock.kind) {
        case LockKind::kMembership:
            if (input.hold == Hold::kExclusive) {
                membership = Hold::kExclusive;
                change_locked(input);
            } else if (input.hold == Hold::kShared && phase == Phase::kWaitingShared) {
                membership = Hold::kShared;
                if (input.state != ValueState::kValid) {
                    recover = true;
                    begin_change();
                } else if (has_current && input.value.generation == now_current.generation) {
                    go_active();
                } else {
                    begin_adoption(input.value);
                }
            }
            return;
        case LockKind::kSlot: {
            const OpenerSlot slot(static_cast<std::uint16_t>(input.lock.number));
            if (slot == options.slot) {
                if (input.hold == Hold::kWork) {
                    begin_change();
                } else {
                    own_slot_clean();
                }
                return;
            }
            const auto it = pending.find(slot);
            if (it == pending.end()) {
                lock(input.lock, Hold::kNone);
            } else if (input.hold == Hold::kShared) {
                if (it->second.probing) {
                    it->second.probing = false;
                    it->second.known = false;
                    it->second.asked = true;
                    it->second.opener = it->second.best->opener;
                    lock(input.lock, Hold::kWork);
                }
            } else {
                it->second.held = true;
                it->second.known = false;
            }
            return;
        }
        case LockKind::kStall:
            stall = input.hold;
            stall_asked = false;
            stall_blocking = false;
            return;
        case LockKind::kMember:
            for (auto& device : devices) {
                if (device.member.low == input.lock.number) {
                    device.locking = false;
                    device.locked = true;
                }
            }
            return;
        case LockKind::kCopy:
            copying = input.hold;
            copy_asked = false;
            return;
    }
}

void Set::Impl::on(const LockDenied& input) {
    const auto it = pending.find(OpenerSlot(static_cast<std::uint16_t>(input.lock.number)));
    if (input.lock.kind == LockKind::kSlot && it != pending.end() && it->second.probing) {
        pending.erase(it);  // it lives
    }
}

void Set::Impl::on(const Blocking& input) {
    if (input.lock.kind == LockKind::kMembership) {
        membership_blocking = true;
    } else if (input.lock.kind == LockKind::kStall) {
        stall_blocking = true;
    }
}

void Set::Impl::on(const DeviceClosed& input) {
    auto& device = devices[input.device];
    if (device.closing) {
        device.closing = false;
        device.locked = false;
        device.suspect = false;
        lock({LockKind::kMember, device.member.low}, Hold::kNone);
    }
}

void Set::Impl::on(const OpenerLost& input) {
    if (input.slot != options.slot) {
        opener_lost(input);
    }
}

void Set::Impl::on(const Start&) {
    QUORATE_ASSERT(phase == Phase::kStopped);
    phase = Phase::kLockingSlot;
    lock({LockKind::kSlot, options.slot.value()}, Hold::kWork);
}

void Set::Impl::on(const Tick&) {}

// ---- time

void Set::Impl::look_at_time() {
    for (auto& [id, op] : ops) {
        if (op.again_at || op.late || is_of_witness(op.purpose)) {
            continue;
        }
        const auto until = op.started + options.member_timeout;
        if (until > moment.now) {
            wake_at(until);
            continue;
        }
        op.late = true;
        if (op.purpose == Purpose::kWriteLabel || op.purpose == Purpose::kClearLog ||
            is_current(op)) {
            suspect(op.device, "does not answer");
        }
    }
    // Whoever waits for labels does not wait for those that do not answer.
    std::vector<OpId> missed;
    for (const auto& [id, op] : ops) {
        const bool waits = op.purpose == Purpose::kLabelForChange ||
                           op.purpose == Purpose::kLabelForAdoption ||
                           op.purpose == Purpose::kLabelForAddition ||
                           op.purpose == Purpose::kSlot || op.purpose == Purpose::kLogCheck ||
                           op.purpose == Purpose::kWriteLabel || op.purpose == Purpose::kClearLog;
        if (op.late && waits) {
            missed.push_back(id);
        }
    }
    for (const auto id : missed) {
        on(Done{id, Outcome::kFailed});
    }
    look_at_reads();
    look_at_writes();
    look_at_flushes();
    ask_again();
}

// Reads that are slow are asked of another member too; those that wait for the set fail in the end.
void Set::Impl::look_at_reads() {
    std::vector<RequestId> slow;
    std::vector<RequestId> given_up;
    for (const auto& [id, read] : reads) {
        if (read.stalled && moment.now - read.arrived >= options.mount_verification) {
            given_up.push_back(id);
        } else if (!read.stalled && read.ops.size() == 1 && read.hedge_at <= moment.now) {
            slow.push_back(id);
        } else if (!read.stalled && read.ops.size() == 1) {
            wake_at(read.hedge_at);
        }
    }
    for (const auto id : given_up) {
        reply_read(id, ReplyStatus::kUnavailable, std::nullopt);
    }
    for (const auto id : slow) {
        if (is_active()) {
            auto& read = reads.at(id);
            ask_read(id, read);
        }
    }
}

void Set::Impl::advance() {
    if (phase == Phase::kResting && may_act()) {
        if (rest_until <= moment.now) {
            if (mounted && !change_wanted()) {
                phase = Phase::kWaitingShared;
                lock({}, Hold::kShared);
            } else {
                begin_change();
            }
        } else {
            wake_at(rest_until);
        }
    }
    lock_members();
    if (phase == Phase::kActive && may_act() && change_wanted()) {
        begin_change();
    }
    if (phase == Phase::kActive && (is_active() || mutated("ack_without_lease"))) {
        progress_writes();
    }
    if (is_active()) {
        for (const auto id : std::exchange(stalled_reads, {})) {
            if (const auto it = reads.find(id); it != reads.end() && it->second.stalled) {
                begin_read(id);
            }
        }
        progress_merges();
        progress_jobs();
        progress_copy();
        progress_stall();
        progress_writes();
        const auto rounds = flushed_rounds;
        progress_flush();
        if (flushed_rounds != rounds) {
            progress_merges();
            progress_copy();
        }
        progress_intent();
        progress_writes();
    }
    if (phase == Phase::kActive && membership_blocking) {
        release_membership();
    }
}

void Set::Impl::step(const SetInput& input) {
    if (moment.lease.state == Lease::State::kExpelled) {
        dead = true;
    }
    if (dead) {
        return;
    }
    if (wake && *wake <= moment.now) {
        wake.reset();
        look_at_time();
    }
    std::visit([&](const auto& one) { on(one); }, input);
    advance();
}

// ---- Set

Set::Set(SetOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Set::~Set() = default;
Set::Set(Set&&) noexcept = default;
Set& Set::operator=(Set&&) noexcept = default;

SetOutputs Set::step(const Moment& moment, const SetInput& input) {
    impl_->moment = moment;
    impl_->step(input);
    return std::exchange(impl_->out, {});
}

std::optional<BootTime> Set::deadline() const { return impl_->dead ? std::nullopt : impl_->wake; }

SetStatus Set::status() const {
    const auto& impl = *impl_;
    SetStatus status;
    status.mounted = impl.mounted;
    status.generation = impl.now_current.generation;
    status.lineage = impl.now_current.lineage;
    for (DeviceIndex i = 0; i < impl.devices.size(); ++i) {
        const auto& device = impl.devices[i];
        const auto* member = impl.member_of(i);
        status.members.push_back({device.name, member ? member->role : Role::kExpelled,
                                  member ? member->fence : 0, device.queue,
                                  std::chrono::microseconds(device.latency_us)});
    }
    for (const auto& [slot, pending] : impl.pending) {
        status.to_merge.push_back(slot);
    }
    if (!impl.may_act()) {
        status.stalled = "this node's lease does not run";
    } else if (impl.phase != Impl::Phase::kActive) {
        status.stalled = "the membership changes";
    } else if (!impl.members_locked()) {
        status.stalled = "a member is not free yet of earlier operations";
    }
    status.copied_blocks = impl.target ? impl.copy_next : 0;
    if (impl.intent) {
        status.hot_regions = impl.intent->hot();
        status.intent_blocks = impl.intent->blocks_written();
    }
    return status;
}

}  // namespace quorate::shadowing
