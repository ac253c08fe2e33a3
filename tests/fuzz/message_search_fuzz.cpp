// The first line is looked for in the rest, as text and as a message: the same answer whole and in
// pieces.

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mail/message/decode.hpp"
#include "mail/message/search.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::mail::message;
    auto random = fuzz::choices(fuzz::as_text(data, size));
    fuzz::Input input(data, size);
    const Needle needle(to_utf8("utf-8", input.line()));
    const auto message = input.rest();
    const auto text = to_utf8("utf-8", message);
    StreamMatcher matcher(needle);
    bool found = false;
    fuzz::in_pieces(text, random,
                    [&](std::string_view piece) { found = matcher.feed(piece) || found; });
    found = matcher.finish() || found;
    QUORATE_ASSERT(found == needle.in(text));

    const ReadMessage read = [&](std::uint64_t offset, std::uint64_t count) -> Result<std::string> {
        QUORATE_ASSERT(offset <= message.size());
        return std::string(message.substr(offset, count));
    };
    const auto structure = parse_structure(message);
    const auto in_body = match_message(structure, read, SearchScope::kBody, needle);
    const auto in_text = match_message(structure, read, SearchScope::kText, needle);
    QUORATE_ASSERT(in_body && in_text && (*in_text || !*in_body));
    static_cast<void>(match_field(message, "Subject", needle));
    return 0;
}
