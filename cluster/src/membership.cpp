#include "cluster/membership.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "membership_impl.hpp"
#include "mutation.hpp"

namespace quorate::cluster {

// ---- inputs

void Membership::Impl::on(const GroupChanged& input) {
    const bool among = std::ranges::find(input.members, self) != input.members.end();
    if (input.members.size() > kMaxMembers || !among) {
        note(LogLevel::kError, "group_ignored",
             fmt::format("{} processes in the group, {} allowed, this one {}", input.members.size(),
                         kMaxMembers, among ? "among them" : "missing"));
        return;
    }
    for (const auto& member : input.left) {
        note(LogLevel::kInfo, "group_left", fmt::format("node {}", member.node.value()));
    }
    for (const auto& member : input.joined) {
        note(LogLevel::kInfo, "group_joined", fmt::format("node {}", member.node.value()));
    }
    std::erase_if(reported, [&](const auto& one) {
        return std::ranges::find(input.members, one.first) == input.members.end();
    });
    doubt.group_changes(/*same_ring=*/round && round->ring() == input.ring);
    round.emplace(input.ring, input.members);
    quiet_since = now;
    waits_for_earlier_lives = false;
    leaves.reset();
    disk.round_begins();
    read_disk();
    announce();
}

void Membership::Impl::on(const GroupDelivered& input) {
    const auto message = decode_group_message(input.bytes);
    if (!message) {
        note(LogLevel::kWarn, "group_message_refused",
             fmt::format("node {}: {}", input.sender.node.value(), message.error().to_string()));
        return;
    }
    if (round) {
        std::visit([&](const auto& body) { hear(input.sender, body); }, *message);
    }
}

void Membership::Impl::hear(GroupMember sender, const Hello& hello) {
    if (hello.configuration != round->configuration()) {
        return;
    }
    if (hello.self.id.node != sender.node) {
        note(LogLevel::kWarn, "group_message_refused",
             fmt::format("node {} says it is node {}", sender.node.value(),
                         hello.self.id.node.value()));
        return;
    }
    quiet_since = now;
    round->hear(sender, hello);
    if (sender == self && round->group_size() > 1) {
        doubt.hears_itself(hello);
    }
    progress();
}

void Membership::Impl::hear(GroupMember sender, const Vouch& vouch) {
    if (vouch.configuration != round->configuration()) {
        return;
    }
    quiet_since = now;
    round->hear(sender, vouch);
    commit_if_agreed();
}

void Membership::Impl::hear(GroupMember, const Silent& silent) {
    if (silent.configuration != round->configuration() || !round->hear(silent)) {
        return;
    }
    quiet_since = now;  // who is left has to vouch for something else now
    note(LogLevel::kWarn, "member_silent",
         fmt::format("node {}: the others go on without it", silent.member.node.value()));
    if (silent.member == self) {
        announce_again();
    }
    progress();
}

void Membership::Impl::on(const FloorWritten& input) {
    if (!writing || writing->floor.epoch != input.epoch) {
        return;
    }
    const auto done = *std::exchange(writing, std::nullopt);
    floor = done.floor;
    const auto* proposal = proposal_to_vouch_for();
    if (proposal == nullptr || proposal->hash != done.proposal) {
        progress();
        return;
    }
    if (proposal->needs_disk && !(input.on_disk && disk_counts()) &&
        !mutated("vouch_without_disk")) {
        announce_again();
        return;
    }
    vouch_for(*proposal);
}

void Membership::Impl::on(const RaiseLevel& input) {
    if (!view || !view->quorate || quorum_lost) {
        out.push_back(LevelRefused{"no quorum: raise the level when the cluster has it"});
        return;
    }
    if (input.level <= view->level) {
        out.push_back(LevelRefused{fmt::format("the active level is {} already", view->level)});
        return;
    }
    std::string laggards;
    for (const auto& member : view->members) {
        if (!member.levels.contains(input.level)) {
            laggards += fmt::format("{}{} ({} to {})", laggards.empty() ? "" : ", ", member.name,
                                    member.levels.lowest, member.levels.highest);
        }
    }
    if (!laggards.empty()) {
        out.push_back(LevelRefused{
            fmt::format("level {} is not spoken by {}: upgrade first", input.level, laggards)});
        return;
    }
    wanted_level = input.level;
    announce();
}

// ---- what it leads to

void Membership::Impl::commit(const Proposal& proposal) {
    view = proposal.view;
    view_needs_disk = proposal.needs_disk;
    quorum_lost = false;
    if (view->quorate) {
        joined = view->epoch;
    }
    std::erase_if(taken_over, [&](MemberId id) {
        return std::ranges::find(view->lost, id) == view->lost.end();
    });
    if (wanted_level <= view->level) {
        wanted_level = 0;
    }
    out.push_back(ViewCommitted{*view});
    if (!quorum || !quorum->quorate) {
        lose_quorum();
    }
    check_disk();
}

void Membership::Impl::lose_quorum() {
    if (view && view->quorate && !quorum_lost) {
        quorum_lost = true;
        out.push_back(QuorumLost{view->epoch});
    }
}

void Membership::Impl::check_disk() {
    if (view && view_needs_disk && !disk.held_since_vouched(now)) {
        lose_quorum();
    }
}

void Membership::Impl::expel(std::string reason) {
    expelled = true;
    round.reset();
    lose_quorum();
    out.push_back(Expelled{std::move(reason)});
}

// ---- the class

Membership::Membership(MembershipOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Membership::~Membership() = default;
Membership::Membership(Membership&&) noexcept = default;
Membership& Membership::operator=(Membership&&) noexcept = default;

std::vector<MembershipOutput> Membership::step(MonoTime now, const MembershipInput& input) {
    auto& impl = *impl_;
    impl.now = now;
    if (!impl.expelled) {
        std::visit([&](const auto& one) { impl.on(one); }, input);
    }
    while (!impl.loop.empty() && !impl.expelled) {
        const auto message = std::move(impl.loop.front());
        impl.loop.pop_front();
        impl.on(message);
    }
    return std::exchange(impl.out, {});
}

std::optional<MonoTime> Membership::deadline() const {
    if (impl_->expelled) {
        return std::nullopt;
    }
    const auto silence = impl_->silence_due();
    const auto disk = impl_->disk.deadline(impl_->now);
    return silence && disk ? std::min(*silence, *disk) : silence ? silence : disk;
}

const View* Membership::view() const { return impl_->view ? &*impl_->view : nullptr; }
bool Membership::quorate() const {
    return impl_->view && impl_->view->quorate && !impl_->quorum_lost;
}
bool Membership::expelled() const { return impl_->expelled; }
const Floor& Membership::floor() const { return impl_->floor; }
std::uint32_t Membership::quorum() const {
    return std::max(impl_->view ? impl_->view->quorum : 0, impl_->vouched_quorum);
}

std::vector<NodeId> Membership::waiting_for() const {
    std::vector<NodeId> nodes;
    if (impl_->round) {
        for (const auto& member : impl_->round->missing()) {
            nodes.push_back(member.node);
        }
    }
    return nodes;
}

}  // namespace quorate::cluster
