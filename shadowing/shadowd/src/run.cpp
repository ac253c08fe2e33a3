#include "shadowing/shadowd/run.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/text.hpp"
#include "io/daemon.hpp"
#include "shadowd.hpp"

namespace quorate::shadowing {
namespace {

constexpr const char* kVersion = "0.1.0";

int refuse(const Error& error, int code) {
    const auto text = error.to_string();
    for (const auto line : split(text, '\n')) {
        std::fprintf(stderr, "<3>shadowd: %.*s\n", static_cast<int>(line.size()), line.data());
    }
    return code;
}

}  // namespace

int run_shadowd(int argc, char** argv) {
    const auto arguments = io::parse_daemon_arguments(argc, argv, "shadowd", kVersion);
    if (::chdir(arguments.root.c_str()) != 0) {
        const int error = errno;
        return refuse(fail_errno(error, arguments.root + ": no such root directory").value(),
                      io::kExitConfig);
    }
    if (arguments.check_only) {
        const auto files = read_unit_files();
        return files ? io::kExitOk : refuse(files.error(), io::kExitConfig);
    }
    io::Daemon daemon;
    Shadowd shadowd(daemon);
    if (const auto opened = shadowd.open(); !opened) {
        return refuse(opened.error(), io::kExitFailed);
    }
    daemon.run([&shadowd] { shadowd.stop(); },
               [] { Logger().warn("reload_ignored", "hint", "clusterctl shadow mount"); });
    return io::kExitOk;
}

}  // namespace quorate::shadowing
