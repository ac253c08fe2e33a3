// A node's witness of a shadow set, with a right checksum too: refused, or the same when written
// again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "shadowing/witness_block.hpp"

namespace {

using namespace quorate;
using namespace quorate::shadowing;

void check(std::string_view bytes) {
    if (const auto block = decode_witness_block(bytes)) {
        const auto again = decode_witness_block(encode(*block));
        QUORATE_ASSERT(again && *again == *block);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input);
    if (input.size() >= kWitnessBlock - 4) {
        std::string bytes(input.substr(0, kWitnessBlock - 4));
        ByteWriter(bytes).u32(crc32c(bytes));
        check(bytes);
    }
    return 0;
}
