#pragma once

namespace quorate::cluster {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace quorate::cluster
