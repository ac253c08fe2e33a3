#pragma once

#include <libnbd.h>

#include "base/result.hpp"

namespace quorate::quorum {

// libnbd, loaded when a disk is an NBD export: it brings along more than all of the rest together,
// and quorumd's memory is locked. The functions have the library's names.
struct NbdLibrary {
    decltype(&::nbd_create) create = nullptr;
    decltype(&::nbd_close) close = nullptr;
    decltype(&::nbd_connect_uri) connect_uri = nullptr;
    decltype(&::nbd_get_size) get_size = nullptr;
    decltype(&::nbd_can_fua) can_fua = nullptr;
    decltype(&::nbd_can_flush) can_flush = nullptr;
    decltype(&::nbd_is_read_only) is_read_only = nullptr;
    decltype(&::nbd_get_errno) get_errno = nullptr;
    decltype(&::nbd_get_error) get_error = nullptr;
    decltype(&::nbd_aio_get_fd) aio_get_fd = nullptr;
    decltype(&::nbd_aio_get_direction) aio_get_direction = nullptr;
    decltype(&::nbd_aio_notify_read) aio_notify_read = nullptr;
    decltype(&::nbd_aio_notify_write) aio_notify_write = nullptr;
    decltype(&::nbd_aio_is_dead) aio_is_dead = nullptr;
    decltype(&::nbd_aio_is_closed) aio_is_closed = nullptr;
    decltype(&::nbd_aio_pread) aio_pread = nullptr;
    decltype(&::nbd_aio_pwrite) aio_pwrite = nullptr;
    decltype(&::nbd_aio_flush) aio_flush = nullptr;

    // Errors: it is not installed. Thread-safe; loaded once, for good.
    static Result<const NbdLibrary*> load();
};

}  // namespace quorate::quorum
