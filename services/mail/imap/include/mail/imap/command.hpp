#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mail/message/date.hpp"
#include "mail/message/structure.hpp"
#include "mail/store/types.hpp"

// IMAP commands after parsing (RFC 3501 section 6, RFC 2177, 4315, 6851): what the
// Session machine hands to the Executor. Values without behaviour. Mailbox names are UTF-8 (decoded
// from modified UTF-7, RFC 3501 5.1.3).
namespace quorate::mail::imap {

// RFC 3501 sequence-set, or a uid set. Numbers as written, first <= last not required; kStar is
// "*". Limit: 100,000 ranges.
inline constexpr std::uint32_t kStar = 0;
struct SetRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const SetRange&) const = default;
};
struct MessageSet {
    bool uid = false;
    std::vector<SetRange> ranges;
    bool operator==(const MessageSet&) const = default;
};

// Flags as a client writes them: system flags as bits, keywords with their spelling. \Recent and
// unknown \-flags were refused.
struct FlagList {
    store::FlagBits system = 0;
    std::vector<std::string> keywords;
    bool operator==(const FlagList&) const = default;
};

struct Select {
    std::string mailbox;
    bool read_only = false;  // EXAMINE
};
// CLOSE expunges silently (unless read-only), UNSELECT (RFC 3691) does not.
struct Unselect {
    bool expunge = false;
};
struct Create {
    std::string mailbox;
    // What USE asked for (RFC 6154 3); nothing: what the name says.
    std::optional<store::SpecialUse> use;
};
struct Delete {
    std::string mailbox;
};
struct Rename {
    std::string from;
    std::string to;
};
struct Subscribe {
    std::string mailbox;
    bool subscribed = true;
};
// LIST and LSUB. Reference and pattern are UTF-8 with "%" and "*" as wildcards.
struct List {
    std::string reference;
    std::string pattern;
    bool subscribed = false;  // LSUB
};
struct StatusCommand {
    std::string mailbox;
    enum Item : std::uint32_t {
        kMessages = 1,
        kRecent = 2,
        kUidNext = 4,
        kUidValidity = 8,
        kUnseen = 16,
        kSize = 32,         // RFC 8438
        kAppendLimit = 64,  // RFC 7889
    };
    std::uint32_t items = 0;
};
// Asked before the octets of an APPEND are invited or swallowed. A refusal answers the command.
struct AppendCheck {
    std::string mailbox;
    std::uint64_t size = 0;
};
// The octets are the body that the shell collected.
struct Append {
    std::string mailbox;
    FlagList flags;
    std::optional<message::DateTime> date;
};
struct Noop {
    bool check = false;  // CHECK
};
// Untagged responses only: what changed, for a session in IDLE (RFC 2177).
struct Poll {};
struct Expunge {
    std::optional<MessageSet> uids;  // UID EXPUNGE (RFC 4315)
};
struct StoreFlags {
    MessageSet set;
    enum class Action { kReplace, kAdd, kRemove } action = Action::kReplace;
    bool silent = false;
    FlagList flags;
};
struct Copy {
    MessageSet set;
    std::string mailbox;
    bool move = false;  // RFC 6851
};

// BODY[section]<partial>, BODY.PEEK, RFC822 and its kind.
struct FetchSection {
    std::vector<std::uint32_t> path;
    message::Section section = message::Section::kAll;
    enum class Fields { kNone, kThese, kOthers } fields = Fields::kNone;  // HEADER.FIELDS[.NOT]
    std::vector<std::string> names;  // as the client wrote them
    struct Partial {
        std::uint32_t offset = 0;
        std::uint32_t size = 0;
    };
    std::optional<Partial> partial;
    bool peek = false;
    std::string label;  // what the response calls it: "BODY[1.HEADER]<0>", "RFC822.TEXT"
};
struct FetchItem {
    enum class Kind {
        kFlags,
        kUid,
        kInternalDate,
        kSize,
        kEnvelope,
        kBody,
        kBodystructure,
        kSection,
    } kind = Kind::kFlags;
    FetchSection section;  // kSection
};
struct Fetch {
    MessageSet set;
    std::vector<FetchItem> items;  // macros expanded; a UID FETCH has kUid among them
};

// One SEARCH key, or a list of which all must hold. Limits: depth 50, 10,000 keys.
struct SearchKey {
    enum class Kind {
        kAll,         // every child; no children: everything
        kNot,         // one child
        kOr,          // two children
        kSet,         // `set`
        kHasFlags,    // all bits of `flags`
        kLacksFlags,  // none of the bits of `flags`
        kKeyword,     // `name`
        kUnkeyword,   // `name`
        kRecent,      // NEW is kAll(kRecent, kLacksFlags \Seen)
        kOld,
        kBefore,  // internal date, `day`
        kOn,
        kSince,
        kSentBefore,  // Date field, `day`
        kSentOn,
        kSentSince,
        kLarger,  // `number`
        kSmaller,
        kHeader,  // field `name` contains `text` (FROM, SUBJECT, ... too)
        kBodyText,
        kText,
    } kind = Kind::kAll;
    store::FlagBits flags = 0;
    std::uint32_t number = 0;
    message::Day day = 0;
    MessageSet set;
    std::string name;
    std::string text;  // UTF-8
    std::vector<SearchKey> children;
};
struct Search {
    bool uid = false;
    SearchKey key;
};

struct Command {
    std::string tag;   // empty: Poll
    std::string name;  // "UID FETCH", for the tagged line's text
    std::variant<Noop, Poll, Select, Unselect, Create, Delete, Rename, Subscribe, List,
                 StatusCommand, AppendCheck, Append, Expunge, StoreFlags, Copy, Fetch, Search>
        what;
};

}  // namespace quorate::mail::imap
