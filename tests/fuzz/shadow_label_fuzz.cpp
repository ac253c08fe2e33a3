// Labels of member disks, with a right checksum too: refused, or the same when written again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "fuzz/input.hpp"
#include "shadowing/label.hpp"

namespace {

using namespace quorate;
using namespace quorate::shadowing;

void check(std::string_view block, std::uint16_t copy) {
    const auto label = decode_label(block, copy);
    if (label) {
        const auto again = decode_label(encode(*label, copy), copy);
        QUORATE_ASSERT(again && *again == *label);
        QUORATE_ASSERT(label->find(label->member) != nullptr);
        const auto last = OpenerSlot(static_cast<std::uint16_t>(label->layout.openers - 1));
        const auto log_end = slot_offset(label->layout, last) + label->layout.slot_octets;
        QUORATE_ASSERT(log_end <= label->layout.data_offset);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input, 0);
    // The input as the header without its size, and the fields, of a block that is otherwise right.
    if (input.size() >= 20 && input.size() <= kMetaBlock - 4) {
        std::string block(input.substr(0, 8));
        ByteWriter(block).u32(static_cast<std::uint32_t>(input.size() - 20));
        block += input.substr(12);
        ByteWriter(block).u32(crc32c(block));
        block.resize(kMetaBlock, '\0');
        check(block, 0);
        check(block, 1);
        static_cast<void>(choose_label({block, std::string(input)}));
    }
    return 0;
}
