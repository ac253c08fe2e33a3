#include "process.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <system_error>

#include <fmt/core.h>

#include "io/errc.hpp"
#include "io/lock_file.hpp"
#include "io/privileges.hpp"

namespace quorate::cluster {
namespace {

constexpr const char* kNodeLock = "/run/clusterd.lock";
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

// Also for who is not root any more: io/busy_poll.hpp gives it back now and then.
bool come_first() {
    const rlimit least{20 - kNice, 20 - kNice};
    ::setrlimit(RLIMIT_NICE, &least);
    return ::setpriority(PRIO_PROCESS, 0, kNice) == 0;
}

}  // namespace

void secure_heartbeats(const Logger& log, bool stays_root) {
    const bool may_lock = unlimited() || stays_root;
    const bool locked = may_lock && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
    const bool first = come_first();
    if (locked && first) {
        log.info("precedence", "memory", "locked", "nice", kNice);
    } else {
        log.warn("precedence", "memory", locked ? "locked" : "not locked", "nice",
                 ::getpriority(PRIO_PROCESS, 0), "hint",
                 "more was not permitted: a busy machine may lose its lease; see clusterd(8)");
    }
}

Status lock_node() {
    const auto held = io::hold_lock_file(kNodeLock);
    if (!held && held.error().code == std::errc::permission_denied) {
        return {};  // the group refuses a node's second member (membership.hpp)
    }
    QUORATE_CHECK(held);
    return *held ? Status()
                 : fail(io::Errc::kUsage,
                        fmt::format("another clusterd of a cluster runs on this node ({})",
                                    kNodeLock));
}

Status lock_directory(const std::string& path, const std::string& user) {
    const auto file = path + "/lock";
    QUORATE_TRY(const bool held, io::hold_lock_file(file, user));
    return held ? Status()
                : fail(io::Errc::kUsage, file + ": another clusterd runs on this directory");
}

}  // namespace quorate::cluster
