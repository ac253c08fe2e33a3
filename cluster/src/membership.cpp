#include "cluster/membership.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "doubt.hpp"
#include "mutation.hpp"
#include "round.hpp"

namespace quorate::cluster {

struct Membership::Impl {
    explicit Impl(MembershipOptions given)
        : options(std::move(given)), self{options.self.id.node, options.process} {}

    // ---- inputs

    void on(const FloorLoaded& input) {
        loaded = true;
        floor = input.floor.value_or(Floor{});
        if (options.solo) {
            const RingId ring{self.node, 1};
            on(QuorumChanged{ring, true, 1, 1, 1});
            on(GroupChanged{ring, {self}, {}, {}});
        }
        announce();
    }
    void on(const FloorWritten& input);
    void on(const GroupChanged& input);
    void on(const GroupDelivered& input);
    void on(const GroupLost&) {
        doubt.ring_is_lost();
        round.reset();
        leaves.reset();
        last_hello.reset();  // the next group has heard nothing
        quorum.reset();
        lose_quorum();
    }
    void on(const QuorumChanged& input) {
        quorum = input;
        if (!input.quorate) {
            lose_quorum();
        }
        announce();
    }
    void on(const QuorumDisk& input) {
        const bool held_anew = input.votes > 0 && input.hold != disk.hold;
        disk = input;
        if (held_anew && !mutated("hold_goes_on")) {
            hold_anew();
        }
        check_disk();
        read_disk();
        announce();
    }
    void on(const RaiseLevel& input);
    void on(const SetDraining& input) {
        options.self.draining = input.draining;
        announce();
    }
    void on(const TakenOver& input) {
        if (std::ranges::find(taken_over, input.lost) == taken_over.end()) {
            taken_over.push_back(input.lost);
        }
        if (others_wait) {
            announce_again();
        }
    }
    void on(const Tick&) {
        check_disk();
        announce();
        if (silence_due() && now >= *silence_due()) {
            quiet_since = now;
            declare_silent();
        }
    }

    void hear(GroupMember sender, const Hello& hello);
    void hear(GroupMember sender, const Vouch& vouch);
    void hear(GroupMember sender, const Silent& silent);
    void hear(GroupMember, const Fencing&) {}  // the takeover machine's

    // ---- the round

    Hello hello_now() const;
    bool news(const Hello& last, const Hello& next) const;
    void announce();
    void announce_again() {
        last_hello.reset();
        announce();
    }
    void progress();
    bool may_stay(const Decision& decision);
    bool has_taken_over_since() const;
    bool all_have_spoken() const;
    const Proposal* proposal_to_vouch_for();
    void prepare(const Proposal& proposal);
    void vouch_for(const Proposal& proposal);
    void commit_if_agreed();
    void declare_silent();

    // ---- what it leads to

    void commit(const Proposal& proposal);
    void lose_quorum();
    void check_disk();
    void hold_anew();
    void expel(std::string reason);

    bool disk_held() const { return disk.votes > 0 && now < disk.deadline; }
    // The votes count only for the ring that they were won for: after a split the halves may both
    // still hold what they held together.
    bool disk_is_ours() const {
        const bool same_ring = round && disk.ring == round->ring();
        return disk_held() && (same_ring || mutated("disk_of_any_ring"));
    }
    // And only with a floor read in this round.
    bool disk_counts() const {
        return disk_is_ours() && (disk.read == disk_read || mutated("stale_disk_floor"));
    }
    void read_disk();
    std::optional<MonoTime> silence_due() const {
        const bool waits = round && (!round->complete() || !round->missing().empty());
        return waits ? std::optional(quiet_since + options.silence) : std::nullopt;
    }

    void multicast(const GroupMessage& message) {
        auto bytes = encode(message);
        if (options.solo) {
            loop.push_back({self, std::move(bytes)});
        } else {
            out.push_back(Multicast{std::move(bytes)});
        }
    }
    void note(LogLevel level, std::string event, std::string text) {
        out.push_back(Note{level, std::move(event), std::move(text)});
    }

    MembershipOptions options;
    GroupMember self;
    MonoTime now;
    std::vector<MembershipOutput> out;
    std::deque<GroupDelivered> loop;  // solo: what was multicast

    bool loaded = false;
    Floor floor;  // durable
    QuorumDisk disk;
    std::uint64_t disk_read = 0;  // the ReadDisk of this round; 0: not asked
    std::uint64_t disk_reads = 0;
    std::optional<QuorumChanged> quorum;

    std::optional<Round> round;
    MonoTime quiet_since;
    std::uint32_t attempt = 0;
    std::optional<Hello> last_hello;
    struct Writing {
        Floor floor;
        std::uint64_t proposal = 0;
    };
    std::optional<Writing> writing;
    std::optional<Vouch> vouched;
    std::uint32_t vouched_quorum = 0;
    std::uint64_t vouched_hold = 0;                  // the quorum disk's, at that time
    std::map<GroupMember, Refusal::Cause> reported;  // of the group's processes
    bool waits_for_earlier_lives = false;
    bool others_wait = false;           // for the same
    std::optional<std::string> leaves;  // why, when the others are a view

    std::optional<View> view;
    bool view_needs_disk = false;
    bool quorum_lost = false;
    Epoch joined;
    Doubt doubt;  // until it joined
    std::uint16_t wanted_level = 0;
    std::vector<MemberId> taken_over;
    bool expelled = false;
};

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
    disk_read = 0;
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

// ---- the round

Hello Membership::Impl::hello_now() const {
    Hello hello;
    hello.configuration = round->configuration();
    hello.attempt = attempt;
    hello.self = options.self;
    hello.self.votes = quorum->votes;
    hello.self.directory_weight = options.self.draining ? 0 : options.self.directory_weight;
    hello.cluster_name = options.cluster_name;
    hello.key_fingerprint = options.key_fingerprint;
    hello.floor = mutated("forget_floor") ? Epoch(0) : floor.epoch;
    hello.disk_floor = disk_counts() ? disk.floor.epoch : Epoch(0);
    hello.lineage = disk_counts() ? merge(floor, disk.floor).lineage : floor.lineage;
    hello.joined = joined;
    hello.may_have_joined = joined == Epoch(0) ? doubt.may_have_joined() : Epoch(0);
    hello.quorate = quorum->quorate;
    hello.expected_votes = quorum->expected_votes;
    hello.quorum = quorum->quorum;
    hello.disk_votes = disk_counts() ? disk.votes : 0;
    hello.wanted_level = wanted_level;
    hello.taken_over = taken_over;
    return hello;
}

// What the round itself changed (floor, lineage, joined) is no news. What the quorum disk knows and
// this node does not is.
bool Membership::Impl::news(const Hello& last, const Hello& next) const {
    return next.configuration != last.configuration || next.self != last.self ||
           next.quorate != last.quorate || next.expected_votes != last.expected_votes ||
           next.quorum != last.quorum || next.disk_votes != last.disk_votes ||
           next.wanted_level != last.wanted_level ||
           next.disk_floor > std::max({last.disk_floor, last.floor, floor.epoch});
}

// Says hello if there is news. Only when votequorum has spoken for this ring, and the quorum disk
// if it is ours: what they said of the last one may be stale.
void Membership::Impl::announce() {
    if (!loaded || !round || !quorum || quorum->ring != round->ring()) {
        return;
    }
    if (disk_is_ours() && !disk_counts()) {
        return;
    }
    auto hello = hello_now();
    if (last_hello && !news(*last_hello, hello)) {
        return;
    }
    // Its last word in this round may have reached the disk, and those who are not in the group.
    if (joined == Epoch(0) && (round->disk_spoken() || disk_counts())) {
        doubt.may_be_written();
        hello.may_have_joined = doubt.may_have_joined();
    }
    hello.attempt = ++attempt;
    last_hello = hello;
    if (round->group_size() > 1) {
        doubt.says(hello);
    }
    multicast(hello);
}

// This member's last word among them. A member never vouches for what was computed from an earlier
// word of its own: so whoever vouched for an epoch says a floor of at least that epoch in every
// later word.
bool Membership::Impl::all_have_spoken() const {
    return round && round->complete() && attempt != 0 && round->attempt_of(self) == attempt;
}

const Proposal* Membership::Impl::proposal_to_vouch_for() {
    if (!all_have_spoken()) {
        return nullptr;
    }
    const auto& decision = round->decision();
    return decision.proposal ? &*decision.proposal : nullptr;
}

void Membership::Impl::progress() {
    if (all_have_spoken() && may_stay(round->decision())) {
        prepare(*round->decision().proposal);
    } else if (round && leaves) {
        commit_if_agreed();
    }
}

bool Membership::Impl::may_stay(const Decision& decision) {
    waits_for_earlier_lives = others_wait = false;
    leaves.reset();
    for (const auto& [process, refusal] : decision.refused) {
        others_wait = others_wait || refusal.cause == Refusal::Cause::kEarlierLives;
        const auto known = reported.find(process);
        if (known == reported.end() || known->second != refusal.cause) {
            reported.insert_or_assign(process, refusal.cause);
            out.push_back(refusal);
        }
        if (process != self) {
            continue;
        }
        if (refusal.cause == Refusal::Cause::kEarlierLives) {
            waits_for_earlier_lives = true;
        } else if (joined == Epoch(0) && decision.proposal) {
            // Its end would change the group before the others are a view, and they had to doubt
            // whether they are; one after the other they would be refused, and end, for ever.
            leaves = refusal.text;
        } else {
            expel(refusal.text);
            return false;
        }
    }
    if (others_wait && has_taken_over_since()) {
        announce_again();
        return false;
    }
    return !waits_for_earlier_lives && !leaves;
}

// Its last word does not have all lives that it was told to take over from.
bool Membership::Impl::has_taken_over_since() const {
    return last_hello && std::ranges::any_of(taken_over, [&](MemberId id) {
               const auto& said_so = last_hello->taken_over;
               return std::ranges::find(said_so, id) == said_so.end();
           });
}

void Membership::Impl::prepare(const Proposal& proposal) {
    const auto epoch = proposal.view.epoch;
    const bool done = vouched && vouched->epoch == epoch && vouched->proposal == proposal.hash;
    if (writing || done) {
        return;
    }
    if (!last_hello) {
        return;  // it has to speak again first, and could not yet
    }
    // The floor rose since its last word, and the lineage with it: the others cannot know, and with
    // another's higher floor the epoch alone does not show it.
    if (last_hello->floor < floor.epoch && !mutated("vouch_twice")) {
        announce_again();
        return;
    }
    // A membership without quorum is nobody's lineage.
    writing =
        Writing{{epoch, proposal.view.quorate ? proposal.lineage : floor.lineage}, proposal.hash};
    if (mutated("vouch_before_flush")) {
        vouch_for(proposal);
    }
    if (disk_counts()) {  // from there the others may read it at any time
        doubt.written(*last_hello);
    }
    out.push_back(WriteFloor{writing->floor, disk_counts()});
}

void Membership::Impl::vouch_for(const Proposal& proposal) {
    vouched = Vouch{round->configuration(), proposal.view.epoch, proposal.hash};
    vouched_quorum = proposal.view.quorum;
    vouched_hold = disk.hold;
    multicast(*vouched);
}

void Membership::Impl::commit_if_agreed() {
    if (!round->complete() || !round->agreed()) {
        return;
    }
    if (leaves) {
        expel(std::string(*leaves));
        return;
    }
    const auto& proposal = *round->decision().proposal;
    const bool among = std::ranges::find(proposal.vouchers, self) != proposal.vouchers.end();
    if (among && (!view || proposal.view.epoch > view->epoch)) {
        commit(proposal);
    }
}

void Membership::Impl::declare_silent() {
    for (const auto& member : round->missing()) {
        if (member != self) {
            multicast(Silent{round->configuration(), member, round->attempt_of(member)});
        }
    }
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

void Membership::Impl::read_disk() {
    if (disk_is_ours() && disk_read == 0) {
        disk_read = options.self.id.incarnation.value() + ++disk_reads;
        out.push_back(ReadDisk{disk_read});
    }
}

void Membership::Impl::check_disk() {
    const bool held = disk_held() && (disk.hold == vouched_hold || mutated("hold_goes_on"));
    if (view && view_needs_disk && !held) {
        lose_quorum();
    }
}

// What was read and agreed under the hold before, others may have overtaken since.
void Membership::Impl::hold_anew() {
    disk_read = 0;
    last_hello.reset();
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
    auto deadline = impl_->silence_due();
    if (impl_->disk.votes > 0 && impl_->now < impl_->disk.deadline) {
        deadline = deadline ? std::min(*deadline, impl_->disk.deadline) : impl_->disk.deadline;
    }
    return deadline;
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
