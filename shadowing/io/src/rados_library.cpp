#include "rados_library.hpp"

#include "io/shared_library.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kRadosLibrary = "librados.so.2";

bool find_rados(void* library, RadosLibrary& rados) {
    return io::find_symbol(library, "rados_create2", rados.create2) &&
           io::find_symbol(library, "rados_conf_read_file", rados.conf_read_file) &&
           io::find_symbol(library, "rados_conf_set", rados.conf_set) &&
           io::find_symbol(library, "rados_connect", rados.connect) &&
           io::find_symbol(library, "rados_shutdown", rados.shutdown) &&
           io::find_symbol(library, "rados_getaddrs", rados.getaddrs) &&
           io::find_symbol(library, "rados_mon_command", rados.mon_command) &&
           io::find_symbol(library, "rados_buffer_free", rados.buffer_free) &&
           io::find_symbol(library, "rados_wait_for_latest_osdmap", rados.wait_for_latest_osdmap) &&
           io::find_symbol(library, "rados_ioctx_create", rados.ioctx_create) &&
           io::find_symbol(library, "rados_ioctx_destroy", rados.ioctx_destroy) &&
           io::find_symbol(library, "rados_ioctx_set_namespace", rados.ioctx_set_namespace) &&
           io::find_symbol(library, "rados_read", rados.read) &&
           io::find_symbol(library, "rados_write", rados.write) &&
           io::find_symbol(library, "rados_write_full", rados.write_full) &&
           io::find_symbol(library, "rados_setxattr", rados.setxattr) &&
           io::find_symbol(library, "rados_getxattr", rados.getxattr) &&
           io::find_symbol(library, "rados_rmxattr", rados.rmxattr) &&
           io::find_symbol(library, "rados_getxattrs", rados.getxattrs) &&
           io::find_symbol(library, "rados_getxattrs_next", rados.getxattrs_next) &&
           io::find_symbol(library, "rados_getxattrs_end", rados.getxattrs_end) &&
           io::find_symbol(library, "rados_aio_create_completion2", rados.aio_create_completion2) &&
           io::find_symbol(library, "rados_aio_release", rados.aio_release) &&
           io::find_symbol(library, "rados_aio_get_return_value", rados.aio_get_return_value) &&
           io::find_symbol(library, "rados_aio_read", rados.aio_read) &&
           io::find_symbol(library, "rados_aio_write", rados.aio_write) &&
           io::find_symbol(library, "rados_create_write_op", rados.create_write_op) &&
           io::find_symbol(library, "rados_release_write_op", rados.release_write_op) &&
           io::find_symbol(library, "rados_write_op_zero", rados.write_op_zero) &&
           io::find_symbol(library, "rados_aio_write_op_operate", rados.aio_write_op_operate);
}

}  // namespace

Result<const RadosLibrary*> RadosLibrary::load() {
    static RadosLibrary rados;
    static const bool loaded = io::load_library(kRadosLibrary, find_rados, rados);
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "members in RADOS need librados (librados2), which is not installed");
    }
    return &rados;
}

}  // namespace quorate::shadowing
