// SEARCH BODY and TEXT: walks the parts of a message.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text.hpp"
#include "mail/message/decode.hpp"
#include "mail/message/header.hpp"
#include "mail/message/search.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::uint64_t kPieceBytes = 64 * 1024;
constexpr std::uint64_t kHeaderBytesMax = 256 * 1024;

class MessageMatcher {
public:
    MessageMatcher(const Structure& structure, const ReadMessage& read, SearchScope scope,
                   const Needle& needle)
        : structure_(structure), read_(read), scope_(scope), needle_(needle) {}

    Result<bool> run() {
        if (needle_.folded().empty()) {
            return true;
        }
        for (std::size_t i = 0; i < structure_.parts.size(); ++i) {
            const auto& part = structure_.parts[i];
            const bool inner_root = i > 0 && structure_.parts[i - 1].kind == PartKind::kMessage;
            if (scope_ == SearchScope::kText || inner_root) {
                QUORATE_TRY(const bool found, in_header(part));
                if (found) {
                    return true;
                }
            }
            const bool readable = part.type == "text" || part.type == "message";
            if (part.kind == PartKind::kLeaf && readable) {
                QUORATE_TRY(const bool found, in_body(part));
                if (found) {
                    return true;
                }
            }
        }
        return false;
    }

private:
    Result<bool> in_header(const Part& part) {
        const auto size = std::min(part.header().size(), kHeaderBytesMax);
        if (size == 0) {
            return false;
        }
        QUORATE_TRY(const std::string block, read_(part.header_begin, size));
        FieldReader reader(block);
        while (const auto field = reader.next()) {
            std::string text;
            if (!field->name.empty()) {
                text.append(field->name).append(": ");
            }
            text.append(decode_words(unfold(field->value)));
            if (needle_.in(text)) {
                return true;
            }
        }
        return false;
    }

    Result<bool> in_body(const Part& part) {
        TransferDecoder transfer(part.encoding);
        CharsetDecoder charset(part.charset);
        StreamMatcher matcher(needle_);
        std::string octets;
        std::string text;
        for (auto at = part.body_begin; at < part.body_end;) {
            QUORATE_TRY(const std::string piece,
                        read_(at, std::min(part.body_end - at, kPieceBytes)));
            if (piece.empty()) {
                break;
            }
            at += piece.size();
            octets.clear();
            text.clear();
            transfer.feed(piece, octets);
            charset.feed(octets, text);
            if (matcher.feed(text)) {
                return true;
            }
        }
        octets.clear();
        text.clear();
        transfer.finish(octets);
        charset.feed(octets, text);
        charset.finish(text);
        return matcher.feed(text) || matcher.finish();
    }

    const Structure& structure_;
    const ReadMessage& read_;
    SearchScope scope_;
    const Needle& needle_;
};

}  // namespace

bool match_field(std::string_view header, std::string_view name, const Needle& needle) {
    FieldReader reader(header);
    while (const auto field = reader.next()) {
        if (iequals(field->name, name) &&
            (needle.folded().empty() || needle.in(decode_words(unfold(field->value))))) {
            return true;
        }
    }
    return false;
}

Result<bool> match_message(const Structure& structure, const ReadMessage& read, SearchScope scope,
                           const Needle& needle) {
    return MessageMatcher(structure, read, scope, needle).run();
}

}  // namespace quorate::mail::message
