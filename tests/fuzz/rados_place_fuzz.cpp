// Where a member in RADOS is: refused, or every part of it stands in the text.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "shadowing/io/rados_member.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate::shadowing;
    const auto text = quorate::fuzz::as_text(data, size);
    if (const auto place = parse_rados_place(text)) {
        QUORATE_ASSERT(is_rados_place(text) && !place->pool.empty() && !place->name.empty());
        for (const auto* part : {&place->pool, &place->name, &place->conf, &place->name_space}) {
            QUORATE_ASSERT(text.find(*part) != std::string_view::npos);
        }
    }
    return 0;
}
