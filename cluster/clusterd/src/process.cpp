#include "process.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/errc.hpp"
#include "io/privileges.hpp"

namespace quorate::cluster {
namespace {

constexpr int kNice = -15;

// Who is not root may lock so much and no more; what comes over it, a growing stack too, cannot be
// had at all.
bool unlimited() {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY) {
        return true;
    }
    limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

}  // namespace

void secure_heartbeats(const Logger& log, bool stays_root) {
    const bool may_lock = unlimited() || stays_root;
    const bool locked = may_lock && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
    const bool first = ::setpriority(PRIO_PROCESS, 0, kNice) == 0;
    if (locked && first) {
        log.info("precedence", "memory", "locked", "nice", kNice);
    } else {
        log.warn("precedence", "memory", locked ? "locked" : "not locked", "nice",
                 ::getpriority(PRIO_PROCESS, 0), "hint",
                 "more was not permitted: a busy machine may lose its lease; see clusterd(8)");
    }
}

Status lock_directory(const std::string& path, const std::string& user) {
    const auto file = path + "/lock";
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return fail_errno(errno, file);
    }
    QUORATE_CHECK(io::give_to_user(file, user));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(descriptor);
        return fail(io::Errc::kUsage, error == EWOULDBLOCK
                                          ? file + ": another clusterd runs on this directory"
                                          : file + ": " + std::strerror(error));
    }
    return {};
}

}  // namespace quorate::cluster
