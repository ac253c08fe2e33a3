// Stored structures under a valid checksum: refused, or consistent and the same after being stored
// again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "fuzz/input.hpp"
#include "mail/message/structure.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::mail::message;
    const auto text = fuzz::as_text(data, size);
    static_cast<void>(decode(text));
    std::string summed(text);
    ByteWriter(summed).u32(crc32c(text));
    const auto structure = decode(summed);
    if (!structure) {
        return 0;
    }
    for (const auto& part : structure->parts) {
        QUORATE_ASSERT(part.header_begin <= part.body_begin && part.body_begin <= part.body_end);
        QUORATE_ASSERT(part.body_end <= structure->size && part.lines <= part.body().size());
    }
    const auto again = decode(encode(*structure));
    QUORATE_ASSERT(again && *again == *structure);
    return 0;
}
