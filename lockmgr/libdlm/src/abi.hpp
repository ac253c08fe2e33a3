#pragma once

#include <cerrno>
#include <exception>
#include <memory>
#include <new>

#include "lockspace.hpp"

// What the exported functions share.
namespace quorate::lockmgr::libdlm {

// What a dlm_lshandle_t points at.
struct Handle {
    std::shared_ptr<Lockspace> space;  // shared with calls under way
};

// An errno value as C has it.
inline int as_c(int error) {
    if (error == 0) {
        return 0;
    }
    errno = error;
    return -1;
}

// No exception leaves: memory may be short.
template <class Body>
int guarded(Body body) {
    try {
        return as_c(body());
    } catch (const std::bad_alloc&) {
        return as_c(ENOMEM);
    } catch (const std::exception&) {
        return as_c(EIO);
    }
}

// The default lockspace, opened by its first use. Null: errno says why.
std::shared_ptr<Lockspace> default_space();
std::shared_ptr<Lockspace> default_space_if_open();
void close_default_space();

// The contract of the calls that wait. libdlm: 0 when the request was accepted, whatever came of
// it. libdlm_lt: -1 with the status as errno when it failed.
int outcome_of_wait(int result, const dlm_lksb* lksb);

}  // namespace quorate::lockmgr::libdlm
