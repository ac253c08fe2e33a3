#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mail/message/date.hpp"
#include "mail/message/structure.hpp"

// What is computed once, when a message arrives, so that later FETCHes do not touch its body.
namespace quorate::mail::message {

struct Summary {
    // IMAP wire text (RFC 3501 7.4.2), parentheses included, ready to be sent after the item's
    // name. May contain literals and any octet but NUL.
    std::string envelope;
    std::string body;           // BODY: without extension data
    std::string bodystructure;  // BODYSTRUCTURE
    std::string structure;      // encode(Structure)
    std::uint64_t size = 0;     // octets fed: RFC822.SIZE
    // The Date field, for SENTON and the like; nothing when absent or unreadable.
    std::optional<DateTime> sent;
};

// Fed the message in pieces of any size, in order; then finish(), once. Never fails. One caller.
// Memory: Limits, whatever the size of the message.
class SummaryBuilder {
public:
    explicit SummaryBuilder(Limits limits = {});
    ~SummaryBuilder();
    SummaryBuilder(SummaryBuilder&&) noexcept;
    SummaryBuilder& operator=(SummaryBuilder&&) noexcept;

    void feed(std::string_view bytes);
    Summary finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

Summary summarize(std::string_view message, Limits limits = {});

}  // namespace quorate::mail::message
