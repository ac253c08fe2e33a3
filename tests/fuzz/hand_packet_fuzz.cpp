// Packets between the halves of clusterd: the privileged one must not trust the other.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "hand_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::cluster;
    const auto text = fuzz::as_text(data, size);
    if (const auto request = decode_hand_request(text)) {
        const auto again = decode_hand_request(encode(*request));
        QUORATE_ASSERT(again && encode(*again) == encode(*request));
        if (const auto* run = std::get_if<HandRun>(&*request)) {
            QUORATE_ASSERT(!run->words.empty() && run->words.size() <= kCommandWordsMax);
        }
    }
    if (const auto reply = decode_hand_reply(text)) {
        QUORATE_ASSERT(decode_hand_reply(encode(*reply)).has_value());
    }
    return 0;
}
