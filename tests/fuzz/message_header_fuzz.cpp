// A header block taken apart: the fields lie in it one after the other, and a choice of fields and
// its complement hold together what the block holds.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/message/decode.hpp"
#include "mail/message/header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate::mail::message;
    const auto block = quorate::fuzz::as_text(data, size);
    FieldReader reader(block);
    std::size_t end = 0;
    std::vector<std::string> names;
    while (const auto field = reader.next()) {
        QUORATE_ASSERT(field->offset == end && !field->octets.empty());
        QUORATE_ASSERT(block.substr(end, field->octets.size()) == field->octets);
        end += field->octets.size();
        QUORATE_ASSERT(unfold(field->value).find('\n') == std::string::npos);
        if (names.size() < 3) {
            names.emplace_back(field->name);
        }
    }
    QUORATE_ASSERT(reader.offset() == end);
    const auto these = select_fields(block, names, FieldChoice::kThese);
    const auto others = select_fields(block, names, FieldChoice::kOthers);
    QUORATE_ASSERT(these.size() <= block.size() && others.size() <= block.size());
    QUORATE_ASSERT(these.size() + others.size() >= end);
    return 0;
}
