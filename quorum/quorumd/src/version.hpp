#pragma once

namespace quorate::quorum {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace quorate::quorum
