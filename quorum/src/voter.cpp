#include "quorum/voter.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "seen.hpp"
#include "voter_impl.hpp"

namespace quorate::quorum {
namespace {
// Witnesses that a disk that does not answer keeps waiting.
constexpr std::size_t kMostOwed = 1024;
}  // namespace

Voter::Impl::Impl(VoterOptions its_options)
    : options(std::move(its_options)),
      timing(options.timing),
      disks(options.self),
      trust(options.self, options.incarnation, options.timing),
      hold(options.timing.lease),
      proposer(options.self),
      life(options.timing),
      bound(options.bound),
      words(options.timing, options.incarnation.value()),
      wards(options.timing),
      nonce(options.incarnation.value()) {
    QUORATE_ASSERT(has_place(options.self));
    remember();
    slots.identify(options.cluster);
    request.node = witness.node = options.self;
    request.cluster = witness.cluster = options.cluster;
    reason = "starting";
}

void Voter::Impl::remember() {
    if (options.remembered.empty()) {
        return;
    }
    if (const auto seen = decode_seen(options.remembered)) {
        sightings.heard(*seen);
    } else {
        options.forgot = true;
        note(LogLevel::kError, "seen_not_read", seen.error().to_string());
    }
}

void Voter::Impl::note(LogLevel level, std::string event, std::string text) {
    outputs.push_back(Note{level, std::move(event), std::move(text)});
}

// ---- inputs

void Voter::Impl::take(const Configured& input) {
    const auto before = nodes();
    electorate.configure(input);
    configured = true;
    inherit(before);
}

// The page of a node that is configured no more is read no more: what it knew of sets, all that
// stay know.
void Voter::Impl::inherit(NodeSet before) {
    bool more = false;
    for (std::uint32_t n = 1; n <= kMaxNodes && own_known; ++n) {
        const NodeId node(n);
        if (!before.has(node) || nodes().has(node) || node == options.self) {
            continue;
        }
        for (const auto& left : slots.of(node).witness.page.sets) {
            more = learn(left) || more;
        }
    }
    if (more) {
        put_page(PageKind::kWitness);
    }
}

void Voter::Impl::take(const UseDisks& input) {
    for (const auto& disk : disks.all()) {
        const auto same = [&](const DiskUsed& one) {
            return one.number == disk.number && one.uuid == disk.uuid;
        };
        if (std::ranges::none_of(input.current, same) && std::ranges::none_of(input.next, same)) {
            trust.forget(disk.number);
        }
    }
    disks.use(input);
    disk_step = input.step;
    beat_now = true;
    if (writes()) {
        put_all_pages();
    }
}

void Voter::Impl::take(const RingChanged& input) {
    if (have_ring && input.ring == ring) {
        return;
    }
    ring = input.ring;
    members = input.members;
    ring_since = now;
    if (!std::exchange(have_ring, true)) {
        first_ring = {ring, members, sightings.newest()};
    }
    // What was forgotten may have been anything in the rings before this one.
    auto met = std::exchange(options.forgot, false) ? nodes() : members;
    met.remove(options.self);
    sightings.seen(ring, met);
    yielded = false;
    committed = Epoch();
    committed_award = {};
    needed = Epoch();
    attempt.reset();
    grant.reset();
    words.forget();
    proposer.abandon();
    beat_now = true;
    last_talk = BootTime();
}

void Voter::Impl::take(const Scored& input) { score = input.score; }

void Voter::Impl::take(const FenceConfirmed& input) {
    fenced[input.node] = {input.incarnation, now};
}

void Voter::Impl::take(const RiderChanged& input) {
    rider = input.rider.substr(0, kMaxRider);
    owed_riders.push_back({input.number, sequence + 1});
    beat_now = true;
}

void Voter::Impl::take(const WitnessChanged& input) {
    if (owed_witnesses.size() + early_witnesses.size() >= kMostOwed) {
        outputs.push_back(WitnessWritten{input.number, false, /*full=*/true});
        return;
    }
    if (!own_known) {
        early_witnesses.push_back(input);  // beside what the last life knew
        return;
    }
    if (!learn(input.witness)) {
        outputs.push_back(WitnessWritten{input.number, false, /*full=*/true});
        return;
    }
    put_page(PageKind::kWitness);
    owed_witnesses.push_back({input.number, witness.sequence});
}

// False: there is no place for one set more.
bool Voter::Impl::learn(const Witness& word) {
    auto& sets = witness.sets;
    const auto it = std::ranges::lower_bound(sets, word.set, {}, &Witness::set);
    if (it != sets.end() && it->set == word.set) {
        it->learn(word);
    } else if (sets.size() < kMaxWitnessed) {
        sets.insert(it, word);
    } else {
        note(LogLevel::kError, "too_many_witnesses", word.set.to_hex());
        return false;
    }
    return true;
}

void Voter::Impl::take(const ReadAnew& input) {
    owed_readings.push_back({input.number, now});
    read_now = true;
}

void Voter::Impl::take(const StopVoting&) {
    stopping = true;
    resign("stopping");
    beat_now = true;
}

// ---- what is due

void Voter::Impl::run() {
    trust.expire(now, patience());
    trusted = trusted && disks.majority(trust.trusted());
    if (!trusted && proposer.busy()) {
        proposer.abandon();  // what was written to a disk without trust does not count, ever
    }
    if (hold.expired(now) && !resigning) {
        resign("the lease ran out");
    }
    if (unanswered() && !resigning) {
        resign("Corosync does not answer");
    }
    if (wards.expire(now)) {
        beat_now = true;
    }
    settle_grant();
    finish_resigning();
    settle_step();
    set_state();
    vote();
    publish();
    feed();
    doubt_missed_rings();
    if (configured && !disks.empty() && have_ring) {
        if (writes() && (beat_now || now - last_beat >= timing.heartbeat)) {
            beat();
        }
        put_ballot();
        if (now >= next_reading()) {
            read();
        }
        talk();
    }
    tie_fences();
    if (sightings.take_news()) {
        outputs.push_back(Remember{encode_seen(sightings.all())});
    }
    auto io = disks.take();
    std::ranges::move(io, std::back_inserter(outputs));
}

void Voter::Impl::set_state() {
    const auto before = state;
    const bool own = casting && casting->award.ring == ring;
    if (evicted && !vote_stands && !hold.any() && wards.empty()) {
        state = VoterState::kEvicted;
    } else if (!own_known) {
        state = VoterState::kStart;
    } else if (!trusted) {
        state = VoterState::kProbe;
    } else if (yielded || resigning || evicted) {
        state = VoterState::kResigned;
    } else if (own && hold.runs(now)) {
        state = VoterState::kHold;
    } else if (!have_ring || !electorate.eligible(members)) {
        state = VoterState::kIdle;
    } else {
        state = leader(view()) == options.self ? VoterState::kBid : VoterState::kFollow;
    }
    if (state != before) {
        beat_now = true;
        note(LogLevel::kInfo, "state", fmt::format("{} to {}", text_of(before), text_of(state)));
    }
}

VoterStatus Voter::Impl::status(BootTime at) const {
    VoterStatus status;
    status.state = state;
    status.reason = reason;
    status.ring = ring;
    status.members = members;
    status.quorum = electorate.quorum();
    status.disk_votes = electorate.disk_votes();
    status.trusted = trusted;
    status.bound = bound;
    status.casting = may_cast() && vote_stands && last_cast;
    status.epoch = newest_epoch();
    status.held = hold.held();
    status.released = hold.released();
    if (hold.runs(at)) {
        status.lease = hold.until();
    } else if (grant && at < grant->until) {
        status.lease = grant->until;
    }
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (!nodes().has(NodeId(n))) {
            continue;
        }
        if (slots.silent(NodeId(n), timing.silence)) {
            status.silent.add(NodeId(n));
        }
        const auto& page = slots.of(NodeId(n)).heartbeat.page;
        status.steps.push_back({NodeId(n), page.disk_step, page.trusted});
    }
    return status;
}

// ---- the outside

Voter::Voter(VoterOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Voter::~Voter() = default;
Voter::Voter(Voter&&) noexcept = default;
Voter& Voter::operator=(Voter&&) noexcept = default;

VoterOutputs Voter::step(BootTime now, const VoterInput& input) {
    auto& impl = *impl_;
    if (std::exchange(impl.first_step, false)) {
        impl.started = now;
    }
    impl.now = std::max(impl.now, now);
    std::visit([&](const auto& one) { impl.take(one); }, input);
    impl.run();
    return std::exchange(impl.outputs, {});
}

BootTime Voter::deadline() const { return impl_->deadline(); }
VoterStatus Voter::status(BootTime now) const { return impl_->status(now); }

}  // namespace quorate::quorum
