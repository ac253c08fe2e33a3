// The first line names a charset, the rest is decoded in every way: always valid UTF-8, and the
// same whole and in pieces.

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mail/message/decode.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::message;

void transfer(TransferEncoding encoding, std::string_view octets, Random& random) {
    std::string whole;
    TransferDecoder once(encoding);
    once.feed(octets, whole);
    once.finish(whole);
    std::string pieces;
    TransferDecoder often(encoding);
    fuzz::in_pieces(octets, random, [&](std::string_view piece) { often.feed(piece, pieces); });
    often.finish(pieces);
    QUORATE_ASSERT(whole == pieces);
}

void charset(std::string_view name, std::string_view octets, Random& random) {
    const auto whole = to_utf8(name, octets);
    QUORATE_ASSERT(is_valid_utf8(whole));
    std::string pieces;
    CharsetDecoder decoder(name);
    fuzz::in_pieces(octets, random, [&](std::string_view piece) { decoder.feed(piece, pieces); });
    decoder.finish(pieces);
    QUORATE_ASSERT(whole == pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto random = fuzz::choices(fuzz::as_text(data, size));
    fuzz::Input input(data, size);
    const auto name = input.line();
    const auto octets = input.rest();
    charset(name, octets, random);
    for (const auto encoding :
         {TransferEncoding::kBase64, TransferEncoding::kQuotedPrintable, TransferEncoding::k8bit}) {
        transfer(encoding, octets, random);
    }
    QUORATE_ASSERT(is_valid_utf8(decode_words(octets)));
    static_cast<void>(is_known_charset(name));
    return 0;
}
