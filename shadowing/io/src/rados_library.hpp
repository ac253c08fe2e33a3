#pragma once

#include <rados/librados.h>

#include "base/result.hpp"

namespace quorate::shadowing {

// librados, loaded when the first member in RADOS is opened: who has no Ceph does not need it, and
// its symbols stay apart from ours. The functions have the library's names.
struct RadosLibrary {
    decltype(&::rados_create2) create2 = nullptr;
    decltype(&::rados_conf_read_file) conf_read_file = nullptr;
    decltype(&::rados_conf_set) conf_set = nullptr;
    decltype(&::rados_connect) connect = nullptr;
    decltype(&::rados_shutdown) shutdown = nullptr;
    decltype(&::rados_getaddrs) getaddrs = nullptr;
    decltype(&::rados_mon_command) mon_command = nullptr;
    decltype(&::rados_buffer_free) buffer_free = nullptr;
    decltype(&::rados_wait_for_latest_osdmap) wait_for_latest_osdmap = nullptr;
    decltype(&::rados_ioctx_create) ioctx_create = nullptr;
    decltype(&::rados_ioctx_destroy) ioctx_destroy = nullptr;
    decltype(&::rados_ioctx_set_namespace) ioctx_set_namespace = nullptr;
    decltype(&::rados_read) read = nullptr;
    decltype(&::rados_write) write = nullptr;
    decltype(&::rados_write_full) write_full = nullptr;
    decltype(&::rados_setxattr) setxattr = nullptr;
    decltype(&::rados_getxattr) getxattr = nullptr;
    decltype(&::rados_rmxattr) rmxattr = nullptr;
    decltype(&::rados_getxattrs) getxattrs = nullptr;
    decltype(&::rados_getxattrs_next) getxattrs_next = nullptr;
    decltype(&::rados_getxattrs_end) getxattrs_end = nullptr;
    decltype(&::rados_aio_create_completion2) aio_create_completion2 = nullptr;
    decltype(&::rados_aio_release) aio_release = nullptr;
    decltype(&::rados_aio_get_return_value) aio_get_return_value = nullptr;
    decltype(&::rados_aio_read) aio_read = nullptr;
    decltype(&::rados_aio_write) aio_write = nullptr;
    decltype(&::rados_create_write_op) create_write_op = nullptr;
    decltype(&::rados_release_write_op) release_write_op = nullptr;
    decltype(&::rados_write_op_zero) write_op_zero = nullptr;
    decltype(&::rados_aio_write_op_operate) aio_write_op_operate = nullptr;

    // Errors: std::errc::not_supported, it is not installed. Thread-safe; loaded once, for good.
    static Result<const RadosLibrary*> load();
};

}  // namespace quorate::shadowing
