// The decoder is strict: what it accepts is exactly what the encoder writes.

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    const auto text = fuzz::as_text(data, size);
    QUORATE_ASSERT(base64_decode(base64_encode(text)) == text);
    if (const auto octets = base64_decode(text)) {
        QUORATE_ASSERT(base64_encode(*octets) == text);
    }
    return 0;
}
