#pragma once

#include <system_error>

namespace quorate::cluster {

enum class errc {
    damaged = 1,          // checksum, length or a field contradicts the format: drop it
    unsupported_version,  // written by a newer program: upgrade this one
    too_large,            // over a stated limit
    refused,              // sound, but not allowed now; the detail says why and what to do
};

const std::error_category& cluster_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::cluster

template <>
struct std::is_error_code_enum<quorate::cluster::errc> : std::true_type {};
