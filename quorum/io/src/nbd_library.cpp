#include "nbd_library.hpp"

#include "symbol.hpp"

namespace quorate::quorum {
namespace {

bool find_nbd(void* library, NbdLibrary& nbd) {
    return find_symbol(library, "nbd_create", nbd.create) &&
           find_symbol(library, "nbd_close", nbd.close) &&
           find_symbol(library, "nbd_connect_uri", nbd.connect_uri) &&
           find_symbol(library, "nbd_get_size", nbd.get_size) &&
           find_symbol(library, "nbd_can_fua", nbd.can_fua) &&
           find_symbol(library, "nbd_can_flush", nbd.can_flush) &&
           find_symbol(library, "nbd_is_read_only", nbd.is_read_only) &&
           find_symbol(library, "nbd_get_errno", nbd.get_errno) &&
           find_symbol(library, "nbd_get_error", nbd.get_error) &&
           find_symbol(library, "nbd_aio_get_fd", nbd.aio_get_fd) &&
           find_symbol(library, "nbd_aio_get_direction", nbd.aio_get_direction) &&
           find_symbol(library, "nbd_aio_notify_read", nbd.aio_notify_read) &&
           find_symbol(library, "nbd_aio_notify_write", nbd.aio_notify_write) &&
           find_symbol(library, "nbd_aio_is_dead", nbd.aio_is_dead) &&
           find_symbol(library, "nbd_aio_is_closed", nbd.aio_is_closed) &&
           find_symbol(library, "nbd_aio_pread", nbd.aio_pread) &&
           find_symbol(library, "nbd_aio_pwrite", nbd.aio_pwrite) &&
           find_symbol(library, "nbd_aio_flush", nbd.aio_flush);
}

}  // namespace

Result<const NbdLibrary*> NbdLibrary::load() {
    static NbdLibrary nbd;
    static const bool loaded = load_library("libnbd.so.0", find_nbd, nbd);
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "NBD exports need libnbd (libnbd0), which is not installed");
    }
    return &nbd;
}

}  // namespace quorate::quorum
