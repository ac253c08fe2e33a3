#pragma once

#include <system_error>

namespace quorate::mail::message {

enum class errc {
    damaged = 1,          // stored structure contradicts itself or its checksum: rebuild it
    unsupported_version,  // stored structure written by a newer program
};

const std::error_category& message_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::mail::message

template <>
struct std::is_error_code_enum<quorate::mail::message::errc> : std::true_type {};
