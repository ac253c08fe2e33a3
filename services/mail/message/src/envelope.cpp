#include "envelope.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "mail/message/address.hpp"
#include "mail/message/header.hpp"
#include "mail/message/wire.hpp"

namespace quorate::mail::message {
namespace {

// In the order of the envelope.
enum Item { kDate, kSubject, kFrom, kSender, kReplyTo, kTo, kCc, kBcc, kInReplyTo, kMessageId };
constexpr std::size_t kItems = 10;
constexpr std::array<std::string_view, kItems> kNames{"date",        "subject",   "from", "sender",
                                                      "reply-to",    "to",        "cc",   "bcc",
                                                      "in-reply-to", "message-id"};

// The grammar knows no mailbox without host: NIL means a group. These words stand in, the ones that
// mail clients know from other servers.
constexpr std::string_view kNoMailbox = "MISSING_MAILBOX";
constexpr std::string_view kNoHost = "MISSING_DOMAIN";

void append_or(std::string& out, std::string_view text, std::string_view otherwise) {
    append_string(out, text.empty() ? otherwise : text);
}

void append_or_nil(std::string& out, std::string_view text) {
    if (text.empty()) {
        out.append("NIL");
    } else {
        append_string(out, text);
    }
}

void append_address(std::string& out, const Address& address) {
    switch (address.kind) {
        case Address::Kind::kGroupStart:
            out.append("(NIL NIL ");
            append_string(out, address.name);
            out.append(" NIL)");
            return;
        case Address::Kind::kGroupEnd:
            out.append("(NIL NIL NIL NIL)");
            return;
        case Address::Kind::kMailbox:
            break;
    }
    out.push_back('(');
    append_or_nil(out, address.name);
    out.push_back(' ');
    append_or_nil(out, address.route);
    out.push_back(' ');
    append_or(out, address.mailbox, kNoMailbox);
    out.push_back(' ');
    append_or(out, address.host, kNoHost);
    out.push_back(')');
}

std::string render_addresses(const std::vector<std::string_view>& values, const Limits& limits) {
    std::string out;
    for (const auto value : values) {
        for (const auto& address : parse_addresses(unfold(value), limits.addresses)) {
            append_address(out, address);
        }
    }
    return out.empty() ? "NIL" : "(" + out + ")";
}

bool is_address_list(std::size_t item) { return item >= kFrom && item <= kBcc; }

}  // namespace

std::string_view empty_envelope() { return "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"; }

std::string render_envelope(std::string_view header, const Limits& limits) {
    std::array<std::vector<std::string_view>, kItems> values;
    FieldReader reader(header);
    while (const auto field = reader.next()) {
        for (std::size_t item = 0; item < kItems; ++item) {
            if (iequals(field->name, kNames[item])) {
                values[item].push_back(field->value);
            }
        }
    }
    std::array<std::string, kItems> rendered;
    for (std::size_t item = 0; item < kItems; ++item) {
        if (is_address_list(item)) {
            rendered[item] = render_addresses(values[item], limits);
        } else if (values[item].empty()) {
            rendered[item] = "NIL";
        } else {
            append_string(rendered[item], unfold(values[item].back()));
        }
    }
    // "If the Sender or Reply-To lines are absent or present but empty, the server sets the
    // corresponding member of the envelope to be the same value as the from member."
    for (const auto item : {kSender, kReplyTo}) {
        if (rendered[item] == "NIL") {
            rendered[item] = rendered[kFrom];
        }
    }
    std::string out = "(";
    for (const auto& text : rendered) {
        if (out.size() > 1) {
            out.push_back(' ');
        }
        out.append(text);
    }
    out.push_back(')');
    return out;
}

}  // namespace quorate::mail::message
