#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contest.hpp"
#include "disks.hpp"
#include "hold.hpp"
#include "life.hpp"
#include "message.hpp"
#include "proposer.hpp"
#include "quorum/voter.hpp"
#include "sightings.hpp"
#include "slots.hpp"
#include "trust.hpp"
#include "wards.hpp"

namespace quorate::quorum {

// The machine, in nine files: voter.cpp (inputs, a step), voter_due.cpp (when the next is due),
// voter_pages.cpp (this node's pages), voter_disk.cpp (readings), voter_epoch.cpp (epochs, C1 to
// C3), voter_vote.cpp (casting, C4 and C6), voter_peer.cpp (messages, wards), voter_life.cpp (what
// keeps the machine alive), voter_fence.cpp (lives that are to end).
struct Voter::Impl {
    explicit Impl(VoterOptions options);

    // ---- voter.cpp
    void remember();
    void run();
    VoterStatus status(BootTime at) const;
    void note(LogLevel level, std::string event, std::string text);
    void set_state();
    void take(const Configured& input);
    void take(const UseDisks& input);
    void take(const RingChanged& input);
    void take(const Polled& input);
    void take(const PagesRead& input);
    void take(const PageWritten& input);
    void take(const PeerSaid& input);
    void take(const Scored& input);
    void take(const FenceWanted& input);
    void take(const FenceConfirmed& input);
    void take(const RiderChanged& input);
    void take(const WitnessChanged& input);
    void take(const ReadAnew& input);
    void take(const Bound& input);
    void take(const StopVoting& input);
    void take(const Tick&) {}
    bool learn(const Witness& word);
    void inherit(NodeSet before);

    // ---- voter_due.cpp
    BootTime deadline() const;
    BootTime next_reading() const;
    std::chrono::milliseconds patience() const;
    bool hurried() const;
    bool eager() const;

    // ---- voter_pages.cpp
    bool writes() const { return own_known && !silenced && !stopped && !unanswered(); }
    void beat();
    void put_page(PageKind kind);
    void put_ballot();
    void put_all_pages();
    void put_what_is_missing();
    bool settled() const;
    void settle_step();
    void foreign(std::uint64_t sequence);
    std::uint64_t seen() const;
    void learn_own_pages();
    void mend();

    // ---- voter_disk.cpp
    NodeSet nodes() const { return electorate.nodes(); }
    void read();
    void end_round();
    void looked(bool solid);
    void confirm_own();
    bool witness_shown(std::uint64_t since) const;
    void answer_readings();

    // ---- voter_epoch.cpp
    ContestView view() const;
    Epoch newest_epoch() const;
    void decide();
    void bid(Epoch newest);
    void adopt();
    void check_hold();
    bool lists_others(const Heartbeat& page) const;
    bool closed_by_me() const;
    bool closed(NodeId node) const;
    bool closed_by_mate() const;

    // ---- voter_vote.cpp
    bool lease_runs() const;
    BootTime lease_end() const;
    bool may_cast() const;
    void resign(std::string why);
    void finish_resigning();
    void vote();
    bool waits_to_answer() const;
    bool unanswered() const;
    void poll(bool cast);
    bool publishes() const;
    void publish();

    // ---- voter_life.cpp
    BootTime fed_until() const;
    void feed();
    void bind();
    std::uint64_t shown() const;
    void confirm_life();
    NodeSet others() const;
    bool wants_words() const;
    std::optional<BootTime> ring_stood(NodeId but = NodeId()) const;
    void hear(NodeId from, const AskWord& message);
    void hear(NodeId from, const GiveWord& message);
    bool has_missed_rings(std::uint64_t since) const;
    NodeSet perhaps_met() const;
    void doubt_missed_rings();
    std::vector<Sighting> sighted() const;

    // ---- voter_peer.cpp
    void say(NodeId to, const PeerMessage& message);
    void talk();
    void hear(NodeId from, const Advert& message);
    void hear(NodeId from, const AskLease& message);
    void hear(NodeId from, const GrantLease& message);
    void hear(NodeId from, const Recall& message);
    void hear(NodeId from, const GivenBack& message);
    void recall_wards();
    void settle_grant();

    // ---- voter_fence.cpp
    struct Wanted {
        Incarnation incarnation;  // 0: not known yet
        Uuid boot;
        BootTime since;
        std::string reason;
        std::optional<BootTime> obeyed;         // when its page was first read that says so
        std::optional<std::uint64_t> sequence;  // of its page, read after it was wanted
        bool present = false;                   // that boot is the one that ran then, or one after
    };
    struct Verdict {
        bool done = false;
        std::string text;
    };
    void look_for_fences();
    bool condemned(NodeId node) const;
    void ask_for_fences();
    void tie_fences();
    void tie(NodeId node, Wanted& want) const;
    void follow_fences();
    std::optional<Verdict> judge(NodeId node, Wanted& want) const;
    std::optional<Verdict> judge_obedient(NodeId node, const Wanted& want) const;
    std::string doubt(NodeId node) const;
    bool unheard_of(NodeId node) const;
    bool is_listed(NodeId node) const;
    bool is_ward(NodeId node) const;

    VoterOptions options;
    const Timing& timing;
    BootTime now;
    BootTime started;
    bool first_step = true;
    VoterOutputs outputs;

    // The world as it is told.
    Electorate electorate;
    bool configured = false;
    std::uint32_t disk_step = 0;
    std::optional<std::uint32_t> settled_step;  // so far all pages of this node are where they must
    RingId ring;
    NodeSet members;
    BootTime ring_since;
    bool have_ring = false;
    struct FirstRing {
        RingId id;
        NodeSet members;
        std::uint64_t seen_before = 0;  // the latest that the lives before had seen somebody in
    };
    FirstRing first_ring;       // of this life
    bool rings_missed = false;  // before it, and who was in them is not yet doubted
    std::uint32_t score = 0;
    struct Confirmed {
        Incarnation incarnation;
        BootTime when;
    };
    std::map<NodeId, Confirmed> fenced;

    // The disks.
    Disks disks;
    Slots slots;
    Trust trust;
    bool own_known = false;
    std::uint32_t unreadable_rounds = 0;
    bool silenced = false;  // another voter has the place: nothing is written any more
    std::uint32_t conflicts = 0;
    std::uint64_t first_sequence = 0;  // of this life
    // No disk is trusted before this life's page has been there for so long, with no other over it.
    std::chrono::milliseconds probation{0};
    std::optional<BootTime> shown_since;
    bool trusted = false;
    std::uint64_t sequence = 0;  // of the newest heartbeat
    bool beat_now = false;
    BootTime last_beat;
    bool read_now = false;
    BootTime last_merge_begun;
    std::string rider;
    RequestPage request;
    WitnessPage witness;

    // Epochs.
    Hold hold;
    Proposer proposer;
    struct Try {
        Epoch epoch;
        Award award;
        std::uint64_t written_with = 0;  // heartbeat
        bool held = false;               // C2
    };
    std::optional<Try> attempt;
    struct Casting {
        Epoch epoch;
        Award award;
    };
    std::optional<Casting> casting;  // C1 to C3 were met for it
    Epoch committed;                 // for this ring
    Award committed_award;
    BootTime committed_seen;
    Epoch closed_epoch;
    Epoch needed;
    BootTime last_bid;
    bool yielded = false;
    bool resigning = false;
    bool evicted = false;
    std::string reason;
    VoterState state = VoterState::kStart;

    // votequorum.
    bool withdrawn = false;   // it was told at least once that this life does not cast
    bool vote_stands = true;  // it may count a vote, of this life or of the last
    bool poll_under_way = false;
    bool last_cast = false;
    RingId polled_ring;
    BootTime last_poll;
    BootTime last_feed;
    BootTime polled_well;  // when the last word that votequorum took for this ring was submitted
    RingId polled_well_ring;
    Life life;
    bool bound = false;  // a page that says so may be there
    bool binding = false;
    bool unbindable = false;
    std::optional<std::uint64_t> unbound_with;
    Words words;
    Sightings sightings;
    BootTime last_publish;
    BootTime published_until;
    bool published = false;

    // Others.
    Wards wards;
    std::optional<Grant> grant;
    std::uint64_t nonce = 0;  // counts from the incarnation: no two lives have the same
    bool asked = false;       // for a lease, and has not said since that it needs none
    bool gives_back = false;  // will say so as soon as it is true
    BootTime asked_at;
    BootTime last_talk;
    std::map<NodeId, Wanted> wanted;  // fences
    struct Owed {
        std::uint64_t number = 0;
        std::uint64_t sequence = 0;
    };
    std::vector<Owed> owed_riders;
    std::vector<Owed> owed_witnesses;
    std::vector<WitnessChanged> early_witnesses;
    struct Asked {
        std::uint64_t number = 0;
        BootTime when;
    };
    std::vector<Asked> owed_readings;
    bool stopping = false;
    std::optional<std::uint64_t> stopped_with;
    bool stopped = false;
};

}  // namespace quorate::quorum
