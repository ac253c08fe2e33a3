#include "shadowing/served/digest.hpp"

#include <openssl/evp.h>

#include <array>

#include "base/assert.hpp"

namespace quorate::shadowing {

std::string digests_of(std::span<const char> data) {
    QUORATE_ASSERT(data.size() % kDigestBlock == 0);
    std::string all;
    all.reserve(data.size() / kDigestBlock * kDigestOctets);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    for (std::size_t at = 0; at < data.size(); at += kDigestBlock) {
        const int made = ::EVP_Digest(data.data() + at, kDigestBlock, digest.data(), nullptr,
                                      ::EVP_sha256(), nullptr);
        QUORATE_ASSERT(made == 1);
        all.append(reinterpret_cast<const char*>(digest.data()), kDigestOctets);
    }
    return all;
}

}  // namespace quorate::shadowing
