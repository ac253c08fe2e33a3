// The structure and summary of arbitrary octets: the same whole and in pieces, within the message,
// and the same after being stored.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/message/summary.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::message;

void check_ranges(const Structure& structure, std::string_view message) {
    QUORATE_ASSERT(structure.size == message.size() && !structure.parts.empty());
    QUORATE_ASSERT(structure.parts[0].descendants + 1 == structure.parts.size());
    for (const auto& part : structure.parts) {
        QUORATE_ASSERT(part.header_begin <= part.body_begin && part.body_begin <= part.body_end);
        QUORATE_ASSERT(part.body_end <= message.size());
        const auto body = message.substr(part.body_begin, part.body().size());
        QUORATE_ASSERT(part.lines ==
                       static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n')));
    }
}

void check_sections(const Structure& structure, std::string_view message) {
    for (std::uint32_t number = 1; number <= 4; ++number) {
        for (std::uint32_t below = 0; below <= 3; ++below) {
            const std::vector<std::uint32_t> path =
                below == 0 ? std::vector{number} : std::vector{number, below};
            for (const auto section :
                 {Section::kAll, Section::kHeader, Section::kText, Section::kMime}) {
                const auto range = find_section(structure, path, section);
                QUORATE_ASSERT(!range ||
                               (range->begin <= range->end && range->end <= message.size()));
            }
        }
    }
}

void check(std::string_view message, Limits limits, Random& random) {
    const auto structure = parse_structure(message, limits);
    check_ranges(structure, message);
    check_sections(structure, message);
    const auto stored = encode(structure);
    const auto decoded = decode(stored);
    QUORATE_ASSERT(decoded && *decoded == structure);

    const auto whole = summarize(message, limits);
    SummaryBuilder builder(limits);
    fuzz::in_pieces(message, random, [&](std::string_view piece) { builder.feed(piece); });
    const auto pieces = builder.finish();
    QUORATE_ASSERT(whole.envelope == pieces.envelope && whole.body == pieces.body);
    QUORATE_ASSERT(whole.bodystructure == pieces.bodystructure && whole.sent == pieces.sent);
    QUORATE_ASSERT(whole.structure == stored && pieces.structure == stored);
    QUORATE_ASSERT(whole.envelope.find('\0') == std::string::npos);
    QUORATE_ASSERT(whole.bodystructure.find('\0') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = fuzz::as_text(data, size);
    auto random = fuzz::choices(message);
    check(message, Limits{}, random);
    Limits tight;
    tight.depth = 3;
    tight.parts = 5;
    tight.header_bytes = 100;
    tight.parameters = 2;
    tight.addresses = 2;
    tight.summary_bytes = 500;
    check(message, tight, random);
    return 0;
}
