#include "mime_fields.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "lexer.hpp"
#include "mail/message/header.hpp"
#include "parameters.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::string_view kTspecials = "()<>@,;:\\\"/[]?=";
constexpr std::size_t kLanguagesMax = 100;

void parse_type(std::string_view value, const Limits& limits, MimeFields& fields) {
    Lexer lexer(value);
    lexer.skip_cfws();
    const auto type = lexer.word(kTspecials);
    lexer.skip_cfws();
    if (!lexer.take('/')) {
        return;
    }
    lexer.skip_cfws();
    const auto subtype = lexer.word(kTspecials);
    if (type.empty() || subtype.empty()) {
        return;
    }
    fields.type = type.substr(0, kTypeBytesMax);
    fields.subtype = subtype.substr(0, kTypeBytesMax);
    fields.parameters = parse_parameters(lexer, limits.parameters);
}

void parse_encoding(std::string_view value, MimeFields& fields) {
    static constexpr std::array<std::pair<std::string_view, TransferEncoding>, 5> kKnown{{
        {"7bit", TransferEncoding::k7bit},
        {"8bit", TransferEncoding::k8bit},
        {"binary", TransferEncoding::kBinary},
        {"quoted-printable", TransferEncoding::kQuotedPrintable},
        {"base64", TransferEncoding::kBase64},
    }};
    Lexer lexer(value);
    lexer.skip_cfws();
    const std::string name =
        lexer.is('"') ? lexer.quoted_string() : std::string(lexer.word("(;,\""));
    for (const auto& [word, encoding] : kKnown) {
        if (iequals(word, name)) {
            fields.encoding = encoding;
            fields.encoding_name = name;
            return;
        }
    }
    lexer.skip_cfws();
    if (!name.empty() && lexer.at_end()) {
        fields.encoding = TransferEncoding::kOther;
        fields.encoding_name = name.substr(0, kTypeBytesMax);
    }
}

void parse_disposition(std::string_view value, const Limits& limits, MimeFields& fields) {
    Lexer lexer(value);
    lexer.skip_cfws();
    fields.disposition =
        lexer.is('"') ? lexer.quoted_string() : std::string(lexer.word(kTspecials));
    fields.disposition_parameters = parse_parameters(lexer, limits.parameters);
}

void parse_languages(std::string_view value, MimeFields& fields) {
    Lexer lexer(value);
    for (;;) {
        lexer.skip_cfws();
        if (lexer.at_end() || fields.languages.size() == kLanguagesMax) {
            return;
        }
        std::string tag = lexer.is('"') ? lexer.quoted_string() : std::string(lexer.word(",;(\""));
        if (tag.empty()) {
            lexer.advance();
        } else {
            fields.languages.push_back(std::move(tag));
        }
    }
}

std::string decode_percent(std::string_view value) {
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        int code = 0;
        const auto* const digits = value.data() + i + 1;
        if (value[i] == '%' && i + 2 < value.size() &&
            std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
            out.push_back(static_cast<char>(code));
            i += 2;
        } else {
            out.push_back(value[i]);
        }
    }
    return out;
}

void keep_first(std::optional<std::string>& kept, std::string value) {
    if (!kept) {
        kept = std::move(value);
    }
}

// `charset'language'percent-encoded`
std::string decode_extended(std::string_view value) {
    for (int quotes = 0; quotes < 2; ++quotes) {
        const auto quote = value.find('\'');
        if (quote == std::string_view::npos) {
            break;
        }
        value.remove_prefix(quote + 1);
    }
    return decode_percent(value);
}

}  // namespace

std::string MimeFields::parameter(std::string_view name) const {
    for (const auto& candidate : parameters) {
        if (iequals(candidate.name, name)) {
            return candidate.value;
        }
    }
    const auto extended = std::string(name) + "*";
    for (const auto& candidate : parameters) {
        if (iequals(candidate.name, extended)) {
            return decode_extended(candidate.value);
        }
    }
    return {};
}

MimeFields parse_mime_fields(std::string_view block, const Limits& limits) {
    constexpr std::string_view kPrefix = "content-";
    MimeFields fields;
    bool has_encoding = false;
    FieldReader reader(block);
    while (const auto field = reader.next()) {
        if (!istarts_with(field->name, kPrefix)) {
            continue;
        }
        const auto name = to_lower(field->name.substr(kPrefix.size()));
        if (name == "type" && !fields.has_type) {
            fields.has_type = true;
            parse_type(unfold(field->value), limits, fields);
        } else if (name == "transfer-encoding" && !has_encoding) {
            has_encoding = true;
            parse_encoding(unfold(field->value), fields);
        } else if (name == "id") {
            keep_first(fields.id, unfold(field->value));
        } else if (name == "description") {
            keep_first(fields.description, unfold(field->value));
        } else if (name == "disposition" && !fields.disposition) {
            parse_disposition(unfold(field->value), limits, fields);
        } else if (name == "language" && fields.languages.empty()) {
            parse_languages(unfold(field->value), fields);
        } else if (name == "location") {
            keep_first(fields.location, unfold(field->value));
        } else if (name == "md5") {
            keep_first(fields.md5, unfold(field->value));
        }
    }
    return fields;
}

}  // namespace quorate::mail::message
