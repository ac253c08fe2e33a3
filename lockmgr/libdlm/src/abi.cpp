#include "abi.hpp"

#include <map>
#include <mutex>
#include <string>

namespace quorate::lockmgr::libdlm {
namespace {

constexpr const char* kDefaultName = "default";

// Every open lockspace by its descriptor, for dlm_dispatch().
struct Registry {
    std::mutex mutex;
    std::map<int, std::weak_ptr<Lockspace>> by_descriptor;
    std::shared_ptr<Lockspace> default_space;

    void add(const std::shared_ptr<Lockspace>& space) {
        by_descriptor[space->descriptor()] = space;
    }
    void remove(const Lockspace& space) { by_descriptor.erase(space.descriptor()); }
};

// Never destroyed: threads may still be in it when the program exits.
Registry& registry() {
    static auto* const one = new Registry;
    return *one;
}

std::shared_ptr<Lockspace> space_of(dlm_lshandle_t handle) {
    return handle == nullptr ? nullptr : static_cast<Handle*>(handle)->space;
}

dlm_lshandle_t open_handle(const char* name, const mode_t* mode, std::uint32_t flags = 0) {
    try {
        auto space = Lockspace::open(name == nullptr ? "" : name);
        if (!space) {
            return nullptr;
        }
        const bool fresh = (flags & DLM_LSFL_NEWEXCL) != 0;
        if (const int error = mode == nullptr ? 0 : space->create(*mode, fresh); error != 0) {
            errno = error;
            return nullptr;
        }
        auto& all = registry();
        const std::lock_guard guard(all.mutex);
        all.add(space);
        return new Handle{std::move(space)};
    } catch (const std::exception&) {
        errno = ENOMEM;
        return nullptr;
    }
}

int close_handle(dlm_lshandle_t handle) {
    if (handle == nullptr) {
        return EINVAL;
    }
    std::unique_ptr<Handle> owned(static_cast<Handle*>(handle));
    {
        auto& all = registry();
        const std::lock_guard guard(all.mutex);
        all.remove(*owned->space);
    }
    owned->space->close();
    return 0;
}

}  // namespace

std::shared_ptr<Lockspace> default_space_if_open() {
    auto& all = registry();
    const std::lock_guard guard(all.mutex);
    return all.default_space;
}

std::shared_ptr<Lockspace> default_space() {
    auto& all = registry();
    const std::lock_guard guard(all.mutex);
    if (!all.default_space) {
        all.default_space = Lockspace::open(kDefaultName);
        if (all.default_space) {
            all.add(all.default_space);
        }
    }
    return all.default_space;
}

void close_default_space() {
    std::shared_ptr<Lockspace> space;
    {
        auto& all = registry();
        const std::lock_guard guard(all.mutex);
        space = std::exchange(all.default_space, nullptr);
        if (space) {
            all.remove(*space);
        }
    }
    if (space) {
        space->stop_thread();
    }
}

namespace {

using Request = Lockspace::Request;

int lock_in(const std::shared_ptr<Lockspace>& space, const Request& request, const void* range,
            bool wait) {
    return guarded([&] {
        return space == nullptr ? ENOTCONN : range != nullptr ? ENOSYS : space->lock(request, wait);
    });
}

int unlock_in(const std::shared_ptr<Lockspace>& space, std::uint32_t lkid, std::uint32_t flags,
              dlm_lksb* lksb, void* argument, bool wait) {
    return guarded([&] {
        return space == nullptr ? ENOTCONN : space->unlock(lkid, flags, lksb, argument, wait);
    });
}

// LKF_WAIT asks for a call that waits.
constexpr std::uint32_t kWait = LKF_WAIT;

Request request_of(std::uint32_t mode, dlm_lksb* lksb, std::uint32_t flags, const void* name,
                   unsigned int name_size, std::uint32_t parent, Ast ast, void* argument,
                   Ast blocking_ast) {
    Request request;
    request.mode = mode;
    request.lksb = lksb;
    request.flags = flags & ~kWait;
    request.name = name;
    request.name_size = name_size;
    request.parent = parent;
    request.ast = ast;
    request.argument = argument;
    request.blocking_ast = blocking_ast;
    return request;
}

}  // namespace
}  // namespace quorate::lockmgr::libdlm

using namespace quorate::lockmgr::libdlm;

extern "C" {

int dlm_kernel_version(uint32_t* major, uint32_t* minor, uint32_t* patch) {
    dlm_library_version(major, minor, patch);
    return 0;
}

// The kernel interface that libdlm 4.2 speaks; 6.0.1 had a fault that callers work around.
void dlm_library_version(uint32_t* major, uint32_t* minor, uint32_t* patch) {
    *major = 6;
    *minor = 0;
    *patch = 2;
}

// ---- the default lockspace

int dlm_lock(uint32_t mode, dlm_lksb* lksb, uint32_t flags, const void* name, unsigned int namelen,
             uint32_t parent, Ast astaddr, void* astarg, Ast bastaddr, void* range) {
    const auto space = default_space();
    const auto request =
        request_of(mode, lksb, flags, name, namelen, parent, astaddr, astarg, bastaddr);
    return space == nullptr ? -1 : lock_in(space, request, range, (flags & kWait) != 0);
}

int dlm_lock_wait(uint32_t mode, dlm_lksb* lksb, uint32_t flags, const void* name,
                  unsigned int namelen, uint32_t parent, void* bastarg, Ast bastaddr, void* range) {
    const auto space = default_space();
    const auto request =
        request_of(mode, lksb, flags, name, namelen, parent, nullptr, bastarg, bastaddr);
    return space == nullptr ? -1
                            : outcome_of_wait(lock_in(space, request, range, /*wait=*/true), lksb);
}

int dlm_unlock(uint32_t lkid, uint32_t flags, dlm_lksb* lksb, void* astarg) {
    const auto space = default_space_if_open();
    return unlock_in(space, lkid, flags & ~kWait, lksb, astarg, (flags & kWait) != 0);
}

int dlm_unlock_wait(uint32_t lkid, uint32_t flags, dlm_lksb* lksb) {
    const auto space = default_space_if_open();
    return outcome_of_wait(unlock_in(space, lkid, flags & ~kWait, lksb, nullptr, /*wait=*/true),
                           lksb);
}

int dlm_get_fd(void) {
    const auto space = default_space();
    return space == nullptr ? -1 : space->descriptor();
}

int dlm_dispatch(int fd) {
    std::shared_ptr<Lockspace> space;
    {
        auto& all = registry();
        const std::lock_guard guard(all.mutex);
        const auto found = all.by_descriptor.find(fd);
        space = found == all.by_descriptor.end() ? nullptr : found->second.lock();
    }
    return guarded([&] {
        if (space == nullptr) {
            return EBADF;
        }
        space->dispatch();
        return 0;
    });
}

// ---- lockspaces

dlm_lshandle_t dlm_create_lockspace(const char* name, mode_t mode) {
    return open_handle(name, &mode);
}

dlm_lshandle_t dlm_new_lockspace(const char* name, mode_t mode, uint32_t flags) {
    return open_handle(name, &mode, flags);
}

dlm_lshandle_t dlm_open_lockspace(const char* name) { return open_handle(name, nullptr); }

int dlm_close_lockspace(dlm_lshandle_t ls) {
    return guarded([&] { return close_handle(ls); });
}

int dlm_release_lockspace(const char* name, dlm_lshandle_t ls, int force) {
    return guarded([&] {
        const auto space = space_of(ls);
        if (space == nullptr || name == nullptr || space->name() != name) {
            return EINVAL;
        }
        return force == 0 && space->has_locks() ? EBUSY : close_handle(ls);
    });
}

int dlm_ls_get_fd(dlm_lshandle_t ls) {
    const auto space = space_of(ls);
    return space == nullptr ? as_c(ENOTCONN) : space->descriptor();
}

int dlm_ls_lock(dlm_lshandle_t ls, uint32_t mode, dlm_lksb* lksb, uint32_t flags, const void* name,
                unsigned int namelen, uint32_t parent, Ast astaddr, void* astarg, Ast bastaddr,
                void* range) {
    const auto request =
        request_of(mode, lksb, flags, name, namelen, parent, astaddr, astarg, bastaddr);
    return lock_in(space_of(ls), request, range, (flags & kWait) != 0);
}

int dlm_ls_lockx(dlm_lshandle_t ls, uint32_t mode, dlm_lksb* lksb, uint32_t flags, const void* name,
                 unsigned int namelen, uint32_t parent, Ast astaddr, void* astarg, Ast bastaddr,
                 uint64_t* xid, uint64_t* timeout) {
    auto request = request_of(mode, lksb, flags, name, namelen, parent, astaddr, astarg, bastaddr);
    request.xid = xid == nullptr ? 0 : *xid;
    request.timeout = timeout == nullptr ? 0 : *timeout;
    return lock_in(space_of(ls), request, nullptr, (flags & kWait) != 0);
}

int dlm_ls_lock_wait(dlm_lshandle_t ls, uint32_t mode, dlm_lksb* lksb, uint32_t flags,
                     const void* name, unsigned int namelen, uint32_t parent, void* bastarg,
                     Ast bastaddr, void* range) {
    const auto request =
        request_of(mode, lksb, flags, name, namelen, parent, nullptr, bastarg, bastaddr);
    return outcome_of_wait(lock_in(space_of(ls), request, range, /*wait=*/true), lksb);
}

int dlm_ls_unlock(dlm_lshandle_t ls, uint32_t lkid, uint32_t flags, dlm_lksb* lksb, void* astarg) {
    return unlock_in(space_of(ls), lkid, flags & ~kWait, lksb, astarg, (flags & kWait) != 0);
}

int dlm_ls_unlock_wait(dlm_lshandle_t ls, uint32_t lkid, uint32_t flags, dlm_lksb* lksb) {
    return outcome_of_wait(
        unlock_in(space_of(ls), lkid, flags & ~kWait, lksb, nullptr, /*wait=*/true), lksb);
}

int dlm_ls_deadlock_cancel(dlm_lshandle_t ls, uint32_t lkid, uint32_t) {
    const auto space = space_of(ls);
    return guarded([&] { return space == nullptr ? ENOTCONN : space->deadlock_cancel(lkid); });
}

int dlm_ls_purge(dlm_lshandle_t ls, int nodeid, int pid) {
    const auto space = space_of(ls);
    return guarded([&] {
        return space == nullptr ? ENOTCONN
                                : space->purge(static_cast<std::uint32_t>(nodeid),
                                               static_cast<std::uint32_t>(pid));
    });
}

}  // extern "C"
