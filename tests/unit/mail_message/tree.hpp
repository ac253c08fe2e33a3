#pragma once

#include <string>
#include <string_view>

#include "mail/message/structure.hpp"

namespace quorate::mail::message::testing {

// A structure as one line: `multipart/mixed[text/plain{body} message/rfc822[text/html{...}]]`.
// Line ends of bodies are shown as \n.
inline std::string tree(const Structure& structure, std::string_view message,
                        std::size_t index = 0) {
    const auto& part = structure.parts[index];
    std::string out = part.type + "/" + part.subtype;
    if (part.kind == PartKind::kLeaf) {
        out += "{";
        for (const char c : message.substr(part.body_begin, part.body().size())) {
            if (c != '\r') {
                out += c == '\n' ? std::string("\\n") : std::string(1, c);
            }
        }
        return out + "}";
    }
    out += "[";
    std::string separator;
    const auto end = index + 1 + part.descendants;
    for (auto child = index + 1; child < end; child += 1 + structure.parts[child].descendants) {
        out += separator + tree(structure, message, child);
        separator = " ";
    }
    return out + "]";
}

inline std::string tree(std::string_view message, Limits limits = {}) {
    return tree(parse_structure(message, limits), message);
}

}  // namespace quorate::mail::message::testing
