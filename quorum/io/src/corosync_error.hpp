#pragma once

#include <corosync/corotypes.h>

#include <string_view>

#include <fmt/core.h>

#include "base/result.hpp"

namespace quorate::quorum {

inline tl::unexpected<Error> corosync_error(std::string_view what, cs_error_t error) {
    auto code = std::errc::io_error;
    std::string_view advice;
    if (error == CS_ERR_LIBRARY || error == CS_ERR_TRY_AGAIN || error == CS_ERR_TIMEOUT ||
        error == CS_ERR_BAD_HANDLE) {
        code = std::errc::connection_refused;
        advice = "; is corosync running?";
    } else if (error == CS_ERR_ACCESS || error == CS_ERR_SECURITY) {
        code = std::errc::permission_denied;
        advice = "; quorumd needs root";
    }
    return fail(std::make_error_code(code),
                fmt::format("{}: {}{}", what, cs_strerror(error), advice));
}

}  // namespace quorate::quorum
