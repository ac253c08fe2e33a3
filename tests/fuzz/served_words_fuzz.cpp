// What the ends of a served disk tell each other: refused, or the same text when written again.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "shadowing/served/export_name.hpp"
#include "shadowing/served/gate_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate::shadowing;
    const auto text = quorate::fuzz::as_text(data, size);
    if (const auto name = decode_export_name(text)) {
        QUORATE_ASSERT(encode(*name) == text && is_disk_name(name->disk));
    }
    if (const auto description = decode_served_description(text)) {
        QUORATE_ASSERT(encode(*description) == text);
    }
    if (const auto order = decode_gate_line(text)) {
        QUORATE_ASSERT(encode(*order) == text);
    }
    return 0;
}
