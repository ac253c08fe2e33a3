// What a peer may send after TLS: the preface, lengths and messages of requests.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "peer_wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::cluster;
    const auto text = fuzz::as_text(data, size);
    if (const auto purpose = decode_preface(text)) {
        QUORATE_ASSERT(encode_preface(*purpose) == text);
    }
    if (const auto length = decode_peer_length(text)) {
        QUORATE_ASSERT(*length <= kPeerMessageMax);
    }
    if (const auto request = decode_peer_request(text)) {
        QUORATE_ASSERT(request->uid == 0);
    }
    static_cast<void>(decode_peer_response(text).has_value());
    return 0;
}
