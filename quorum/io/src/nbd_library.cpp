#include "nbd_library.hpp"

#include <dlfcn.h>

namespace quorate::quorum {
namespace {

constexpr const char* kLibraryName = "libnbd.so.0";

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

bool find_all(void* library, NbdLibrary& nbd) {
    return find(library, "nbd_create", nbd.create) && find(library, "nbd_close", nbd.close) &&
           find(library, "nbd_connect_uri", nbd.connect_uri) &&
           find(library, "nbd_get_size", nbd.get_size) &&
           find(library, "nbd_can_fua", nbd.can_fua) &&
           find(library, "nbd_can_flush", nbd.can_flush) &&
           find(library, "nbd_is_read_only", nbd.is_read_only) &&
           find(library, "nbd_get_errno", nbd.get_errno) &&
           find(library, "nbd_get_error", nbd.get_error) &&
           find(library, "nbd_aio_get_fd", nbd.aio_get_fd) &&
           find(library, "nbd_aio_get_direction", nbd.aio_get_direction) &&
           find(library, "nbd_aio_notify_read", nbd.aio_notify_read) &&
           find(library, "nbd_aio_notify_write", nbd.aio_notify_write) &&
           find(library, "nbd_aio_is_dead", nbd.aio_is_dead) &&
           find(library, "nbd_aio_is_closed", nbd.aio_is_closed) &&
           find(library, "nbd_aio_pread", nbd.aio_pread) &&
           find(library, "nbd_aio_pwrite", nbd.aio_pwrite) &&
           find(library, "nbd_aio_flush", nbd.aio_flush);
}

}  // namespace

Result<const NbdLibrary*> NbdLibrary::load() {
    static NbdLibrary nbd;
    static const bool loaded = [] {
        void* library = ::dlopen(kLibraryName, RTLD_NOW | RTLD_LOCAL);
        return library != nullptr && find_all(library, nbd);
    }();
    if (!loaded) {
        return fail(std::make_error_code(std::errc::not_supported),
                    "NBD exports need libnbd (libnbd0), which is not installed");
    }
    return &nbd;
}

}  // namespace quorate::quorum
