// Mailbox names: a name has one spelling on the wire, so what decodes encodes to the same octets,
// and every UTF-8 text without control characters comes back.

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mailbox_name.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::mail::imap;
    const auto text = fuzz::as_text(data, size);
    if (const auto name = decode_mailbox_name(text)) {
        QUORATE_ASSERT(is_valid_utf8(*name));
        QUORATE_ASSERT(encode_mailbox_name(*name) == text);
    }
    const auto wire = encode_mailbox_name(text);
    for (const char c : wire) {
        QUORATE_ASSERT(c >= 0x20 && c < 0x7f);
    }
    const auto again = decode_mailbox_name(wire);
    if (again && is_valid_utf8(text)) {
        QUORATE_ASSERT(*again == text);
    }
    return 0;
}
