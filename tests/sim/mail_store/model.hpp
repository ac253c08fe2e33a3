#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "mail/store/account.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail::store {

// What an account ought to hold, in the plainest form. Flags are system bits and names, so that the
// store's choice of keyword bits is not part of it.
struct ModelMessage {
    Uid uid = 0;
    FlagBits system_flags = 0;
    std::set<std::string> keywords;  // lower case
    ModSeq modseq = 0;
    ZonedTime internal_date;
    std::int64_t save_date = 0;
    std::shared_ptr<const std::string> text;  // shared by the copies of a message
    Id128 email_id;                           // zero: not looked at yet
};

struct ModelMailbox {
    MailboxId id;
    std::uint32_t uid_validity = 0;
    Id128 object_id;
    SpecialUse special_use = SpecialUse::kNone;
    Uid uid_next = 1;
    ModSeq highest_modseq = 1;
    std::vector<ModelMessage> messages;  // ascending uid

    const ModelMessage* find(Uid uid) const;
    std::uint64_t size() const;
};

struct ModelAccount {
    std::map<std::string, ModelMailbox> mailboxes;  // by name
    std::set<std::string> subscriptions;
    ModSeq modseq = 1;               // newest seen
    std::uint32_t uid_validity = 0;  // newest seen

    std::uint64_t messages() const;
    std::uint64_t bytes() const;
    ModelMailbox* find(MailboxId id);
};

// The first difference between what the store says and the model; empty: none. Opens read-only
// views.
std::string difference(Account& account, const ModelAccount& model);
// The same for one message as a view shows it.
std::string difference(Account& account, const View& view, std::uint32_t position,
                       const ModelMessage& model);
// The message as a view shows it, its text taken from the store.
Result<ModelMessage> read_message(Account& account, const View& view, std::uint32_t position);

}  // namespace quorate::mail::store
