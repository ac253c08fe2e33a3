// Address lists never fail: groups that start end, the limit holds.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/message/address.hpp"

namespace {

using quorate::mail::message::Address;

void check(const std::vector<Address>& addresses) {
    bool in_group = false;
    for (const auto& address : addresses) {
        if (address.kind == Address::Kind::kMailbox) {
            continue;
        }
        QUORATE_ASSERT(in_group == (address.kind == Address::Kind::kGroupEnd));
        in_group = !in_group;
    }
    QUORATE_ASSERT(!in_group);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = quorate::fuzz::as_text(data, size);
    check(quorate::mail::message::parse_addresses(text));
    const auto few = quorate::mail::message::parse_addresses(text, 3);
    check(few);
    const auto limited = std::count_if(few.begin(), few.end(), [](const Address& address) {
        return address.kind != Address::Kind::kGroupEnd;
    });
    QUORATE_ASSERT(limited <= 3);
    return 0;
}
