#pragma once

#include <corosync/corotypes.h>

#include <string_view>

#include <fmt/core.h>

#include "base/result.hpp"

namespace quorate::cluster {

inline tl::unexpected<Error> corosync_error(std::string_view what, cs_error_t error) {
    std::string_view advice;
    auto code = std::errc::io_error;
    if (error == CS_ERR_LIBRARY || error == CS_ERR_TRY_AGAIN || error == CS_ERR_TIMEOUT) {
        code = std::errc::connection_refused;
        advice = "; is corosync running? Look with: corosync-quorumtool -s";
    } else if (error == CS_ERR_ACCESS || error == CS_ERR_SECURITY) {
        code = std::errc::permission_denied;
        advice = "; this user needs an entry in /etc/corosync/uidgid.d";
    } else if (error == CS_ERR_NOT_EXIST) {
        code = std::errc::no_such_process;
    }
    return fail(std::make_error_code(code),
                fmt::format("{}: {}{}", what, cs_strerror(error), advice));
}

}  // namespace quorate::cluster
