#include "rados_library.hpp"

#include "io/shared_library.hpp"

namespace quorate::quorum {
namespace {

bool find_rados(void* library, RadosLibrary& rados) {
    return io::find_symbol(library, "rados_create2", rados.create) &&
           io::find_symbol(library, "rados_conf_read_file", rados.conf_read_file) &&
           io::find_symbol(library, "rados_conf_set", rados.conf_set) &&
           io::find_symbol(library, "rados_connect", rados.connect) &&
           io::find_symbol(library, "rados_shutdown", rados.shutdown) &&
           io::find_symbol(library, "rados_ioctx_create", rados.ioctx_create) &&
           io::find_symbol(library, "rados_ioctx_destroy", rados.ioctx_destroy) &&
           io::find_symbol(library, "rados_ioctx_set_namespace", rados.ioctx_set_namespace) &&
           io::find_symbol(library, "rados_stat", rados.stat) &&
           io::find_symbol(library, "rados_aio_create_completion2", rados.aio_create_completion) &&
           io::find_symbol(library, "rados_aio_release", rados.aio_release) &&
           io::find_symbol(library, "rados_aio_get_return_value", rados.aio_get_return_value) &&
           io::find_symbol(library, "rados_aio_read", rados.aio_read) &&
           io::find_symbol(library, "rados_create_write_op", rados.create_write_op) &&
           io::find_symbol(library, "rados_release_write_op", rados.release_write_op) &&
           io::find_symbol(library, "rados_write_op_create", rados.write_op_create) &&
           io::find_symbol(library, "rados_write_op_assert_exists", rados.write_op_assert_exists) &&
           io::find_symbol(library, "rados_write_op_truncate", rados.write_op_truncate) &&
           io::find_symbol(library, "rados_write_op_write", rados.write_op_write) &&
           io::find_symbol(library, "rados_write_op_operate", rados.write_op_operate) &&
           io::find_symbol(library, "rados_aio_write_op_operate", rados.aio_write_op_operate);
}

}  // namespace

Result<const RadosLibrary*> RadosLibrary::load() {
    static RadosLibrary rados;
    static const bool loaded = io::load_library("librados.so.2", find_rados, rados);
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "RADOS objects need librados (librados2), which is not installed");
    }
    return &rados;
}

}  // namespace quorate::quorum
