#include "rados_library.hpp"

#include "symbol.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kRadosLibrary = "librados.so.2";

bool find_rados(void* library, RadosLibrary& rados) {
    return find_symbol(library, "rados_create2", rados.create2) &&
           find_symbol(library, "rados_conf_read_file", rados.conf_read_file) &&
           find_symbol(library, "rados_conf_set", rados.conf_set) &&
           find_symbol(library, "rados_connect", rados.connect) &&
           find_symbol(library, "rados_shutdown", rados.shutdown) &&
           find_symbol(library, "rados_getaddrs", rados.getaddrs) &&
           find_symbol(library, "rados_mon_command", rados.mon_command) &&
           find_symbol(library, "rados_buffer_free", rados.buffer_free) &&
           find_symbol(library, "rados_wait_for_latest_osdmap", rados.wait_for_latest_osdmap) &&
           find_symbol(library, "rados_ioctx_create", rados.ioctx_create) &&
           find_symbol(library, "rados_ioctx_destroy", rados.ioctx_destroy) &&
           find_symbol(library, "rados_ioctx_set_namespace", rados.ioctx_set_namespace) &&
           find_symbol(library, "rados_read", rados.read) &&
           find_symbol(library, "rados_write", rados.write) &&
           find_symbol(library, "rados_write_full", rados.write_full) &&
           find_symbol(library, "rados_setxattr", rados.setxattr) &&
           find_symbol(library, "rados_getxattr", rados.getxattr) &&
           find_symbol(library, "rados_rmxattr", rados.rmxattr) &&
           find_symbol(library, "rados_getxattrs", rados.getxattrs) &&
           find_symbol(library, "rados_getxattrs_next", rados.getxattrs_next) &&
           find_symbol(library, "rados_getxattrs_end", rados.getxattrs_end) &&
           find_symbol(library, "rados_aio_create_completion2", rados.aio_create_completion2) &&
           find_symbol(library, "rados_aio_release", rados.aio_release) &&
           find_symbol(library, "rados_aio_get_return_value", rados.aio_get_return_value) &&
           find_symbol(library, "rados_aio_read", rados.aio_read) &&
           find_symbol(library, "rados_aio_write", rados.aio_write) &&
           find_symbol(library, "rados_create_write_op", rados.create_write_op) &&
           find_symbol(library, "rados_release_write_op", rados.release_write_op) &&
           find_symbol(library, "rados_write_op_zero", rados.write_op_zero) &&
           find_symbol(library, "rados_aio_write_op_operate", rados.aio_write_op_operate);
}

}  // namespace

Result<const RadosLibrary*> RadosLibrary::load() {
    static RadosLibrary rados;
    static const bool loaded = [] {
        void* library = ::dlopen(kRadosLibrary, RTLD_NOW | RTLD_LOCAL);
        return library != nullptr && find_rados(library, rados);
    }();
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "members in RADOS need librados (librados2), which is not installed");
    }
    return &rados;
}

}  // namespace quorate::shadowing
