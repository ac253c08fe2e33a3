#include "quorum/quorumd/run.hpp"

#include <utility>

#include "io/daemon_main.hpp"
#include "quorumd.hpp"
#include "refusal.hpp"
#include "version.hpp"

namespace quorate::quorum {
namespace {

int serve(Config config) {
    io::Daemon daemon;
    Quorumd quorumd(daemon, std::move(config));
    if (auto opened = quorumd.open(); !opened) {
        const auto& error = opened.error();
        return io::refuse_to_run("quorumd", error.to_string(),
                                 is_operators(error) ? io::kExitConfig : io::kExitFailed);
    }
    daemon.run(
        [&quorumd] { quorumd.stop(); },
        [] { Logger().warn("reload_ignored", "hint", "corosync.conf is followed by itself"); });
    return quorumd.exit_code();
}

}  // namespace

int run(int argc, char** argv) {
    const auto arguments = io::parse_daemon_arguments(argc, argv, "quorumd", kVersion);
    return io::run_daemon(arguments, "quorumd", read_config, [](Config config, const std::string&) {
        return serve(std::move(config));
    });
}

}  // namespace quorate::quorum
