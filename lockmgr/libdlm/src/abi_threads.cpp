#include <cstring>

#include "abi.hpp"

// What libdlm has and libdlm_lt has not.

using namespace quorate::lockmgr::libdlm;

extern "C" {

int dlm_pthread_init(void) {
    const auto space = default_space();
    return space == nullptr ? -1 : guarded([&] { return space->start_thread(); });
}

int dlm_ls_pthread_init(dlm_lshandle_t ls) {
    return guarded(
        [&] { return ls == nullptr ? ENOTCONN : static_cast<Handle*>(ls)->space->start_thread(); });
}

int dlm_pthread_cleanup(void) {
    return guarded([] {
        close_default_space();
        return 0;
    });
}

int lock_resource(const char* resource, int mode, int flags, int* lockid) {
    if (default_space_if_open() == nullptr && dlm_pthread_init() != 0) {
        return -1;
    }
    if (lockid == nullptr || resource == nullptr) {
        return as_c(EINVAL);
    }
    dlm_lksb lksb{};
    if ((flags & LKF_CONVERT) != 0) {
        lksb.sb_lkid = static_cast<std::uint32_t>(*lockid);
    }
    const int result = dlm_lock_wait(
        static_cast<std::uint32_t>(mode), &lksb, static_cast<std::uint32_t>(flags), resource,
        static_cast<unsigned>(std::strlen(resource)), 0, nullptr, nullptr, nullptr);
    if (result != 0) {
        return result;
    }
    *lockid = static_cast<int>(lksb.sb_lkid);
    return as_c(lksb.sb_status);
}

int unlock_resource(int lockid) {
    if (default_space_if_open() == nullptr) {
        return as_c(ENOTCONN);
    }
    dlm_lksb lksb{};
    const int result = dlm_unlock_wait(static_cast<std::uint32_t>(lockid), 0, &lksb);
    if (result != 0) {
        return result;
    }
    return lksb.sb_status == EUNLOCK ? 0 : as_c(lksb.sb_status);
}

}  // extern "C"
