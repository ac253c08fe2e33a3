#include "cluster/clusterd/run.hpp"

#include <utility>

#include "cluster/errc.hpp"
#include "clusterd.hpp"
#include "io/daemon_main.hpp"
#include "io/errc.hpp"
#include "version.hpp"

namespace quorate::cluster {
namespace {

// Starting again would not help: the operator must change something.
bool is_operators(const Error& error) {
    return error.code == io::Errc::kConfig || error.code == io::Errc::kAddress ||
           error.code == io::Errc::kUsage || error.code == errc::damaged ||
           error.code == errc::unsupported_version || error.code == errc::too_large;
}

int serve(Config config) {
    io::Daemon daemon;
    daemon.busy_poll(config.busy_poll);
    Clusterd clusterd(daemon, std::move(config));
    if (auto opened = clusterd.open(); !opened) {
        const auto& error = opened.error();
        return io::refuse_to_run("clusterd", error.to_string(),
                                 is_operators(error) ? io::kExitConfig : io::kExitFailed);
    }
    daemon.run([&clusterd] { clusterd.stop(); },
               [] { Logger().warn("reload_ignored", "hint", "start clusterd again"); });
    return clusterd.exit_code();
}

}  // namespace

int run(int argc, char** argv) {
    const auto arguments = io::parse_daemon_arguments(argc, argv, "clusterd", kVersion);
    return io::run_daemon(
        arguments, "clusterd", read_config,
        [](Config config, const std::string&) { return serve(std::move(config)); });
}

}  // namespace quorate::cluster
