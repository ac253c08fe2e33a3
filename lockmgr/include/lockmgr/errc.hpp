#pragma once

#include <system_error>

namespace quorate::lockmgr {

enum class errc {
    damaged = 1,          // checksum, length or a field contradicts the format: drop it
    unsupported_version,  // written by a newer program: upgrade this one
    too_large,            // over a stated limit
};

const std::error_category& lockmgr_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::lockmgr

template <>
struct std::is_error_code_enum<quorate::lockmgr::errc> : std::true_type {};
