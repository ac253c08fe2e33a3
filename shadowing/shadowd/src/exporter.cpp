#include "exporter.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "export_file.hpp"
#include "io/address.hpp"

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
    : unit_(std::move(unit)),
      data_socket_(std::move(data_socket)),
      nbd_socket_(std::move(nbd_socket)),
      log_(Logger().with("unit", unit_)) {}

Exporter::~Exporter() {
    for (const auto& offer : offers_) {
        if (offer.process > 0) {
            ::kill(offer.process, SIGTERM);
            ::waitpid(offer.process, nullptr, 0);
        }
    }
    ::unlink(nbd_socket_.c_str());
}

Status Exporter::start() {
    offers_.push_back({{"--unix", nbd_socket_}});
    offer_to_network();
    for (auto& offer : offers_) {
        QUORATE_CHECK(start(offer));
    }
    return {};
}

void Exporter::offer_to_network() {
    const auto file = read_export_file(unit_);
    if (!file) {
        log_.error("not_offered_to_network", "why", file.error().to_string());
        return;
    }
    if (!*file) {
        return;
    }
    const auto address = io::Address::parse((*file)->address);
    offers_.push_back({{"--ipaddr", address->host, "--port", std::to_string(address->port),
                        "--tls=require", "--tls-psk=" + (*file)->clients}});
    log_.info("offered_to_network", "address", (*file)->address);
}

Status Exporter::start(Offer& offer) const {
    if (offer.words.front() == "--unix") {
        ::unlink(nbd_socket_.c_str());
    }
    std::vector<std::string> words{"nbdkit", "--foreground", "--exit-with-parent", "--threads=32"};
    words.insert(words.end(), offer.words.begin(), offer.words.end());
    words.insert(words.end(), {plugin(), "socket=" + data_socket_});
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
        ::posix_spawnp(&offer.process, "nbdkit", nullptr, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        offer.process = -1;
        return fail_errno(error, "nbdkit: is it installed?");
    }
    return {};
}

void Exporter::look() {
    for (auto& offer : offers_) {
        if (offer.process > 0 && ::waitpid(offer.process, nullptr, WNOHANG) == offer.process) {
            log_.warn("nbdkit_ended", "hint", "it is started again");
            offer.process = -1;
        }
        if (offer.process < 0) {
            if (const auto started = start(offer); !started) {
                log_.error("nbdkit_not_started", "why", started.error().to_string());
            }
        }
    }
}

}  // namespace quorate::shadowing
