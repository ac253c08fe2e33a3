#pragma once

#include <rados/librados.h>

#include "base/result.hpp"

namespace quorate::quorum {

// librados, loaded when a disk is an object: who has no Ceph does not need it, and its symbols stay
// apart from ours (it is built with another Boost). The functions have the library's names.
struct RadosLibrary {
    decltype(&::rados_create2) create = nullptr;
    decltype(&::rados_conf_read_file) conf_read_file = nullptr;
    decltype(&::rados_conf_set) conf_set = nullptr;
    decltype(&::rados_connect) connect = nullptr;
    decltype(&::rados_shutdown) shutdown = nullptr;
    decltype(&::rados_ioctx_create) ioctx_create = nullptr;
    decltype(&::rados_ioctx_destroy) ioctx_destroy = nullptr;
    decltype(&::rados_ioctx_set_namespace) ioctx_set_namespace = nullptr;
    decltype(&::rados_stat) stat = nullptr;
    decltype(&::rados_aio_create_completion2) aio_create_completion = nullptr;
    decltype(&::rados_aio_release) aio_release = nullptr;
    decltype(&::rados_aio_get_return_value) aio_get_return_value = nullptr;
    decltype(&::rados_aio_read) aio_read = nullptr;
    decltype(&::rados_create_write_op) create_write_op = nullptr;
    decltype(&::rados_release_write_op) release_write_op = nullptr;
    decltype(&::rados_write_op_create) write_op_create = nullptr;
    decltype(&::rados_write_op_assert_exists) write_op_assert_exists = nullptr;
    decltype(&::rados_write_op_truncate) write_op_truncate = nullptr;
    decltype(&::rados_write_op_write) write_op_write = nullptr;
    decltype(&::rados_write_op_operate) write_op_operate = nullptr;
    decltype(&::rados_aio_write_op_operate) aio_write_op_operate = nullptr;

    // Errors: it is not installed. Thread-safe; loaded once, for good.
    static Result<const RadosLibrary*> load();
};

}  // namespace quorate::quorum
