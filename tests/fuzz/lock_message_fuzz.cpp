// Packets of other lock managers, with a right checksum too, and messages alone: dropped, or the
// same when sent again.

#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "fuzz/input.hpp"
#include "message.hpp"

namespace {

using namespace quorate;
using namespace quorate::lockmgr;

void check_message(std::string_view body) {
    const auto message = decode_message(body);
    if (!message) {
        return;
    }
    const auto sent = encode(*message);
    const auto again = decode_message(sent);
    QUORATE_ASSERT(again && *again == *message && encode(*again) == sent);
}

void check_packet(std::string_view bytes) {
    const auto packet = decode_packet(bytes);
    if (!packet) {
        return;
    }
    const auto sent = encode(*packet);  // what is decoded points into it
    const auto again = decode_packet(sent);
    QUORATE_ASSERT(again && again->epoch == packet->epoch);
    if (const auto* batch = std::get_if<Batch>(&packet->content)) {
        QUORATE_ASSERT(std::get<Batch>(again->content).items == batch->items);
        for (const auto& item : batch->items) {
            check_message(item.body);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check_message(input);
    check_packet(input);
    std::string summed(input);
    ByteWriter(summed).u32(crc32c(input));
    check_packet(summed);
    return 0;
}
