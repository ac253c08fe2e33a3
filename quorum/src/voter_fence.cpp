#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// Lives that are to end: this one, and those of others.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

// Beyond the silence, for a fence: a node that lives by what others say is fed for a lease more,
// its watchdog runs out, Corosync loses it, and only then its silence begins to count.
constexpr milliseconds kPatience(25'000);

}  // namespace

void Voter::Impl::look_for_fences() {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        for (const auto& fence : slots.of(NodeId(n)).request.page.fences) {
            if (fence.target == options.self && fence.incarnation == options.incarnation &&
                !evicted && !mutated("ignore_fences")) {
                evicted = true;
                note(LogLevel::kError, "evicted", fmt::format("by node {}: {}", n, fence.reason));
                resign("evicted");
                beat_now = true;
            }
        }
    }
}

// Somebody wants the end of its life, as far as this node knows: it gets no leave to go on.
bool Voter::Impl::condemned(NodeId node) const {
    if (wanted.contains(node)) {
        return true;
    }
    const auto& life_of_it = slots.of(node).heartbeat;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& request_of = slots.of(NodeId(n)).request;
        const auto is_meant = [&](const Fence& fence) {
            return fence.target == node && fence.incarnation == life_of_it.page.incarnation;
        };
        if (std::ranges::any_of(request_of.page.fences, is_meant)) {
            return true;
        }
    }
    return false;
}

// ---- what this node wants

void Voter::Impl::take(const FenceWanted& input) {
    const auto& reading = slots.of(input.target).heartbeat;
    // Until its own page is there the one that is read is of a life before.
    const bool last_life =
        input.target == options.self && reading.page.incarnation != options.incarnation;
    const bool can =
        nodes().has(input.target) && reading.known != Known::kBlank && writes() && !last_life;
    if (!can || (wanted.size() >= kMaxFences && !wanted.contains(input.target))) {
        outputs.push_back(FenceDone{input.target, {}, false, "its page cannot be read"});
        return;
    }
    wanted[input.target] = {{}, {}, now, input.reason.substr(0, kMaxReason), {}, {}, {}};
    last_talk = BootTime();  // words are asked for now
    ask_for_fences();
}

// Whether the boot that the page shows is known to be the one that ran when the fence was wanted,
// or one after: its life has written since, or nobody of this ring has seen a later one, and
// without any of them it could have done nothing.
void Voter::Impl::tie(NodeId node, Wanted& want) const {
    const auto& reading = slots.of(node).heartbeat;
    if (mutated("page_is_present")) {
        want.present = true;
    }
    if (want.present || reading.known != Known::kSound ||
        want.incarnation != reading.page.incarnation || !sightings.is_present(node, reading.page)) {
        return;
    }
    if (last_merge_begun >= want.since) {
        want.present = want.sequence && reading.page.sequence > *want.sequence;
        want.sequence = want.sequence.value_or(reading.page.sequence);
    }
    // Of whoever has not found its ring to stand since, Corosync may be in a later one already.
    const auto stood = mutated("stale_ring") ? words.all_heard(node) : ring_stood(node);
    want.present = want.present || (electorate.eligible(members) && stood && *stood >= want.since &&
                                    !is_ward(node));
}

void Voter::Impl::tie_fences() {
    for (auto& [node, want] : wanted) {
        tie(node, want);
    }
}

// Of the lives that the pages show; a page that was just being written is waited for. A voter that
// comes to life again on the same boot is asked anew, and so is one on another boot that may have
// run when this was wanted.
void Voter::Impl::ask_for_fences() {
    bool more = false;
    for (auto& [node, want] : wanted) {
        const auto& reading = slots.of(node).heartbeat;
        const bool first = want.incarnation == Incarnation();
        if (reading.known != Known::kSound || want.incarnation == reading.page.incarnation ||
            (!first && want.present && want.boot != reading.page.boot)) {
            continue;
        }
        if (!first && mutated("new_life_is_new_boot")) {
            continue;
        }
        // Written after it was wanted: it ran then.
        want.present = want.present || (want.sequence && want.boot != reading.page.boot);
        want.incarnation = reading.page.incarnation;
        want.boot = reading.page.boot;
        want.obeyed.reset();
        const auto target = node;
        std::erase_if(request.fences, [&](const Fence& fence) { return fence.target == target; });
        request.fences.push_back({node, want.incarnation, newest_epoch(), want.reason});
        more = true;
    }
    if (more) {
        put_page(PageKind::kRequest);
    }
}

bool Voter::Impl::is_listed(NodeId node) const {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (NodeId(n) != node && slots.of(NodeId(n)).heartbeat.page.wards.has(node)) {
            return true;
        }
    }
    return false;
}

// Whether any page says that the node may be told to cast, or cannot be read.
bool Voter::Impl::is_ward(NodeId node) const {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& reading = slots.of(NodeId(n)).heartbeat;
        if (nodes().has(NodeId(n)) &&
            (reading.known == Known::kUnknown || reading.page.wards.has(node))) {
            return true;
        }
    }
    return false;
}

// ---- what came of it

// Why the silence of its page proves nothing; empty: it does, if it lasts.
std::string Voter::Impl::doubt(NodeId node) const {
    const auto& reading = slots.of(node).heartbeat;
    if (timing.mode() != StopMode::kWatchdog) {
        return "it neither obeys nor has it started anew, and there is no watchdog";
    }
    if (mutated("silence_is_proof")) {
        return {};
    }
    if (reading.page.stopped) {
        return "its quorumd was stopped in order: nothing resets its machine";
    }
    if (!sightings.is_present(node, reading.page) && !mutated("page_is_present")) {
        return "its machine may have started again since its page was written";
    }
    if (!reading.page.bound) {
        return "its page does not say that a watchdog binds it";
    }
    if (is_ward(node)) {
        return "another node may be telling it to go on";
    }
    if (mutated("ring_does_not_matter")) {
        return {};
    }
    if (!have_ring || !electorate.eligible(members)) {
        return "this node's partition is too small to tell";
    }
    if (members.has(node)) {
        return "it does not obey, and Corosync still sees it";
    }
    return {};
}

// Its page has been the same for the silence, and as long nobody spoke for it: those here not, for
// they have been in a ring without it; and all who could have, elsewhere, have been in this ring
// all the time, and still were when that was over.
bool Voter::Impl::unheard_of(NodeId node) const {
    const auto& watch = slots.watch(node);
    const auto from =
        mutated("ring_does_not_matter") ? watch.since : std::max(watch.since, ring_since);
    const auto stood = ring_stood();
    return slots.silent(node, timing.silence) && watch.last >= from + timing.silence &&
           (mutated("stale_ring") || (stood && *stood >= from + timing.silence));
}

// Of one whose page says that it obeys.
std::optional<Voter::Impl::Verdict> Voter::Impl::judge_obedient(NodeId node,
                                                                const Wanted& want) const {
    const auto& page = slots.of(node).heartbeat.page;
    if (mutated("its_word_is_enough")) {
        return Verdict{true, "it said so"};
    }
    if (!page.resets) {
        return Verdict{false, "its life has ended, but its machine is not to be reset there"};
    }
    if (timing.mode() == StopMode::kSoft) {
        // Were its reset refused it would go on writing.
        const auto& watch = slots.watch(node);
        if (!members.has(node) && watch.last - watch.since >= timing.lease) {
            return Verdict{true,
                           "it has reset itself: it said so, left Corosync's ring, and is silent"};
        }
    } else if (page.bound && last_merge_begun >= *want.obeyed + timing.surely_stopped()) {
        // It says so still: nobody has taken it back and fed the watchdog since.
        return Verdict{true, "it obeyed, and its watchdog has run out since"};
    }
    return std::nullopt;
}

std::optional<Voter::Impl::Verdict> Voter::Impl::judge(NodeId node, Wanted& want) const {
    const auto& reading = slots.of(node).heartbeat;
    const bool late = now - want.since > timing.silence + kPatience;
    if (want.incarnation == Incarnation()) {
        return late ? std::optional(Verdict{false, "its page cannot be read"}) : std::nullopt;
    }
    const auto confirmed = fenced.find(node);
    if (confirmed != fenced.end() && confirmed->second.incarnation == want.incarnation &&
        (want.present || confirmed->second.when >= want.since)) {
        return Verdict{true, "somebody has confirmed it"};
    }
    const auto& page = reading.page;
    if (reading.known == Known::kSound && page.incarnation != want.incarnation) {
        return Verdict{true,
                       "its machine has started anew"};  // ask_for_fences() takes another life
    }
    if (reading.known == Known::kSound && page.state == VoterState::kEvicted && page.closes() &&
        want.present) {
        want.obeyed = want.obeyed.value_or(now);
        if (auto verdict = judge_obedient(node, want)) {
            return verdict;
        }
        return late ? std::optional(Verdict{false, "it obeyed, and its machine still runs"})
                    : std::nullopt;
    }
    const auto why_not = reading.known == Known::kSound ? doubt(node) : "its page cannot be read";
    if (why_not.empty() && unheard_of(node)) {
        return Verdict{true, "silent, and its watchdog has run out"};
    }
    if (reading.known == Known::kSound && page.stopped) {
        return Verdict{false, why_not};
    }
    if (late) {
        return Verdict{false, why_not.empty() ? "it neither obeys nor is silent" : why_not};
    }
    return std::nullopt;
}

void Voter::Impl::follow_fences() {
    tie_fences();
    ask_for_fences();
    const auto count = request.fences.size();
    for (auto it = wanted.begin(); it != wanted.end();) {
        const auto target = it->first;
        const auto verdict = judge(target, it->second);
        if (!verdict) {
            ++it;
            continue;
        }
        std::erase_if(request.fences, [&](const Fence& fence) { return fence.target == target; });
        outputs.push_back(FenceDone{target, it->second.incarnation, verdict->done, verdict->text});
        it = wanted.erase(it);
    }
    if (request.fences.size() != count) {
        put_page(PageKind::kRequest);
    }
}

}  // namespace quorate::quorum
