#include "io/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "io/privileges.hpp"

namespace quorate::io {

Result<bool> hold_lock_file(const std::string& path, const std::string& user) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return fail_errno(errno, path);
    }
    QUORATE_CHECK(give_to_user(path, user));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    const int error = errno;
    ::close(descriptor);
    if (error != EWOULDBLOCK) {
        return fail_errno(error, path);
    }
    return false;
}

}  // namespace quorate::io
