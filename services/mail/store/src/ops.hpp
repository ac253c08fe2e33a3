#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "mail/store/types.hpp"
#include "ranges.hpp"

// Redo operations: the data of a CHANGE frame, docs/formats/mail-journal.md. A frame is one
// transaction. Values are absolute, so that an operation means the same however often it is done.
namespace quorate::mail::store {

inline constexpr std::uint8_t kOpsVersion = 1;

// INBOX: its creation is the first change of every account.
inline constexpr MailboxId kFirstMailbox{1};

// Counters of the account; in every frame.
struct AccountState {
    ModSeq modseq = 1;  // newest given; one counter for all mailboxes, never falls
    std::uint32_t next_mailbox = 1;
    std::uint64_t next_body = 1;
    std::uint32_t uid_validity = 0;  // newest given
    std::uint64_t bytes = 0;         // of all messages in all mailboxes
    std::uint64_t messages = 0;
};

// Counters of a mailbox, without its name and the like.
struct MailboxCounters {
    Uid uid_next = 1;
    ModSeq highest_modseq = 1;
    std::uint32_t messages = 0;
    std::uint32_t unseen = 0;
    std::uint32_t deleted = 0;
    std::uint64_t size = 0;
};

struct OpAccount {
    AccountState state;
};
// Creates or renames.
struct OpMailbox {
    MailboxId id;
    std::string_view name;
    std::uint32_t uid_validity = 0;
    Id128 object_id;
    SpecialUse special_use = SpecialUse::kNone;
    std::int64_t created = 0;
};
struct OpCounters {
    MailboxId id;
    MailboxCounters counters;
};
// With all its messages.
struct OpMailboxRemoved {
    MailboxId id;
};
struct OpKeyword {
    MailboxId id;
    std::uint8_t index = 0;
    std::string_view name;
};
struct OpSubscription {
    std::string_view name;
    bool subscribed = false;
};
struct OpBody {
    BodyId id;
    BodyRef ref;
    Id128 email_id;
    std::string_view envelope;
    std::string_view body;
    std::string_view bodystructure;
    std::string_view structure;
};
// Adds a message that refers to a body already known.
struct OpMessage {
    MailboxId mailbox;
    Message message;
};
// flags = (flags & ~clear) | set.
struct OpFlags {
    MailboxId mailbox;
    ModSeq modseq = 0;
    FlagBits clear = 0;
    FlagBits set = 0;
    std::vector<UidRange> uids;
};
struct OpRemoved {
    MailboxId mailbox;
    ModSeq modseq = 0;
    std::vector<UidRange> uids;
};
// Compaction put a body elsewhere.
struct OpBodyMoved {
    BodyId id;
    BodyRef ref;
};
struct OpAccountRemoved {};

using Op =
    std::variant<OpAccount, OpMailbox, OpCounters, OpMailboxRemoved, OpKeyword, OpSubscription,
                 OpBody, OpMessage, OpFlags, OpRemoved, OpBodyMoved, OpAccountRemoved>;

class OpWriter {
public:
    OpWriter();
    void put(const OpAccount& op);
    void put(const OpMailbox& op);
    void put(const OpCounters& op);
    void put(const OpMailboxRemoved& op);
    void put(const OpKeyword& op);
    void put(const OpSubscription& op);
    void put(const OpBody& op);
    void put(const OpMessage& op);
    void put(const OpFlags& op);
    void put(const OpRemoved& op);
    void put(const OpBodyMoved& op);
    void put(const OpAccountRemoved& op);
    std::string take() { return std::move(out_); }

private:
    std::string out_;
    ByteWriter writer_;
};

// Views in the operations point into the input.
class OpReader {
public:
    explicit OpReader(std::string_view bytes);
    // False at the end. Errors: damaged, unsupported_version.
    Result<bool> next(Op& op);

private:
    ByteReader reader_;
    bool first_ = true;
};

}  // namespace quorate::mail::store
