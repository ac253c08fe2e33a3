#include "base/crc32c.hpp"

#include <array>
#include <cstring>

namespace quorate {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reversed 0x1edc6f41

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
        }
        table[byte] = crc;
    }
    return table;
}

constexpr auto kTable = make_table();

std::uint32_t update_portable(std::uint32_t crc, std::string_view bytes) {
    for (const char byte : bytes) {
        crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
    }
    return crc;
}

#if defined(__x86_64__)
// __SSE4_2__ is not the baseline of x86-64, so the function is compiled for it and chosen at run
// time.
__attribute__((target("sse4.2"))) std::uint32_t update_sse42(std::uint32_t crc,
                                                             std::string_view bytes) {
    std::uint64_t wide = crc;
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes.remove_prefix(8);
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (const char byte : bytes) {
        narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(byte));
    }
    return narrow;
}
#endif

using Update = std::uint32_t (*)(std::uint32_t, std::string_view);

Update choose() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return update_sse42;
    }
#endif
    return update_portable;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous) {
    static const Update update = choose();
    return ~update(~previous, bytes);
}

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t previous) {
    return ~update_portable(~previous, bytes);
}

}  // namespace quorate
