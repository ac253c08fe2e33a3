#include "nbd_library.hpp"

#include "io/shared_library.hpp"

namespace quorate::quorum {
namespace {

bool find_nbd(void* library, NbdLibrary& nbd) {
    return io::find_symbol(library, "nbd_create", nbd.create) &&
           io::find_symbol(library, "nbd_close", nbd.close) &&
           io::find_symbol(library, "nbd_connect_uri", nbd.connect_uri) &&
           io::find_symbol(library, "nbd_get_size", nbd.get_size) &&
           io::find_symbol(library, "nbd_can_fua", nbd.can_fua) &&
           io::find_symbol(library, "nbd_can_flush", nbd.can_flush) &&
           io::find_symbol(library, "nbd_is_read_only", nbd.is_read_only) &&
           io::find_symbol(library, "nbd_get_errno", nbd.get_errno) &&
           io::find_symbol(library, "nbd_get_error", nbd.get_error) &&
           io::find_symbol(library, "nbd_aio_get_fd", nbd.aio_get_fd) &&
           io::find_symbol(library, "nbd_aio_get_direction", nbd.aio_get_direction) &&
           io::find_symbol(library, "nbd_aio_notify_read", nbd.aio_notify_read) &&
           io::find_symbol(library, "nbd_aio_notify_write", nbd.aio_notify_write) &&
           io::find_symbol(library, "nbd_aio_is_dead", nbd.aio_is_dead) &&
           io::find_symbol(library, "nbd_aio_is_closed", nbd.aio_is_closed) &&
           io::find_symbol(library, "nbd_aio_pread", nbd.aio_pread) &&
           io::find_symbol(library, "nbd_aio_pwrite", nbd.aio_pwrite) &&
           io::find_symbol(library, "nbd_aio_flush", nbd.aio_flush);
}

}  // namespace

Result<const NbdLibrary*> NbdLibrary::load() {
    static NbdLibrary nbd;
    static const bool loaded = io::load_library("libnbd.so.0", find_nbd, nbd);
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "NBD exports need libnbd (libnbd0), which is not installed");
    }
    return &nbd;
}

}  // namespace quorate::quorum
