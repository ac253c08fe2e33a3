#pragma once

#include <system_error>

namespace quorate::shadowing {

enum class errc {
    damaged = 1,          // checksum, length or a field contradicts the format
    unsupported_version,  // written by a newer program: upgrade this one
    not_a_member,         // no label of ours: another file system's disk, or an empty one
    refused,              // sound, but not allowed now; the detail says why and what to do
};

const std::error_category& shadowing_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::shadowing

template <>
struct std::is_error_code_enum<quorate::shadowing::errc> : std::true_type {};
