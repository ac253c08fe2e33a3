#include "services.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <fmt/core.h>

#include "api.hpp"

namespace quorate::ctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCorosync = "corosync";
constexpr const char* kClusterd = "quorate-clusterd";

void run_program(std::vector<std::string> words) {
    std::string line;
    std::vector<char*> arguments;
    for (auto& word : words) {
        line += line.empty() ? "" : " ";
        line += word;
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t child = 0;
    if (const int error =
            ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), ::environ);
        error != 0) {
        throw Failure{kRefused,
                      fmt::format("{}: {}", line, std::generic_category().message(error))};
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw Failure{kRefused,
                      fmt::format("{} failed; see: journalctl -u {}", line, words.back())};
    }
}

}  // namespace

bool ClusterServices::systemd_runs() { return fs::exists("/run/systemd/system"); }

bool ClusterServices::runs(const std::string& program) {
    // A laboratory's nodes are PID namespaces, whose processes are seen from outside too.
    std::error_code error;
    const auto ours = fs::read_symlink("/proc/self/ns/pid", error);
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        std::ifstream comm(entry.path() / "comm");
        std::string name;
        std::error_code ignored;
        if (std::getline(comm, name) && name == program &&
            fs::read_symlink(entry.path() / "ns/pid", ignored) == ours) {
            return true;
        }
    }
    return false;
}

void ClusterServices::start() const {
    for (const char* unit : {kCorosync, kClusterd}) {
        run_program({"systemctl", "enable", "--quiet", unit});
        run_program({"systemctl", "restart", unit});
    }
}

void ClusterServices::stop() const {
    for (const char* unit : {kClusterd, kCorosync}) {
        run_program({"systemctl", "disable", "--quiet", "--now", unit});
    }
}

std::vector<std::string> ClusterServices::start_commands() const {
    return {fmt::format("corosync -f -c {}", corosync_conf),
            fmt::format("clusterd --root {}", root.empty() ? "/" : root)};
}

}  // namespace quorate::ctl
