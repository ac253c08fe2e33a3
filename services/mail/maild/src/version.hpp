#pragma once

namespace quorate::mail {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace quorate::mail
