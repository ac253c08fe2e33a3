#include "nbd_library.hpp"

#include "io/shared_library.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kNbdLibrary = "libnbd.so.0";

bool find_nbd(void* library, NbdLibrary& nbd) {
    return io::find_symbol(library, "nbd_create", nbd.create) &&
           io::find_symbol(library, "nbd_close", nbd.close) &&
           io::find_symbol(library, "nbd_get_errno", nbd.get_errno) &&
           io::find_symbol(library, "nbd_get_error", nbd.get_error) &&
           io::find_symbol(library, "nbd_set_export_name", nbd.set_export_name) &&
           io::find_symbol(library, "nbd_set_full_info", nbd.set_full_info) &&
           io::find_symbol(library, "nbd_set_tls", nbd.set_tls) &&
           io::find_symbol(library, "nbd_set_tls_username", nbd.set_tls_username) &&
           io::find_symbol(library, "nbd_set_tls_psk_file", nbd.set_tls_psk_file) &&
           io::find_symbol(library, "nbd_get_export_description", nbd.get_export_description) &&
           io::find_symbol(library, "nbd_get_size", nbd.get_size) &&
           io::find_symbol(library, "nbd_aio_connect_socket", nbd.aio_connect_socket) &&
           io::find_symbol(library, "nbd_aio_get_fd", nbd.aio_get_fd) &&
           io::find_symbol(library, "nbd_aio_get_direction", nbd.aio_get_direction) &&
           io::find_symbol(library, "nbd_aio_notify_read", nbd.aio_notify_read) &&
           io::find_symbol(library, "nbd_aio_notify_write", nbd.aio_notify_write) &&
           io::find_symbol(library, "nbd_aio_is_connecting", nbd.aio_is_connecting) &&
           io::find_symbol(library, "nbd_aio_is_dead", nbd.aio_is_dead) &&
           io::find_symbol(library, "nbd_aio_is_closed", nbd.aio_is_closed) &&
           io::find_symbol(library, "nbd_aio_pread", nbd.aio_pread) &&
           io::find_symbol(library, "nbd_aio_pwrite", nbd.aio_pwrite) &&
           io::find_symbol(library, "nbd_aio_zero", nbd.aio_zero) &&
           io::find_symbol(library, "nbd_aio_flush", nbd.aio_flush);
}

}  // namespace

Result<const NbdLibrary*> NbdLibrary::load() {
    static NbdLibrary nbd;
    static const bool loaded = io::load_library(kNbdLibrary, find_nbd, nbd);
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "disks of other nodes need libnbd (libnbd0), which is not installed");
    }
    return &nbd;
}

}  // namespace quorate::shadowing
