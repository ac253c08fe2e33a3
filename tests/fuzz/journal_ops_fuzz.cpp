// Redo operations and blocks of messages: refused, or the same when they are written and read
// again.

#include <variant>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "chunk.hpp"
#include "fuzz/input.hpp"
#include "ops.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::store;

// What could be read of it, written again; nothing when it is refused.
std::string rewritten(std::string_view bytes) {
    OpReader reader(bytes);
    OpWriter writer;
    Op op;
    while (true) {
        const auto more = reader.next(op);
        if (!more) {
            return {};
        }
        if (!*more) {
            return writer.take();
        }
        std::visit([&writer](const auto& value) { writer.put(value); }, op);
    }
}

void check_chunk(std::string_view input) {
    std::string summed(input);
    ByteWriter(summed).u32(crc32c(input));
    std::vector<Message> messages;
    if (!decode_chunk(summed, messages)) {
        return;
    }
    for (std::size_t i = 1; i < messages.size(); ++i) {
        QUORATE_ASSERT(messages[i - 1].uid < messages[i].uid);
    }
    const auto written = encode_chunk(messages);
    std::vector<Message> again;
    QUORATE_ASSERT(decode_chunk(written, again) && encode_chunk(again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    const auto written = rewritten(input);
    if (!written.empty()) {
        QUORATE_ASSERT(rewritten(written) == written);
    }
    check_chunk(input);
    return 0;
}
