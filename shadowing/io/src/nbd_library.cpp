#include "nbd_library.hpp"

#include "symbol.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kNbdLibrary = "libnbd.so.0";

bool find_nbd(void* library, NbdLibrary& nbd) {
    return find_symbol(library, "nbd_create", nbd.create) &&
           find_symbol(library, "nbd_close", nbd.close) &&
           find_symbol(library, "nbd_get_errno", nbd.get_errno) &&
           find_symbol(library, "nbd_get_error", nbd.get_error) &&
           find_symbol(library, "nbd_set_export_name", nbd.set_export_name) &&
           find_symbol(library, "nbd_set_full_info", nbd.set_full_info) &&
           find_symbol(library, "nbd_set_tls", nbd.set_tls) &&
           find_symbol(library, "nbd_set_tls_username", nbd.set_tls_username) &&
           find_symbol(library, "nbd_set_tls_psk_file", nbd.set_tls_psk_file) &&
           find_symbol(library, "nbd_get_export_description", nbd.get_export_description) &&
           find_symbol(library, "nbd_get_size", nbd.get_size) &&
           find_symbol(library, "nbd_aio_connect_socket", nbd.aio_connect_socket) &&
           find_symbol(library, "nbd_aio_get_fd", nbd.aio_get_fd) &&
           find_symbol(library, "nbd_aio_get_direction", nbd.aio_get_direction) &&
           find_symbol(library, "nbd_aio_notify_read", nbd.aio_notify_read) &&
           find_symbol(library, "nbd_aio_notify_write", nbd.aio_notify_write) &&
           find_symbol(library, "nbd_aio_is_connecting", nbd.aio_is_connecting) &&
           find_symbol(library, "nbd_aio_is_dead", nbd.aio_is_dead) &&
           find_symbol(library, "nbd_aio_is_closed", nbd.aio_is_closed) &&
           find_symbol(library, "nbd_aio_pread", nbd.aio_pread) &&
           find_symbol(library, "nbd_aio_pwrite", nbd.aio_pwrite) &&
           find_symbol(library, "nbd_aio_zero", nbd.aio_zero) &&
           find_symbol(library, "nbd_aio_flush", nbd.aio_flush);
}

}  // namespace

Result<const NbdLibrary*> NbdLibrary::load() {
    static NbdLibrary nbd;
    static const bool loaded = [] {
        void* library = ::dlopen(kNbdLibrary, RTLD_NOW | RTLD_LOCAL);
        return library != nullptr && find_nbd(library, nbd);
    }();
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "disks of other nodes need libnbd (libnbd0), which is not installed");
    }
    return &nbd;
}

}  // namespace quorate::shadowing
