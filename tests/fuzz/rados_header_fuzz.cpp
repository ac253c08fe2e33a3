// The header of a member in RADOS, with a right checksum too: refused, or the same when written
// again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "shadowing/rados_header.hpp"

namespace {

using namespace quorate;
using namespace quorate::shadowing;

void check(std::string_view bytes) {
    if (const auto header = decode_rados_header(bytes)) {
        QUORATE_ASSERT(encode(*header) == bytes);
        QUORATE_ASSERT(header->octets > 0 && header->object_shift < 64);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input);
    if (input.size() >= kRadosHeader - 4) {
        std::string bytes(input.substr(0, kRadosHeader - 4));
        ByteWriter(bytes).u32(crc32c(bytes));
        check(bytes);
    }
    return 0;
}
