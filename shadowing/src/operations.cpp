#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// Operations under way: asked for under a lease, ended once, asked for again if they were refused;
// and which members they go to.
namespace quorate::shadowing {

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
        if (std::holds_alternative<ReadData>(op.output)) {
            device.latency_us = expected_us(device);
            device.latency_us += ((moment.now - op.started).count() - device.latency_us) / 8;
            device.latency_at = moment.now;
        }
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
    devices[device].reason = why;
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
        case Purpose::kExpand:
            zeroed(op, ok);
            return;
        case Purpose::kCleanLabel:
            if (dismounting && dismounting->state == Dismounting::State::kWritingLabels) {
                clean_label_written(ok);
            }
            return;
        case Purpose::kRoom:
        case Purpose::kLabelForChange:
        case Purpose::kLabelForAdoption:
        case Purpose::kLabelForAddition:
        case Purpose::kWitnessRead:
        case Purpose::kSlot:
        case Purpose::kLogCheck:
        case Purpose::kChanges:
            return;  // have inputs of their own
        case Purpose::kJob:
            job_done(id, op, outcome);
            return;
    }
}

void Set::Impl::on(const Done& input) {
    // An operation that ends with an input of its own may fail with Done too.
    const auto it = ops.find(input.op);
    if (it == ops.end()) {
        for (auto& device : devices) {
            device.late_labels.erase(input.op);
        }
    }
    if (it != ops.end() && input.outcome == Outcome::kFailed) {
        const auto purpose = it->second.purpose;
        if (purpose == Purpose::kLabelForChange || purpose == Purpose::kLabelForAdoption ||
            purpose == Purpose::kLabelForAddition || purpose == Purpose::kRoom) {
            on(LabelRead{input.op, std::nullopt, 0, "cannot be read"});
            return;
        }
        if (purpose == Purpose::kSlot || purpose == Purpose::kLogCheck ||
            purpose == Purpose::kChanges) {
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

// Who was slow once and is not read since is tried again after a while.
std::int64_t Set::Impl::expected_us(const Device& device) const {
    const auto halvings = (moment.now - device.latency_at) / std::chrono::seconds(1);
    return halvings < 63 ? device.latency_us >> halvings : 0;
}

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

}  // namespace quorate::shadowing
