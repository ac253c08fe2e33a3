#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mail/message/summary.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail::store {

class View;

// A message to add: its body is already in the journal (Store::put_body), the rest is metadata.
struct NewMessage {
    BodyRef body;
    FlagBits system_flags = 0;
    std::vector<std::string> keywords;
    ZonedTime internal_date;
    const message::Summary* summary = nullptr;  // borrowed for the call
};

struct Appended {
    std::uint32_t uid_validity = 0;
    Uid uid = 0;
};

enum class FlagAction { kReplace, kAdd, kRemove };

struct FlagChange {
    FlagAction action = FlagAction::kAdd;
    FlagBits system_flags = 0;
    std::vector<std::string> keywords;
};

struct Copied {
    std::uint32_t uid_validity = 0;  // of the destination
    std::vector<Uid> source_uids;    // pairwise
    std::vector<Uid> destination_uids;
};

// What delivery computed once; served by FETCH without touching the body.
struct Content {
    BodyRef body;
    std::string envelope;       // IMAP wire text
    std::string body_text;      // BODY
    std::string bodystructure;  // BODYSTRUCTURE
    std::string structure;      // message::encode(Structure): byte offsets of all parts
    Id128 email_id;             // EMAILID (RFC 8474)
};

// One account: all its mailboxes. Synchronous; every change is in effect for all views when the
// call returns and is durable when the journal has reached last_lsn().
//
// Thread rule: one caller at a time (the shell gives each account a strand). Views belong to their
// account's strand too. Errors: store::errc. A failed call has changed nothing.
class Account {
public:
    virtual ~Account() = default;

    virtual AccountId id() const = 0;
    // Journal position of the newest change; see Lsn.
    virtual Lsn last_lsn() const = 0;

    // ---- mailboxes (RFC 3501 5.1, 6.3). INBOX always exists. Names are UTF-8 here; modified UTF-7
    // is IMAP's affair.
    virtual Result<std::vector<MailboxInfo>> mailboxes() = 0;  // by name, INBOX first
    virtual Result<MailboxInfo> mailbox(std::string_view name) = 0;
    virtual Result<MailboxInfo> mailbox(MailboxId id) = 0;
    // Creates missing parents. UIDVALIDITY is never given twice to one name.
    virtual Result<MailboxInfo> create(std::string_view name,
                                       SpecialUse special_use = SpecialUse::kNone) = 0;
    // Removes the mailbox and its messages; children stay, and so the name as \Noselect (listed by
    // IMAP, not here).
    virtual Status remove(std::string_view name) = 0;
    // Renames children too. INBOX: moves its messages into a new mailbox (RFC 3501 6.3.5).
    virtual Status rename(std::string_view from, std::string_view to) = 0;
    virtual Status subscribe(std::string_view name, bool subscribed) = 0;
    virtual Result<std::vector<std::string>> subscriptions() = 0;  // may name what does not exist

    // ---- sessions
    // `on_change` is called on the strand after another caller changed this mailbox; it may only
    // post a wake-up.
    virtual Result<std::unique_ptr<View>> open(MailboxId id, bool read_only,
                                               std::function<void()> on_change) = 0;
    // Marks what is recent as seen by a session and tells which messages this session sees as
    // \Recent: uid >= result.
    virtual Result<Uid> claim_recent(MailboxId id) = 0;

    // ---- messages
    virtual Result<Appended> append(MailboxId id, const NewMessage& message) = 0;
    // Positions are 0-based indexes into the view; expunged ones are skipped. Returns those whose
    // flags were changed by this call; the caller's view does not report these back.
    virtual Result<std::vector<std::uint32_t>> change_flags(
        View& view, std::span<const std::uint32_t> positions, const FlagChange& change) = 0;
    // Removes the messages with \Deleted, all or those at `positions`. Views learn of it at their
    // next sync.
    virtual Result<std::vector<Uid>> expunge(
        View& view, std::optional<std::span<const std::uint32_t>> positions) = 0;
    // Removes regardless of \Deleted: POP3 QUIT, one transaction. Unknown uids are ignored.
    virtual Result<std::size_t> remove_messages(MailboxId id, std::span<const Uid> uids) = 0;
    // Order kept, flags, keywords and INTERNALDATE kept, one transaction. Same destination allowed.
    virtual Result<Copied> copy(View& view, std::span<const std::uint32_t> positions,
                                MailboxId destination) = 0;
    virtual Result<Copied> move(View& view, std::span<const std::uint32_t> positions,
                                MailboxId destination) = 0;

    // ---- content
    virtual Result<Content> content(BodyId body) = 0;
    // For long scans: calls `use` for each in order with views valid for that call, until it
    // returns false; cheaper than content() each. `field` selects what is read. `use` may not call
    // the account.
    enum class Field { kEnvelope, kBody, kBodystructure };
    virtual Status for_each(
        std::span<const BodyId> bodies, Field field,
        const std::function<bool(std::size_t index, std::string_view text)>& use) = 0;
    // Octets [offset, offset + size) of the body, cut at its end. Verified against the checksum:
    // errc::damaged, never wrong bytes.
    virtual Result<std::string> read_body(const BodyRef& body, std::uint64_t offset,
                                          std::uint64_t size) = 0;

    virtual QuotaUse quota_use() const = 0;
    virtual QuotaLimits quota_limits() const = 0;
};

// What a session sees of its selected mailbox: sequence numbers that change only at sync().
// Positions are 0-based (sequence number - 1). A message expunged by somebody else stays here, and
// its body readable, until sync() reports it.
class View {
public:
    virtual ~View() = default;

    virtual MailboxId mailbox() const = 0;
    virtual bool read_only() const = 0;
    virtual std::uint32_t size() const = 0;
    // Current state of the message: flags are always up to date.
    virtual const Message& at(std::uint32_t position) const = 0;
    virtual bool expunged(std::uint32_t position) const = 0;  // gone for others already
    // First position whose uid is >= `uid`; size() if none.
    virtual std::uint32_t lower_bound(Uid uid) const = 0;
    virtual bool recent(std::uint32_t position) const = 0;
    // Position of the first message without \Seen; nothing when there is none. Every SELECT asks:
    // not a scan of the mailbox each time.
    virtual std::optional<std::uint32_t> first_unseen() const = 0;
    virtual const std::vector<std::string>& keywords() const = 0;
    // The mailbox was deleted under the session: the view stays as it is, all of it expunged.
    virtual bool gone() const = 0;

    struct Changes {
        std::vector<std::uint32_t>
            expunged;  // positions, to be reported in this order, each valid after those before it
        std::optional<std::uint32_t> exists;  // new size, when it grew
        std::optional<std::uint32_t> recent;  // new count, when it changed
        std::vector<std::uint32_t> flags;     // positions after the expunges and growth
        bool keywords = false;  // the keyword list grew: report FLAGS and PERMANENTFLAGS
    };
    // Brings the view up to date. `expunges` false (FETCH, STORE, SEARCH; RFC 3501 7.4.1): they are
    // kept for later.
    virtual Changes sync(bool expunges) = 0;
    // Cheap: whether sync() would report something. Any thread.
    virtual bool has_changes() const = 0;
};

}  // namespace quorate::mail::store
