#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// A larger virtual unit. Nobody looks at what is new before every member has zeros there; what the
// opener that zeroed asked for has ended before another opener may begin, because that one waits
// for its lock.
namespace quorate::shadowing {
namespace {

constexpr std::uint64_t kZeroedAtATime = 1 << 14;  // blocks

}  // namespace

void Set::Impl::on(const Expand&) {
    if (expansion || !mounted || !is_active()) {
        refuse(kMaxMembers, "cannot be expanded now");
        return;
    }
    expansion.emplace();
    lock({LockKind::kExpand, 0}, Hold::kExclusive);
    ask_for_room();
}

// How large the disks are now: they may have grown since their labels were written.
void Set::Impl::ask_for_room() {
    expansion->asking = 1;  // this function
    for (const auto& [member, device] : current(true, true)) {
        ++expansion->asking;
        ask(device, Purpose::kRoom, 0, ReadLabel{{}, device});
    }
    room_told();
}

void Set::Impl::room_told() {
    if (!expansion || --expansion->asking > 0) {
        return;
    }
    expansion->from = now_current.set_blocks;
    expansion->to = kMaxMemberBlocks;
    for (const auto& [member, device] : current(true, true)) {
        expansion->to = std::min(expansion->to, devices[device].room_blocks);
    }
    expansion->next = expansion->from;
    if (expansion->to <= expansion->from) {
        refuse(kMaxMembers,
               fmt::format("nothing to expand: a member has room for no more than {} blocks",
                           expansion->from));
        end_expansion();
    }
}

void Set::Impl::end_expansion() {
    lock({LockKind::kExpand, 0}, Hold::kNone);
    expansion.reset();
}

// Whether a change may show the new size: every member that stays has zeros.
bool Set::Impl::may_grow(const Label& base, const Label& label) const {
    if (!expansion || !expansion->ready || base.set_blocks != expansion->from) {
        return false;
    }
    return std::ranges::all_of(label.members, [&](const LabelMember& member) {
        if (member.role == Role::kExpelled) {
            return true;
        }
        const auto* before = base.find(member.id);
        const auto device = std::ranges::find(devices, member.id, &Device::member);
        const auto whole = expansion->whole[static_cast<std::size_t>(device - devices.begin())];
        return before != nullptr && before->role != Role::kExpelled &&
               (whole == before->since + 1 || mutated("grow_unzeroed"));
    });
}

void Set::Impl::progress_expansion() {
    if (!expansion || expansion->asking > 0 || !expansion->locked) {
        return;
    }
    auto& one = *expansion;
    if (now_current.set_blocks != one.from) {
        end_expansion();  // it has grown
        return;
    }
    const auto members = current(true, true);
    const bool same = std::ranges::all_of(members, [&](const Current& member) {
        return one.whole[member.device] == member.member->since + 1;
    });
    if (!same) {
        for (const auto& [member, device] : members) {
            one.whole[device] = member->since + 1;
        }
        one.next = one.from;
        one.extent = {};
        one.flush = 0;
        one.ready = false;
    }
    while (one.next < one.to || one.extent.blocks > 0) {
        if (one.extent.blocks == 0) {
            one.extent = {one.next, std::min(kZeroedAtATime, one.to - one.next)};
            one.next = one.extent.end();
            one.members.done = {};
        }
        const bool all = spread(one.members, members, [&](DeviceIndex device) {
            ask(device, Purpose::kExpand, one.extent.lbn,
                ZeroData{{}, device, one.extent, /*fua=*/false});
        });
        if (!all) {
            return;
        }
        one.extent = {};
    }
    if (one.flush == 0) {
        one.flush = want_flush();
    }
    if (!one.ready && flushed_rounds >= one.flush) {
        one.ready = true;
        wake_at(moment.now);
    }
}

// One that ends after all was begun anew says nothing about what is zeroed now.
void Set::Impl::zeroed(const Op& op, bool ok) {
    if (expansion) {
        settle(expansion->members, op, ok && op.owner == expansion->extent.lbn);
    }
}

}  // namespace quorate::shadowing
