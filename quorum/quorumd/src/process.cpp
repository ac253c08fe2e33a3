#include "process.hpp"

#include <sched.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "base/text.hpp"
#include "io/lock_file.hpp"
#include "memory.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = "/run/quorumd.lock";
constexpr int kNice = -20;
// Below Corosync's own, so that it is never kept from the processor by its device.
constexpr int kPriority = 50;
constexpr const char* kSbdFiles[] = {"/etc/default/sbd", "/etc/sysconfig/sbd"};
constexpr long kSbdDefaultMs = 5000;

// SBD_WATCHDOG_TIMEOUT of its configuration.
long sbd_watchdog_ms() {
    constexpr std::string_view kKey = "SBD_WATCHDOG_TIMEOUT=";
    long found = kSbdDefaultMs;
    for (const char* path : kSbdFiles) {
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with(kKey)) {
                std::string value(trim(std::string_view(line).substr(kKey.size())));
                std::erase(value, '"');
                found = static_cast<long>(parse_u64(value).value_or(0)) * 1000;
            }
        }
    }
    return found;
}

}  // namespace

Status lock_node() {
    QUORATE_TRY(const bool held, io::hold_lock_file(kLock));
    return held ? Status()
                : fail(errc::refused, fmt::format("another quorumd runs on this node ({})", kLock));
}

void secure_time(const Logger& log) {
    struct rlimit limit {};
    limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    ::setrlimit(RLIMIT_MEMLOCK, &limit);
    const bool locked = lock_memory();
    sched_param parameter{};
    parameter.sched_priority = kPriority;
    const bool real_time = ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameter) == 0;
    const bool nice = real_time || ::setpriority(PRIO_PROCESS, 0, kNice) == 0;
    const auto* precedence = real_time ? "real-time" : nice ? "nice" : "none";
    if (locked && real_time) {
        log.info("precedence", "memory", "locked", "scheduling", precedence);
    } else {
        log.warn("precedence", "memory", locked ? "locked" : "not locked", "scheduling", precedence,
                 "hint", "more was not permitted: a busy machine may lose the disk's votes");
    }
}

bool program_runs(std::string_view name) {
    std::error_code error;
    const auto ours = fs::read_symlink("/proc/self/ns/pid", error);
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        std::ifstream comm(entry.path() / "comm");
        std::string found;
        std::error_code ignored;
        // The kernel keeps 15 octets of a name.
        if (std::getline(comm, found) && found == name.substr(0, 15) &&
            fs::read_symlink(entry.path() / "ns/pid", ignored) == ours) {
            return true;
        }
    }
    return false;
}

std::string rival_programs(bool watchdog_mode, long sync_timeout_ms) {
    if (program_runs("corosync-qdevice")) {
        return "corosync-qdevice runs on this node, and a cluster has one quorum device: systemctl "
               "disable --now corosync-qdevice on all nodes";
    }
    if (!program_runs("sbd")) {
        return {};
    }
    if (watchdog_mode) {
        return "SBD runs on this node: it wants the watchdog for itself, and trusts no quorum "
               "while "
               "sync_timeout is above its own; format the disk for soft mode, or stop SBD";
    }
    if (sync_timeout_ms > sbd_watchdog_ms()) {
        return fmt::format(
            "SBD runs on this node and trusts no quorum while quorum.device."
            "sync_timeout ({} ms) is above its SBD_WATCHDOG_TIMEOUT ({} ms): raise "
            "that",
            sync_timeout_ms, sbd_watchdog_ms());
    }
    return {};
}

void reset_machine() { ::reboot(RB_AUTOBOOT); }

}  // namespace quorate::quorum
