// The PROXY header of arbitrary octets: judged the same whatever follows, incomplete only while it
// may still become one.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/session/proxy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using State = mail::ProxyDecoded::State;
    const auto bytes = fuzz::as_text(data, size);
    const auto whole = mail::decode_proxy_header(bytes);
    QUORATE_ASSERT(whole.consumed <= bytes.size() && whole.consumed <= 16 + 4096);
    QUORATE_ASSERT((whole.state == State::kDone) == (whole.consumed > 0));
    QUORATE_ASSERT((whole.state == State::kInvalid) == !whole.reason.empty());
    QUORATE_ASSERT(whole.state != State::kIncomplete || bytes.size() < 16 + 4096);
    QUORATE_ASSERT(whole.header.local || whole.state != State::kDone ||
                   !whole.header.source_address.empty());
    for (std::size_t cut = 0; cut <= bytes.size() && cut < 300; ++cut) {
        const auto early = mail::decode_proxy_header(bytes.substr(0, cut));
        QUORATE_ASSERT(early.state == State::kIncomplete || early.state == whole.state);
        QUORATE_ASSERT(early.state != State::kDone ||
                       (early.consumed == whole.consumed && cut >= whole.consumed));
    }
    return 0;
}
