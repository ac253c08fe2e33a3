#include "shadowing/set.hpp"

#include <fmt/format.h>

#include "set_impl.hpp"

namespace quorate::shadowing {

Set::Impl::Impl(SetOptions set_options) : options(std::move(set_options)), random(options.seed) {
    QUORATE_ASSERT(options.devices.size() <= kMaxMembers);
    for (const auto& device : options.devices) {
        devices.emplace_back();
        devices.back().name = device.name;
        devices.back().read_cost = device.read_cost;
        devices.back().site = device.site;
    }
}

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
        const bool waits =
            op.purpose == Purpose::kLabelForChange || op.purpose == Purpose::kLabelForAdoption ||
            op.purpose == Purpose::kLabelForAddition || op.purpose == Purpose::kRoom ||
            op.purpose == Purpose::kCleanLabel || op.purpose == Purpose::kChanges ||
            op.purpose == Purpose::kSlot || op.purpose == Purpose::kLogCheck ||
            op.purpose == Purpose::kWriteLabel || op.purpose == Purpose::kClearLog;
        if (op.late && waits) {
            missed.push_back(id);
        }
    }
    for (const auto id : missed) {
        const auto& op = ops.at(id);
        if (op.purpose == Purpose::kWriteLabel || op.purpose == Purpose::kClearLog) {
            devices[op.device].late_labels.insert(id);
        }
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
    if (phase == Phase::kGivingUp && !labels_may_land()) {
        give_up(why_given_up);
    }
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
    if (phase != Phase::kDismounting) {
        lock_members();
    }
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
        progress_copy();
        progress_scrub();
        progress_jobs();
        progress_expansion();
        progress_stall();
        progress_writes();
        const auto rounds = flushed_rounds;
        progress_flush();
        if (flushed_rounds != rounds) {
            progress_merges();
            progress_copy();
            progress_expansion();
        }
        progress_intent();
        progress_writes();
    }
    if (dismounting) {
        progress_dismount();
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

SetStatus Set::status() const { return impl_->status(); }

}  // namespace quorate::shadowing
