#include "hand_worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "hand_protocol.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint32_t kExitTimedOut = 124;
constexpr std::uint32_t kExitNotRun = 127;
constexpr std::uint32_t kExitSignal = 128;

void reply(int socket, const HandReply& message) {
    const auto bytes = encode(message);
    while (::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

[[noreturn]] void become(const std::vector<std::string>& words, int output) {
    ::setpgid(0, 0);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const auto& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    const std::string message = words[0] + ": " + std::strerror(errno) + "\n";
    static_cast<void>(!::write(STDERR_FILENO, message.data(), message.size()));
    ::_exit(static_cast<int>(kExitNotRun));
}

// Waits until there is something to read. False: the time is over.
bool wait_readable(int file, MonoTime deadline) {
    for (;;) {
        const auto left = std::max<std::int64_t>((deadline - io::mono_now()).count(), 0);
        pollfd waiting{file, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left));
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
        if (ready == 0) {
            return false;
        }
    }
}

// Passes the command's output on until it has closed it. False: the time is over.
bool pump(int socket, const HandRun& run, int from, MonoTime deadline) {
    std::string buffer(kHandOutputPiece, '\0');
    while (wait_readable(from, deadline)) {
        const auto size = ::read(from, buffer.data(), buffer.size());
        if (size <= 0) {
            return true;
        }
        reply(socket, HandOutput{run.id, buffer.substr(0, static_cast<std::size_t>(size))});
    }
    return false;
}

// Who has closed its output may run on. False: the time is over.
bool wait_for_end(pid_t child, MonoTime deadline) {
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (handle < 0) {
        return true;
    }
    const bool ended = wait_readable(handle, deadline);
    ::close(handle);
    return ended;
}

std::uint32_t exit_code_of(int status) {
    return WIFEXITED(status) ? static_cast<std::uint32_t>(WEXITSTATUS(status))
                             : kExitSignal + static_cast<std::uint32_t>(WTERMSIG(status));
}

HandDone run_command(int socket, const HandRun& run) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return {run.id, kExitNotRun, std::strerror(errno)};
    }
    const auto child = ::fork();
    if (child < 0) {
        return {run.id, kExitNotRun, std::strerror(errno)};
    }
    if (child == 0) {
        become(run.words, ends[1]);
    }
    ::setpgid(child, child);
    ::close(ends[1]);
    const auto deadline = io::mono_now() + std::chrono::milliseconds(run.timeout_ms);
    const bool ended = pump(socket, run, ends[0], deadline) && wait_for_end(child, deadline);
    if (!ended) {
        ::kill(-child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) {
        return {run.id, kExitTimedOut, "ended: its time was over"};
    }
    return {run.id, exit_code_of(status), ""};
}

std::string because(const std::string& path) { return path + ": " + std::strerror(errno); }

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

bool sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = file >= 0 && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    errno = error;
    return synced;
}

// What is wrong; empty: nothing.
std::string write_draft(const std::string& draft, const std::string& text, mode_t mode) {
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        return because(draft);
    }
    const bool written = ::fchmod(file, mode) == 0 && write_all(file, text) && ::fsync(file) == 0;
    const auto problem = written ? "" : because(draft);
    ::close(file);
    return problem;
}

// Complete under its name, or as it was; readable for whom it was.
std::string replace_file(const std::string& path, const std::string& text) {
    struct stat before {};
    const mode_t mode = ::stat(path.c_str(), &before) == 0 ? before.st_mode & 0777 : 0644;
    const auto draft = path + ".new";
    if (auto problem = write_draft(draft, text, mode); !problem.empty()) {
        ::unlink(draft.c_str());
        return problem;
    }
    const auto old = path + ".old";
    ::unlink(old.c_str());
    if (::link(path.c_str(), old.c_str()) != 0 && errno != ENOENT) {
        return because(old);
    }
    return ::rename(draft.c_str(), path.c_str()) == 0 && sync_folder_of(path) ? "" : because(path);
}

void handle(int socket, const HandRequest& request, const std::string& conf_path) {
    if (const auto* run = std::get_if<HandRun>(&request)) {
        reply(socket, run_command(socket, *run));
        return;
    }
    const auto& replace = std::get<HandReplaceConf>(request);
    const auto problem = replace_file(conf_path, replace.text);
    reply(socket, HandDone{replace.id, problem.empty() ? 0U : 1U, problem});
}

}  // namespace

void serve_as_hand(int socket, const std::string& conf_path) {
    ::prctl(PR_SET_NAME, "clusterd-hand");
    // The whole group gets the terminal's signals; the other half decides when to end.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGCHLD, SIG_IGN);
    std::string buffer(kHandPacketMax, '\0');
    for (;;) {
        const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            ::_exit(0);
        }
        const auto request = decode_hand_request({buffer.data(), static_cast<std::size_t>(size)});
        if (!request || ::fork() != 0) {
            continue;
        }
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        std::signal(SIGHUP, SIG_DFL);
        std::signal(SIGCHLD, SIG_DFL);
        handle(socket, *request, conf_path);
        ::_exit(0);
    }
}

}  // namespace quorate::cluster
