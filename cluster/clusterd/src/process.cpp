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

// What is allocated later counts against a limit, and over it nothing can be allocated at all.
bool may_lock_everything() {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur != RLIM_INFINITY) {
        limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
        return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
    }
    return true;
}

}  // namespace

void secure_heartbeats(const Logger& log) {
    const bool everything = may_lock_everything();
    const int flags = everything ? MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT : MCL_CURRENT;
    const char* memory = everything ? "locked" : "locked as of now";
    if (::mlockall(flags) != 0) {
        memory = "not locked";
    }
    errno = 0;
    const bool first = ::setpriority(PRIO_PROCESS, 0, kNice) == 0;
    log.info("precedence", "memory", memory, "nice", ::getpriority(PRIO_PROCESS, 0), "hint",
             first && everything ? "as wanted"
                                 : "not permitted: a busy machine may lose its lease; see "
                                   "clusterd(8)");
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
