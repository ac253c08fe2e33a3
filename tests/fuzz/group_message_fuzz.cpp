// Messages of the group, with a right checksum too: dropped, or the same when sent again.

#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "cluster/group_message.hpp"
#include "fuzz/input.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

void check(std::string_view bytes) {
    const auto message = decode_group_message(bytes);
    if (!message) {
        return;
    }
    const auto sent = encode(*message);
    const auto again = decode_group_message(sent);
    QUORATE_ASSERT(again && *again == *message && encode(*again) == sent);
    // Whatever of it was cut off is missed.
    QUORATE_ASSERT(!decode_group_message(std::string_view(sent).substr(0, sent.size() - 1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input);
    std::string summed(input);
    ByteWriter(summed).u32(crc32c(input));
    check(summed);
    return 0;
}
