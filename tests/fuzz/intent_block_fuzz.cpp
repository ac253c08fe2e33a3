// Blocks of the write-intent log, with a right checksum too: refused, or the same octets when
// written again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "fuzz/input.hpp"
#include "shadowing/intent_block.hpp"

namespace {

using namespace quorate;
using namespace quorate::shadowing;

void check(const std::string& bytes) {
    const auto block = decode_intent_block(bytes);
    if (!block) {
        return;
    }
    auto written = encode(*block);
    written[5] = bytes[5];  // the minor version is not kept
    QUORATE_ASSERT(bytes.substr(64) == written.substr(64));
    QUORATE_ASSERT(bytes.substr(0, 60) == written.substr(0, 60));
    const auto at = block->sequence % 2;
    std::array<std::string, 2> slot;
    slot[at] = encode(*block);
    const auto chosen = choose_intent(slot, block->set, block->slot);
    QUORATE_ASSERT(chosen && *chosen == *block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string input(fuzz::as_text(data, size));
    check(input);
    // The input as header without checksum, and regions, of a block that is otherwise right.
    if (input.size() >= 60 && input.size() <= kIntentOctets - 4) {
        auto regions = input.substr(60);
        regions.resize(kIntentOctets - 64, '\0');
        std::string block = input.substr(0, 60);
        ByteWriter(block).u32(crc32c(regions, crc32c(block)));
        check(block + regions);
        static_cast<void>(choose_intent({block + regions, input}, {}, OpenerSlot(0)));
    }
    return 0;
}
