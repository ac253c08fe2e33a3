#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/message/structure.hpp"

// The Content-* fields of one header block (RFC 2045, 2183, 2231, 3282, 2557, 1864). Of repeated
// fields the first counts. MIME-Version is not asked for: mail that forgot it means the same.
namespace quorate::mail::message {

struct Parameter {
    std::string name;
    std::string value;

    bool operator==(const Parameter&) const = default;
};

struct MimeFields {
    // As written. Empty: no usable Content-Type, so the default of the place counts.
    std::string type;
    std::string subtype;
    // RFC 2231 continuations are joined; a value with a charset keeps its form under "name*". Plain
    // parameters first, then the joined ones by name.
    std::vector<Parameter> parameters;
    bool has_type = false;  // there is a Content-Type, usable or not

    TransferEncoding encoding = TransferEncoding::k7bit;
    std::string encoding_name = "7bit";  // as written
    std::optional<std::string> id;
    std::optional<std::string> description;
    std::optional<std::string> disposition;
    std::vector<Parameter> disposition_parameters;
    std::vector<std::string> languages;
    std::optional<std::string> location;
    std::optional<std::string> md5;

    // Value of the first parameter with this name, case ignored; of "name*" (RFC 2231) the octets
    // without charset and language. Empty if there is none.
    std::string parameter(std::string_view name) const;
};

MimeFields parse_mime_fields(std::string_view block, const Limits& limits);

}  // namespace quorate::mail::message
