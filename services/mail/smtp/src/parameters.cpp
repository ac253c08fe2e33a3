#include "parameters.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "xtext.hpp"

namespace quorate::mail::smtp {
namespace {

constexpr std::size_t kEnvidMax = 100;   // RFC 3461 4.4
constexpr std::size_t kOrcptMax = 500;   // RFC 3461 4.2
constexpr std::size_t kSizeDigits = 20;  // RFC 1870 3
// More than there are keywords: one must be wrong.
constexpr std::size_t kParametersMax = 16;

struct Parameter {
    std::string_view keyword;
    std::optional<std::string_view> value;
};

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

bool is_keyword(std::string_view text) {
    return !text.empty() && text.front() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// Each keyword once, values of esmtp-value's characters.
OrReply<std::vector<Parameter>> split_parameters(std::string_view text) {
    std::vector<Parameter> parameters;
    for (const auto word : split(text, ' ')) {
        if (word.empty()) {
            continue;
        }
        Parameter parameter;
        const auto equals = word.find('=');
        parameter.keyword = word.substr(0, equals);
        if (equals != std::string_view::npos) {
            parameter.value = word.substr(equals + 1);
        }
        if (!is_keyword(parameter.keyword) || parameters.size() == kParametersMax ||
            (parameter.value &&
             (parameter.value->empty() || parameter.value->find('=') != std::string_view::npos))) {
            return tl::unexpected(replies::kBadParameter);
        }
        for (const auto& earlier : parameters) {
            if (iequals(earlier.keyword, parameter.keyword)) {
                return tl::unexpected(replies::kRepeatedParameter);
            }
        }
        parameters.push_back(parameter);
    }
    return parameters;
}

using Refusal = std::optional<Reply>;

Refusal bad_unless(bool good) { return good ? Refusal() : Refusal(replies::kBadParameter); }

Refusal set_size(MailArguments& mail, std::string_view value) {
    const auto size = parse_u64(value);
    mail.size = size.value_or(0);
    if (!size && value.size() <= kSizeDigits &&
        value.find_first_not_of("0123456789") == value.npos) {
        return replies::kTooBig;  // more than 64 bits hold
    }
    return bad_unless(size.has_value());
}

Refusal set_body(MailArguments& mail, std::string_view value) {
    mail.eight_bit = iequals(value, "8BITMIME");
    return mail.eight_bit || iequals(value, "7BIT") ? Refusal()
                                                    : Refusal(replies::kUnknownParameter);
}

Refusal set_ret(MailArguments& mail, std::string_view value) {
    mail.ret = to_upper(value);
    return bad_unless(mail.ret == "FULL" || mail.ret == "HDRS");
}

Refusal set_envid(MailArguments& mail, std::string_view value) {
    const auto decoded = decode_xtext(value);
    mail.envid = decoded.value_or("");
    return bad_unless(decoded && value.size() <= kEnvidMax);
}

// The identity is not checked, so it is nobody's word: only its form matters (RFC 4954 5).
Refusal set_auth(MailArguments& mail, std::string_view value) {
    const auto decoded = value == "<>" ? std::string(value) : decode_xtext(value);
    mail.auth = decoded.value_or("");
    return bad_unless(decoded && (value == "<>" || parse_mailbox(*decoded)));
}

Refusal set_mail_parameter(MailArguments& mail, const Parameter& parameter, bool auth_offered) {
    const auto& keyword = parameter.keyword;
    if (iequals(keyword, "SMTPUTF8")) {
        mail.utf8 = true;
        return bad_unless(!parameter.value);
    }
    constexpr std::array<std::pair<std::string_view, Refusal (*)(MailArguments&, std::string_view)>,
                         5>
        kSetters{{{"SIZE", set_size},
                  {"BODY", set_body},
                  {"RET", set_ret},
                  {"ENVID", set_envid},
                  {"AUTH", set_auth}}};
    for (const auto& [name, set] : kSetters) {
        if (iequals(keyword, name) && (auth_offered || set != set_auth)) {
            return parameter.value ? set(mail, *parameter.value) : replies::kBadParameter;
        }
    }
    return replies::kUnknownParameter;
}

// RFC 3461 4.1: NEVER alone, or any of the others, each once.
Refusal set_notify(RcptArguments& rcpt, std::string_view value) {
    rcpt.notify = to_upper(value);
    if (rcpt.notify == "NEVER") {
        return std::nullopt;
    }
    auto words = split(rcpt.notify, ',');
    const bool known = std::all_of(words.begin(), words.end(), [](std::string_view word) {
        return word == "SUCCESS" || word == "FAILURE" || word == "DELAY";
    });
    std::sort(words.begin(), words.end());
    return bad_unless(known && std::adjacent_find(words.begin(), words.end()) == words.end());
}

// RFC 3461 4.2; with SMTPUTF8 also RFC 6533 3, whose addresses may be plain UTF-8.
Refusal set_orcpt(RcptArguments& rcpt, std::string_view value, bool utf8) {
    const auto semicolon = value.find(';');
    if (semicolon == value.npos || value.size() > kOrcptMax ||
        !is_keyword(value.substr(0, semicolon))) {
        return replies::kBadParameter;
    }
    const auto type = value.substr(0, semicolon);
    const auto address = value.substr(semicolon + 1);
    const auto decoded =
        utf8 && iequals(type, "utf-8") ? std::string(address) : decode_xtext(address);
    if (!decoded || decoded->empty()) {
        return replies::kBadParameter;
    }
    rcpt.orcpt = std::string(type) + ";" + *decoded;
    return std::nullopt;
}

Refusal set_rcpt_parameter(RcptArguments& rcpt, const Parameter& parameter, bool utf8) {
    const bool notify = iequals(parameter.keyword, "NOTIFY");
    if (!notify && !iequals(parameter.keyword, "ORCPT")) {
        return replies::kUnknownParameter;
    }
    if (!parameter.value) {
        return replies::kBadParameter;
    }
    return notify ? set_notify(rcpt, *parameter.value) : set_orcpt(rcpt, *parameter.value, utf8);
}

struct Split {
    Mailbox mailbox;
    std::vector<Parameter> parameters;
};

struct PathReplies {
    std::string_view prefix;  // "FROM:"
    Reply syntax;
    Reply bad_path;
};

// prefix, path, parameters.
OrReply<Split> split_argument(std::string_view argument, const PathReplies& kind) {
    if (!istarts_with(argument, kind.prefix)) {
        return tl::unexpected(kind.syntax);
    }
    argument.remove_prefix(kind.prefix.size());
    argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
    auto path = parse_path(argument);
    if (!path) {
        return tl::unexpected(argument.starts_with('<') ? kind.bad_path : kind.syntax);
    }
    argument.remove_prefix(path->consumed);
    if (!argument.empty() && argument.front() != ' ') {
        return tl::unexpected(kind.bad_path);
    }
    auto parameters = split_parameters(argument);
    if (!parameters) {
        return tl::unexpected(parameters.error());
    }
    return Split{std::move(path->mailbox), std::move(*parameters)};
}

}  // namespace

OrReply<MailArguments> parse_mail(std::string_view argument, bool auth_offered) {
    auto parts = split_argument(argument, {"FROM:", replies::kMailSyntax, replies::kBadSender});
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    MailArguments mail;
    mail.reverse_path = std::move(parts->mailbox);
    if (!mail.reverse_path.local.empty() && mail.reverse_path.domain.empty()) {
        return tl::unexpected(replies::kBadSender);
    }
    for (const auto& parameter : parts->parameters) {
        if (const auto refusal = set_mail_parameter(mail, parameter, auth_offered)) {
            return tl::unexpected(*refusal);
        }
    }
    if (!mail.utf8 && !mail.reverse_path.is_ascii()) {
        return tl::unexpected(replies::kNeedsUtf8);
    }
    return mail;
}

OrReply<RcptArguments> parse_rcpt(std::string_view argument, bool utf8) {
    auto parts = split_argument(argument, {"TO:", replies::kRcptSyntax, replies::kBadRecipient});
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    RcptArguments rcpt;
    rcpt.forward_path = std::move(parts->mailbox);
    auto& path = rcpt.forward_path;
    if (path.domain.empty() && !iequals(path.local, "postmaster")) {
        return tl::unexpected(replies::kBadRecipient);
    }
    if (path.domain.empty()) {
        path.local = to_lower(path.local);
    }
    for (const auto& parameter : parts->parameters) {
        if (const auto refusal = set_rcpt_parameter(rcpt, parameter, utf8)) {
            return tl::unexpected(*refusal);
        }
    }
    if (!utf8 && !path.is_ascii()) {
        return tl::unexpected(replies::kNeedsUtf8);
    }
    return rcpt;
}

}  // namespace quorate::mail::smtp
