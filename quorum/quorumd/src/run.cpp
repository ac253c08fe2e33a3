#include "quorum/quorumd/run.hpp"

#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "io/daemon.hpp"
#include "quorumd.hpp"
#include "refusal.hpp"
#include "version.hpp"

namespace quorate::quorum {
namespace {

int refuse(const Error& error, int code) {
    for (const auto line : split(error.detail, '\n')) {
        std::fprintf(stderr, "<3>quorumd: %.*s\n", static_cast<int>(line.size()), line.data());
    }
    return code;
}

int serve(Config config) {
    io::Daemon daemon;
    Quorumd quorumd(daemon, std::move(config));
    if (auto opened = quorumd.open(); !opened) {
        return refuse({opened.error().code, opened.error().to_string()},
                      is_operators(opened.error()) ? io::kExitConfig : io::kExitFailed);
    }
    daemon.run(
        [&quorumd] { quorumd.stop(); },
        [] { Logger().warn("reload_ignored", "hint", "corosync.conf is followed by itself"); });
    return quorumd.exit_code();
}

}  // namespace

int run(int argc, char** argv) {
    const auto arguments = io::parse_daemon_arguments(argc, argv, "quorumd", kVersion);
    if (::chdir(arguments.root.c_str()) != 0) {
        return refuse(fail_errno(errno, arguments.root + ": no such root directory").value(),
                      io::kExitConfig);
    }
    auto config = read_config(arguments.config);
    if (!config) {
        return refuse(config.error(), io::kExitConfig);
    }
    if (arguments.check_only) {
        std::printf("%s: ok\n", arguments.config.c_str());
        return io::kExitOk;
    }
    Logger::set_level(config->log_level);
    return serve(std::move(*config));
}

}  // namespace quorate::quorum
