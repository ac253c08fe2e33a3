#include "cluster/clusterd/run.hpp"

#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "cluster/errc.hpp"
#include "clusterd.hpp"
#include "io/errc.hpp"
#include "version.hpp"

namespace quorate::cluster {
namespace {

int refuse(const Error& error, int code) {
    for (const auto line : split(error.detail, '\n')) {
        std::fprintf(stderr, "<3>clusterd: %.*s\n", static_cast<int>(line.size()), line.data());
    }
    return code;
}

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
        return refuse({error.code, error.to_string()},
                      is_operators(error) ? io::kExitConfig : io::kExitFailed);
    }
    daemon.run([&clusterd] { clusterd.stop(); },
               [] { Logger().warn("reload_ignored", "hint", "start clusterd again"); });
    return clusterd.exit_code();
}

}  // namespace

int run(int argc, char** argv) {
    const auto arguments = io::parse_daemon_arguments(argc, argv, "clusterd", kVersion);
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

}  // namespace quorate::cluster
