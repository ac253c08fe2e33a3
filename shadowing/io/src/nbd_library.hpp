#pragma once

#include <libnbd.h>

#include "base/result.hpp"

namespace quorate::shadowing {

// libnbd, loaded when the first served disk is opened: most programs that open a set need none, and
// it brings a TLS library along. The functions have the library's names.
struct NbdLibrary {
    decltype(&::nbd_create) create = nullptr;
    decltype(&::nbd_close) close = nullptr;
    decltype(&::nbd_get_errno) get_errno = nullptr;
    decltype(&::nbd_get_error) get_error = nullptr;
    decltype(&::nbd_set_export_name) set_export_name = nullptr;
    decltype(&::nbd_set_full_info) set_full_info = nullptr;
    decltype(&::nbd_set_tls) set_tls = nullptr;
    decltype(&::nbd_set_tls_username) set_tls_username = nullptr;
    decltype(&::nbd_set_tls_psk_file) set_tls_psk_file = nullptr;
    decltype(&::nbd_get_export_description) get_export_description = nullptr;
    decltype(&::nbd_get_size) get_size = nullptr;
    decltype(&::nbd_aio_connect_socket) aio_connect_socket = nullptr;
    decltype(&::nbd_aio_get_fd) aio_get_fd = nullptr;
    decltype(&::nbd_aio_get_direction) aio_get_direction = nullptr;
    decltype(&::nbd_aio_notify_read) aio_notify_read = nullptr;
    decltype(&::nbd_aio_notify_write) aio_notify_write = nullptr;
    decltype(&::nbd_aio_is_connecting) aio_is_connecting = nullptr;
    decltype(&::nbd_aio_is_dead) aio_is_dead = nullptr;
    decltype(&::nbd_aio_is_closed) aio_is_closed = nullptr;
    decltype(&::nbd_aio_pread) aio_pread = nullptr;
    decltype(&::nbd_aio_pwrite) aio_pwrite = nullptr;
    decltype(&::nbd_aio_zero) aio_zero = nullptr;
    decltype(&::nbd_aio_flush) aio_flush = nullptr;

    // Errors: std::errc::not_supported, it is not installed. Loaded once, for good.
    static Result<const NbdLibrary*> load();
};

}  // namespace quorate::shadowing
