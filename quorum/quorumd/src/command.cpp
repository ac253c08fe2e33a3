#include "command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/core.h>

extern "C" char** environ;  // NOLINT: POSIX

namespace quorate::quorum {
namespace {

// What a child starts with: a group of its own, no signals blocked or ignored, none of our files.
class Start {
public:
    Start() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&files_);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        ::posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&files_, 1, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addopen(&files_, 2, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&files_, 3);
    }
    ~Start() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&files_);
    }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

    // 0, or an errno.
    int run(pid_t& child, const std::vector<std::string>& command) const {
        std::vector<char*> arguments;
        for (const auto& argument : command) {
            arguments.push_back(const_cast<char*>(argument.c_str()));
        }
        arguments.push_back(nullptr);
        return ::posix_spawn(&child, arguments[0], &files_, &attributes_, arguments.data(),
                             environ);
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t files_{};
};

// Whether it ended in time; it is not reaped.
bool ends_within(pid_t child, std::chrono::milliseconds timeout) {
    const auto descriptor = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (descriptor < 0) {
        return false;
    }
    pollfd wanted{descriptor, POLLIN, 0};
    const auto until = std::chrono::steady_clock::now() + timeout;
    int ready = 0;
    do {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        ready = ::poll(&wanted, 1, static_cast<int>(std::max(left.count(), std::int64_t{0})));
    } while (ready < 0 && errno == EINTR);
    ::close(descriptor);
    return ready == 1;
}

}  // namespace

CommandEnd run_command(const std::vector<std::string>& command, std::chrono::milliseconds timeout) {
    pid_t child = 0;
    if (const int error = Start().run(child, command); error != 0) {
        return {false, "not started: " + std::generic_category().message(error)};
    }
    const bool ended = ends_within(child, timeout);
    ::kill(-child, SIGKILL);  // and what it left behind
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) {
        return {false, fmt::format("no answer in {} ms", timeout.count())};
    }
    if (WIFSIGNALED(status)) {
        return {false, fmt::format("signal {}", WTERMSIG(status))};
    }
    return {WEXITSTATUS(status) == 0, fmt::format("exit {}", WEXITSTATUS(status))};
}

}  // namespace quorate::quorum
