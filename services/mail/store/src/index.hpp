#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mail/store/types.hpp"
#include "ops.hpp"

namespace quorate::mail::store {

class ViewImpl;

// The messages of a mailbox in memory, shared by all views of it. A message that was removed stays
// as dead until no view shows it any more; a view hides the dead that it has reported.
class Index {
public:
    std::vector<Message> messages;    // ascending uid, dead ones included
    std::vector<std::uint32_t> dead;  // ascending positions in `messages`
    std::uint64_t accounted = 0;      // octets of it in Context::index_bytes

    // Position of the first message with uid >= `uid`.
    std::uint32_t lower_bound(Uid uid) const;
    std::optional<std::uint32_t> find(Uid uid) const;
    bool is_dead(std::uint32_t at) const;
    void kill(std::span<const std::uint32_t> ascending);
    // Takes dead messages out for good.
    void purge();
    // First position from `from` on whose message has no \Seen; `end` if none before it.
    std::uint32_t next_unseen(std::uint32_t from, std::uint32_t end);
    // The message there lost \Seen.
    void unseen_at(std::uint32_t at) { seen_before_ = std::min(seen_before_, at); }

private:
    std::uint32_t seen_before_ = 0;  // all messages before are \Seen
};

// A mailbox as its account has it in memory; the index only when a session needed it.
struct Mailbox {
    MailboxId id;
    std::string name;
    std::uint32_t uid_validity = 0;
    Id128 object_id;
    SpecialUse special_use = SpecialUse::kNone;
    std::int64_t created = 0;
    MailboxCounters counters;
    std::vector<std::string> keywords;
    // Messages from this uid on were shown to no session as recent. Not journaled: after a crash
    // some are recent once more (RFC 3501 2.3.2 permits it).
    Uid recent_from = 1;
    bool recent_dirty = false;
    bool gone = false;

    std::unique_ptr<Index> index;
    std::vector<ViewImpl*> views;

    // Dead messages leave the index when no view shows them.
    void purge_index();
    std::optional<unsigned> keyword_bit(std::string_view keyword) const;
};

}  // namespace quorate::mail::store
