#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/membership.hpp"
#include "disk_vote.hpp"
#include "doubt.hpp"
#include "round.hpp"

namespace quorate::cluster {

// membership.cpp: inputs and what an agreed view leads to; membership_round.cpp: how it is agreed.
struct Membership::Impl {
    explicit Impl(MembershipOptions given)
        : options(std::move(given)),
          self{options.self.id.node, options.process},
          disk(options.self.id.incarnation) {}

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
        if (disk.hear(input)) {
            last_hello.reset();
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
    bool judged_too_early(const Decision& decision) const;
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
    void expel(std::string reason);

    std::optional<RingId> ring() const {
        return round ? std::optional(round->ring()) : std::nullopt;
    }
    bool disk_counts() const { return disk.counts(ring(), now); }
    void read_disk() {
        if (const auto wanted = disk.read(ring(), now)) {
            out.push_back(*wanted);
        }
    }
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
    DiskVote disk;
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

}  // namespace quorate::cluster
