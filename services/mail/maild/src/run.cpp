#include "mail/maild/run.hpp"

#include <malloc.h>

#include "io/daemon_main.hpp"
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
        return io::refuse_to_run("maild", error.to_string(),
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
    return io::run_daemon(arguments, "maild", read_config, serve);
}

}  // namespace quorate::mail
