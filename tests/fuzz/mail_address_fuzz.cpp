// Addresses of the envelope: what is accepted keeps to its limits, and is accepted again in its
// canonical form unless that needs quoting.

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mail/auth/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace quorate;
    using namespace quorate::mail::auth;
    const auto text = fuzz::as_text(data, size);
    if (const auto domain = canonical_domain(text)) {
        QUORATE_ASSERT(domain->size() <= 255 && canonical_domain(*domain) == domain);
    }
    const auto address = split_address(text);
    if (!address) {
        return 0;
    }
    QUORATE_ASSERT(!address->local.empty() && address->local.size() <= 64);
    QUORATE_ASSERT(canonical_domain(address->domain) == address->domain);
    QUORATE_ASSERT(is_valid_utf8(address->key()));
    if (!address->local.starts_with('"')) {
        const auto again = split_address(address->to_string());
        QUORATE_ASSERT(again && again->key() == address->key());
    }
    return 0;
}
