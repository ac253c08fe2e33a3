#include "message_content.hpp"

#include <algorithm>
#include <utility>

namespace quorate::mail::imap {
namespace {

// The store reads and verifies bodies of this size as a whole: so it is kept for the next section.
constexpr std::uint64_t kWholeBytes = 64 * 1024;

Result<message::Structure> parse_body(store::Account& account, const store::BodyRef& body) {
    message::StructureParser parser;
    for (std::uint64_t at = 0; at < body.size;) {
        QUORATE_TRY(const auto bytes, account.read_body(body, at, kWholeBytes));
        if (bytes.empty()) {
            break;
        }
        parser.feed(bytes);
        at += bytes.size();
    }
    return parser.finish();
}

}  // namespace

Result<const store::Content*> MessageContent::content() {
    if (!content_) {
        QUORATE_TRY(content_, account_.content(body_));
    }
    return &*content_;
}

Result<const message::Structure*> MessageContent::structure() {
    if (!structure_) {
        QUORATE_TRY(const auto* const stored, content());
        if (auto decoded = message::decode(stored->structure)) {
            structure_ = std::move(*decoded);
        } else {
            QUORATE_TRY(structure_, parse_body(account_, stored->body));
        }
    }
    return &*structure_;
}

Result<std::string_view> MessageContent::octets(message::Range range) {
    QUORATE_TRY(const auto* const stored, content());
    const auto& body = stored->body;
    if (body.size > kWholeBytes) {
        QUORATE_TRY(piece_, account_.read_body(body, range.begin, range.size()));
        return std::string_view(piece_);
    }
    if (!whole_) {
        QUORATE_TRY(whole_, account_.read_body(body, 0, body.size));
    }
    const auto begin = std::min<std::uint64_t>(range.begin, whole_->size());
    return std::string_view(*whole_).substr(static_cast<std::size_t>(begin),
                                            static_cast<std::size_t>(range.size()));
}

Result<std::string_view> MessageContent::header() {
    QUORATE_TRY(const auto* const parts, structure());
    return octets(parts->parts.front().header());
}

}  // namespace quorate::mail::imap
