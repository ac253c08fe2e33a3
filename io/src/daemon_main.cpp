#include "io/daemon_main.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/text.hpp"

namespace quorate::io {

int refuse_to_run(std::string_view daemon, std::string_view text, int code) {
    for (const auto line : split(text, '\n')) {
        std::fprintf(stderr, "<3>%.*s: %.*s\n", static_cast<int>(daemon.size()), daemon.data(),
                     static_cast<int>(line.size()), line.data());
    }
    return code;
}

Status enter_root(const DaemonArguments& arguments) {
    if (::chdir(arguments.root.c_str()) != 0) {
        const int error = errno;
        return fail_errno(error, arguments.root + ": no such root directory");
    }
    return {};
}

void say_config_is_good(const DaemonArguments& arguments) {
    std::printf("%s: ok\n", arguments.config.c_str());
}

}  // namespace quorate::io
