#pragma once

#include <system_error>

namespace quorate::quorum {

enum class errc {
    damaged = 1,          // checksum, length or a field contradicts the format: nothing is known
    unsupported_version,  // written by a newer program: upgrade this one
    blank,                // formatted, and never written since
    foreign,              // of another cluster, disk or node
    too_large,            // over a stated limit
    unsafe_timing,        // the constants break an inequality; the detail names it
    unfit,                // nodes would not see the same pages through it
    refused,              // as things are; the detail says what to do
};

const std::error_category& quorum_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::quorum

template <>
struct std::is_error_code_enum<quorate::quorum::errc> : std::true_type {};
