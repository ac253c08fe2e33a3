#include "mail/maild/run.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.hpp"
#include "io/errc.hpp"
#include "mail/auth/errc.hpp"
#include "mail/store/errc.hpp"
#include "maild.hpp"
#include "version.hpp"

namespace quorate::mail {
namespace {

// Few arenas: each keeps memory that the others cannot use, and thousands of sessions live in one.
constexpr int kArenas = 2;
constexpr int kTrimBytes = 1 << 20;

int refuse(const Error& error, int code) {
    for (const auto line : split(error.detail, '\n')) {
        std::fprintf(stderr, "<3>maild: %.*s\n", static_cast<int>(line.size()), line.data());
    }
    return code;
}

// Starting again would not help: the operator must change something.
bool is_operators(const Error& error) {
    return error.code == io::Errc::kConfig || error.code == io::Errc::kTls ||
           error.code == io::Errc::kAddress || error.code == auth::errc::unsupported_version ||
           error.code == store::errc::unsupported_version;
}

int serve(Config config, const std::string& config_path) {
    io::Daemon daemon;
    Maild maild(daemon, std::move(config), config_path);
    if (auto opened = maild.open(); !opened) {
        const auto& error = opened.error();
        return refuse({error.code, error.to_string()},
                      is_operators(error) ? io::kExitConfig : io::kExitFailed);
    }
    daemon.run([&maild] { maild.stop(); }, [&maild] { maild.reload(); });
    return maild.close() ? io::kExitOk : io::kExitFailed;
}

}  // namespace

int run(int argc, char** argv) {
    ::mallopt(M_ARENA_MAX, kArenas);
    ::mallopt(M_TRIM_THRESHOLD, kTrimBytes);
    const auto arguments = io::parse_daemon_arguments(argc, argv, "maild", kVersion);
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
    return serve(std::move(*config), arguments.config);
}

}  // namespace quorate::mail
