#include "hand_worker.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
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

// Passes the command's output on until it has ended or the time is over.
bool pump(int socket, const HandRun& run, int from) {
    const auto deadline = io::mono_now() + std::chrono::milliseconds(run.timeout_ms);
    std::string buffer(kHandOutputPiece, '\0');
    for (;;) {
        const auto left = deadline - io::mono_now();
        pollfd waiting{from, POLLIN, 0};
        const int ready =
            ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (ready == 0) {
            return false;
        }
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        const auto size = ::read(from, buffer.data(), buffer.size());
        if (size <= 0) {
            return true;
        }
        reply(socket, HandOutput{run.id, buffer.substr(0, static_cast<std::size_t>(size))});
    }
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
    const bool ended = pump(socket, run, ends[0]);
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

// Complete under its name, or as it was; readable for whom it was.
std::string replace_file(const std::string& path, const std::string& text) {
    const auto draft = path + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        return draft + ": " + std::strerror(errno);
    }
    struct stat before {};
    const mode_t mode = ::stat(path.c_str(), &before) == 0 ? before.st_mode & 0777 : 0644;
    const bool written =
        ::fchmod(file, mode) == 0 &&
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!written) {
        ::unlink(draft.c_str());
        return draft + ": " + std::strerror(error);
    }
    const auto old = path + ".old";
    ::unlink(old.c_str());
    if (::link(path.c_str(), old.c_str()) != 0 && errno != ENOENT) {
        return old + ": " + std::strerror(errno);
    }
    return ::rename(draft.c_str(), path.c_str()) == 0 ? "" : path + ": " + std::strerror(errno);
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
