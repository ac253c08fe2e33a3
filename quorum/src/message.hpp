#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "quorum/types.hpp"

// What voters of one ring tell each other (docs/protocols/quorum.md). None of it is needed between
// partitions.
namespace quorate::quorum {

// How far the sender's heartbeat has come on each disk: whoever reads the disk after hearing this
// must find it. On one that the sender does not trust (yet) it may never have arrived: who trusts
// that disk already goes on doing so.
struct Advert {
    struct Written {
        Uuid disk;
        std::uint64_t sequence = 0;
        bool operator==(const Written&) const = default;
    };
    std::vector<Written> written;
    std::vector<Written> claimed;  // on disks without trust
    RingId ring;                   // of the sender, and
    Uuid boot;                     // which boot of its machine that is; an older voter does not say
    bool operator==(const Advert&) const = default;
};
// A node without a path to the disk asks one that has the votes.
struct AskLease {
    std::uint64_t nonce = 0;
    bool operator==(const AskLease&) const = default;
};
// It may cast too, for so long from when it asked.
struct GrantLease {
    std::uint64_t nonce = 0;
    Epoch epoch;
    Award award;
    std::uint64_t remaining_us = 0;
    bool operator==(const GrantLease&) const = default;
};
// It must stop, and say so.
struct Recall {
    Epoch epoch;
    bool operator==(const Recall&) const = default;
};
// Nothing that was granted for this nonce or one before is made use of any more.
struct GivenBack {
    std::uint64_t nonce = 0;
    bool operator==(const GivenBack&) const = default;
};

// Who of this ring hears me? Asked by a node that cannot show that it lives by its page, and by one
// that wants to know whether its own ring still stands.
struct AskWord {
    std::uint64_t nonce = 0;
    RingId ring;
    bool operator==(const AskWord&) const = default;
};
// The last ring in which somebody saw a node, and as which boot; none: it has not said.
struct Sighting {
    NodeId node;
    RingId ring;
    Uuid boot;
    bool operator==(const Sighting&) const = default;
};
// I do, and was in that ring so long ago by my own votequorum. And this I know of all nodes.
struct GiveWord {
    std::uint64_t nonce = 0;
    RingId ring;
    std::uint64_t age_us = 0;
    std::vector<Sighting> sightings;
    bool operator==(const GiveWord&) const = default;
};

using PeerMessage =
    std::variant<Advert, AskLease, GrantLease, Recall, GivenBack, AskWord, GiveWord>;

std::string encode(const PeerMessage& message);
// Errors: errc::damaged, errc::unsupported_version.
Result<PeerMessage> decode_message(std::string_view bytes);

}  // namespace quorate::quorum
