// What a voter kept of boots that it saw, as it stands there and sealed anew, so that what lies
// behind the checksum is reached. What is understood is written back the same.

#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "seen.hpp"

namespace {

using namespace quorate;
using namespace quorate::quorum;

constexpr std::size_t kMinorAt = 5;

void decode(const std::string& bytes) {
    if (const auto seen = decode_seen(bytes)) {
        const auto again = encode_seen(*seen);
        QUORATE_ASSERT(bytes[kMinorAt] != 0 || again == bytes);
        QUORATE_ASSERT(*decode_seen(again) == *seen);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(fuzz::as_text(data, size));
    decode(bytes);
    ByteWriter(bytes).u32(crc32c(bytes));
    decode(bytes);
    return 0;
}
