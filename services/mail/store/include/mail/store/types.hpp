#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/strong.hpp"

namespace quorate::mail::store {

using AccountId =
    Strong<struct AccountIdTag, std::uint64_t>;  // given by the directory, never reused
using MailboxId =
    Strong<struct MailboxIdTag, std::uint32_t>;          // unique in its account, never reused
using BodyId = Strong<struct BodyIdTag, std::uint64_t>;  // unique in its account, never reused
using Uid = std::uint32_t;                               // RFC 3501 2.3.1.1; 0 is none
using ModSeq = std::uint64_t;  // RFC 7162; 63 bits, one counter per account

// Position in the node's journal. Whatever a client is told must wait until the journal is durable
// up to the account's last_lsn() at that time. 0: nothing to wait for.
using Lsn = Strong<struct LsnTag, std::uint64_t>;

// RFC 6154. At most one per mailbox. (Before the flags: g++ warns of kFlagged in the other order.)
enum class SpecialUse : std::uint8_t {
    kNone,
    kAll,
    kArchive,
    kDrafts,
    kFlagged,
    kJunk,
    kSent,
    kTrash
};
// The attribute, "\\Sent"; empty for kNone.
std::string_view special_use_name(SpecialUse use);

// System flags are fixed bits, keywords are bits of their mailbox's keyword list: bit kFirstKeyword
// + index.
using FlagBits = std::uint64_t;
inline constexpr FlagBits kSeen = 1;
inline constexpr FlagBits kAnswered = 2;
inline constexpr FlagBits kFlagged = 4;
inline constexpr FlagBits kDeleted = 8;
inline constexpr FlagBits kDraft = 16;
inline constexpr FlagBits kSystemFlags = 31;
inline constexpr unsigned kFirstKeyword = 5;
inline constexpr unsigned kKeywordsMax =
    58;  // per mailbox; one more is refused with errc::too_many_keywords
inline constexpr unsigned kKeywordBytesMax = 64;

// Seconds since 1970 and the zone in which it was written (INTERNALDATE keeps the client's zone).
struct ZonedTime {
    std::int64_t seconds = 0;
    std::int16_t zone_minutes = 0;
};

// One message of a mailbox as the in-memory index has it.
struct Message {
    Uid uid = 0;
    FlagBits flags = 0;
    ModSeq modseq = 0;
    BodyId body;
    std::uint32_t size = 0;  // RFC822.SIZE in octets; messages are below 2^31
    ZonedTime internal_date;
    std::int64_t save_date = 0;  // seconds; when it came into this mailbox (RFC 8514)
};

struct MailboxInfo {
    MailboxId id;
    std::string name;  // UTF-8, hierarchy separator '/', INBOX in capitals
    std::uint32_t uid_validity = 0;
    Uid uid_next = 1;
    ModSeq highest_modseq = 1;
    std::uint32_t messages = 0;
    std::uint32_t unseen = 0;
    std::uint32_t recent = 0;
    std::uint64_t size = 0;  // octets of all messages (RFC 8438)
    Id128 object_id;         // MAILBOXID (RFC 8474)
    SpecialUse special_use = SpecialUse::kNone;
    bool subscribed = false;
    std::vector<std::string> keywords;  // index i is bit kFirstKeyword + i
};

struct QuotaLimits {
    std::uint64_t bytes = 0;     // 0: unlimited
    std::uint64_t messages = 0;  // 0: unlimited
};

struct QuotaUse {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
};

// Where a body stands in the volume: append-only, written once.
struct BodyRef {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;  // of the first body octet in that segment
    std::uint64_t size = 0;
    std::uint32_t crc32c = 0;
};

}  // namespace quorate::mail::store
