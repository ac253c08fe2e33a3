#include "sealed.hpp"

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {

std::string seal(std::string_view text) {
    std::string sealed;
    sealed.reserve(text.size() + 4);
    sealed = text;
    ByteWriter(sealed).u32(crc32c(text));
    return sealed;
}

Result<std::string_view> unseal(std::string_view sealed) {
    if (sealed.size() >= 4) {
        const auto text = sealed.substr(0, sealed.size() - 4);
        if (ByteReader(sealed.substr(text.size())).u32() == crc32c(text)) {
            return text;
        }
    }
    return fail(errc::damaged, "stored text: wrong checksum");
}

}  // namespace quorate::mail::store
