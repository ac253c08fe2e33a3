#pragma once

#include <cerrno>
#include <system_error>

namespace quorate::mail::store {

// What a volume says when it has no space left.
inline bool is_full(const std::error_code& code) {
    return code == std::errc::no_space_on_device ||
           code == std::error_code(EDQUOT, std::generic_category());
}

}  // namespace quorate::mail::store
