#pragma once

#include <cstdint>
#include <string_view>

namespace quorate {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4). `crc32c(b, crc32c(a))` equals the checksum of a
// followed by b. Uses the CPU's crc32 instruction where there is one (SSE 4.2), tables elsewhere.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t previous = 0);

// The table implementation, for tests that compare the two.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t previous = 0);

}  // namespace quorate
