#include "exporter.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

namespace quorate::shadowing {
namespace {

// Beside this program, as a build has it; else where nbdkit looks by itself.
std::string plugin() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto beside = self.parent_path() / "nbdkit-quorate-plugin.so";
    return !error && std::filesystem::exists(beside, error) ? beside.string() : "quorate";
}

}  // namespace

Exporter::Exporter(std::string unit, std::string data_socket, std::string nbd_socket)
    : data_socket_(std::move(data_socket)),
      nbd_socket_(std::move(nbd_socket)),
      log_(Logger().with("unit", unit)) {}

Exporter::~Exporter() {
    if (process_ > 0) {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    ::unlink(nbd_socket_.c_str());
}

Status Exporter::start() {
    ::unlink(nbd_socket_.c_str());
    std::vector<std::string> words{
        "nbdkit",       "--foreground", "--exit-with-parent",    "--unix", nbd_socket_,
        "--threads=32", plugin(),       "socket=" + data_socket_};
    std::vector<char*> arguments;
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int error =
        ::posix_spawnp(&process_, "nbdkit", nullptr, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        process_ = -1;
        return fail_errno(error, "nbdkit: is it installed?");
    }
    return {};
}

void Exporter::look() {
    if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) {
        log_.warn("nbdkit_ended", "hint", "it is started again");
        process_ = -1;
    }
    if (process_ < 0) {
        if (const auto started = start(); !started) {
            log_.error("nbdkit_not_started", "why", started.error().to_string());
        }
    }
}

}  // namespace quorate::shadowing
