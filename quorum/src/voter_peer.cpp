#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// What voters tell each other.
namespace quorate::quorum {

using std::chrono::microseconds;

// ---- messages

void Voter::Impl::say(NodeId to, const PeerMessage& message) {
    outputs.push_back(Say{to, encode(message)});
}

void Voter::Impl::talk() {
    if (!have_ring || now - last_talk < timing.heartbeat) {
        return;
    }
    last_talk = now;
    Advert advert;
    for (const auto& disk : disks.all()) {
        const auto on_disk = disks.page(PageKind::kHeartbeat).on_disk[disk.number.value()];
        if (on_disk > 0) {
            auto& list = trust.trusted().has(disk.number) ? advert.written : advert.claimed;
            list.push_back({disk.uuid, on_disk});
        }
    }
    advert.ring = ring;
    advert.boot = options.boot;
    const bool ward = !trusted && withdrawn && !hold.any() && !evicted && !stopping;
    if (ward) {
        ++nonce;
        asked_at = now;
        asked = true;
    } else if (std::exchange(asked, false) || is_listed(options.self)) {
        // Also what was not heard, or what an earlier life of it was granted by one of another's.
        gives_back = true;
        settle_grant();
    }
    const bool asks = wants_words();
    const std::uint64_t question = asks ? words.ask(now, others()) : 0;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        if (!members.has(node) || node == options.self) {
            continue;
        }
        say(node, advert);
        if (ward) {
            say(node, AskLease{nonce});
        }
        if (asks) {
            say(node, AskWord{question, ring});
        }
    }
}

void Voter::Impl::take(const PeerSaid& input) {
    if (!nodes().has(input.from)) {
        return;
    }
    const auto message = decode_message(input.bytes);
    if (!message) {
        note(LogLevel::kWarn, "peer_not_understood", message.error().to_string());
        return;
    }
    std::visit([&](const auto& one) { hear(input.from, one); }, *message);
}

void Voter::Impl::hear(NodeId from, const Advert& message) {
    trust.told(now, from, message);
    if (have_ring && message.ring == ring && members.has(from)) {
        sightings.told(from, ring, message.boot);
    }
}

// ---- wards

void Voter::Impl::hear(NodeId from, const AskLease& message) {
    const bool can = casting && attempt && casting->award.ring == ring && may_cast() &&
                     casting->award.members.has(from) && from != options.self && !condemned(from);
    if (!can) {
        return;
    }
    if (wards.ask(now, from, message.nonce)) {
        beat_now = true;
        return;
    }
    if (!wards.ready(from) || !hold.until()) {
        return;
    }
    wards.granted(from, *hold.until());
    GrantLease granted{message.nonce, casting->epoch, casting->award, 0};
    granted.remaining_us = static_cast<std::uint64_t>((*hold.until() - now).count());
    say(from, granted);
}

// It counts from the asking; by a clock that may be as slow as the other is fast.
void Voter::Impl::hear(NodeId from, const GrantLease& message) {
    if (message.nonce != nonce || trusted || resigning || stopping || evicted ||
        message.award.ring != ring || !message.award.members.has(options.self)) {
        return;
    }
    const auto most = static_cast<std::uint64_t>(microseconds(timing.lease).count());
    const auto remaining = std::min(message.remaining_us, most);
    const auto error = remaining * 2 * timing.clock_error_ppm / 1'000'000 + 1;
    if (remaining > error) {
        grant = Grant{from, message.epoch, message.award,
                      asked_at + microseconds(static_cast<std::int64_t>(remaining - error))};
        bind();  // its votes make it one that has something to lose, whatever its page says
    }
}

void Voter::Impl::hear(NodeId from, const Recall& message) {
    if (grant && grant->watcher == from && grant->epoch <= message.epoch) {
        grant.reset();
    }
    gives_back = true;
    settle_grant();
}

void Voter::Impl::hear(NodeId from, const GivenBack& message) {
    if (wards.given_back(from, message.nonce)) {
        beat_now = true;
    }
}

void Voter::Impl::recall_wards() {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (wards.listed().has(NodeId(n))) {
            say(NodeId(n), Recall{hold.held()});
        }
    }
}

void Voter::Impl::settle_grant() {
    if (grant && now >= grant->until) {
        grant.reset();
    }
    // Its own page answers for what it casts now, or it casts nothing.
    const bool own = casting && casting->award.ring == ring && hold.runs(now) && trusted;
    const bool out = !vote_stands && !grant && (!published || now >= published_until);
    if (gives_back && (own || out)) {
        gives_back = false;
        grant.reset();
        for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
            if (nodes().has(NodeId(n)) && NodeId(n) != options.self) {
                say(NodeId(n), GivenBack{nonce});
            }
        }
        ++nonce;  // what was granted and is still under way does not count
    }
}

}  // namespace quorate::quorum
