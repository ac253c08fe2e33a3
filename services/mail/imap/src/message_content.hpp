#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/message/structure.hpp"
#include "mail/store/account.hpp"

namespace quorate::mail::imap {

// What the store has of one message, each part loaded when it is first asked for. Lives within one
// call of the executor: bodies may be moved between calls. Errors: of the store.
class MessageContent {
public:
    MessageContent(store::Account& account, store::BodyId body) : account_(account), body_(body) {}

    Result<const store::Content*> content();
    // Computed again from the message when the stored one is unusable.
    Result<const message::Structure*> structure();
    // The octets of a range; valid until the next call.
    Result<std::string_view> octets(message::Range range);
    // The header block of the message; valid until the next call.
    Result<std::string_view> header();

private:
    store::Account& account_;
    store::BodyId body_;
    std::optional<store::Content> content_;
    std::optional<message::Structure> structure_;
    std::optional<std::string> whole_;  // of a small message
    std::string piece_;
};

}  // namespace quorate::mail::imap
