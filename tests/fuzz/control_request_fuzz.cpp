// A request of the control API: its first line is the method, the second the target, the rest the
// body. Whatever it is, it reaches a handler or is refused with a status that blames the client.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "io/control_router.hpp"

namespace {

quorate::io::ControlRouter make_router() {
    quorate::io::ControlRouter router;
    for (const auto* pattern : {"/v1/status", "/v1/accounts/{address}", "/v1/mail/{a}/verify"}) {
        router.route("GET", pattern, nullptr);
        router.route("POST", pattern, nullptr);
    }
    return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    static const auto router = make_router();
    const auto text = fuzz::as_text(data, size);
    const auto first = text.find('\n');
    const auto second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    io::RawRequest raw;
    raw.method = std::string(text.substr(0, first));
    if (second != std::string_view::npos) {
        raw.target = std::string(text.substr(first + 1, second - first - 1));
        raw.body = std::string(text.substr(second + 1));
    }
    io::ControlRequest asked;
    const io::ControlHandler* handler = nullptr;
    const auto refusal = router.read(raw, asked, handler);
    QUORATE_ASSERT(refusal.has_value() == (handler == nullptr));
    QUORATE_ASSERT(!refusal || (refusal->status >= 400 && refusal->status < 500));
    return 0;
}
