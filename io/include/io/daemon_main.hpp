#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/result.hpp"
#include "io/daemon.hpp"

namespace quorate::io {

// Says on standard error, as the service manager's log takes it, why `daemon` does not run: the
// lines of `text`. Returns `code`.
int refuse_to_run(std::string_view daemon, std::string_view text, int code);

// Makes the root directory of the command line the working directory; its file is read below it.
// Errors: no such directory.
Status enter_root(const DaemonArguments& arguments);

// What --check says of a file without fault.
void say_config_is_good(const DaemonArguments& arguments);

// A daemon's main(): `read` makes its configuration of the file, which has a log_level; `serve`
// takes that and the file's path, and returns the exit code. With --check the reading is all.
template <class Read, class Serve>
int run_daemon(const DaemonArguments& arguments, std::string_view name, Read read, Serve serve) {
    if (const auto entered = enter_root(arguments); !entered) {
        return refuse_to_run(name, entered.error().detail, kExitConfig);
    }
    auto config = read(arguments.config);
    if (!config) {
        return refuse_to_run(name, config.error().detail, kExitConfig);
    }
    if (arguments.check_only) {
        say_config_is_good(arguments);
        return kExitOk;
    }
    Logger::set_level(config->log_level);
    return serve(std::move(*config), arguments.config);
}

}  // namespace quorate::io
