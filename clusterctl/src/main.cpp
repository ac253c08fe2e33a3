#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "commands.hpp"

namespace quorate::ctl {
namespace {

std::string default_root() {
    const char* root = std::getenv("QUORATE_ROOT");
    return root == nullptr ? "" : root;
}

const char* code_of(int exit_code) {
    switch (exit_code) {
        case kUsage:
            return "usage";
        case kUnreachable:
            return "unreachable";
        case kForbidden:
            return "forbidden";
        default:
            return "refused";
    }
}

int tell(const Failure& failure, bool as_json) {
    if (as_json) {
        const auto code = failure.code.empty() ? code_of(failure.exit_code) : failure.code;
        print_json(
            json::object{{"error", json::object{{"code", code}, {"message", failure.what}}}});
    } else {
        std::fprintf(stderr, "clusterctl: %s\n", failure.what.c_str());
    }
    return failure.exit_code;
}

// `as_json`: as soon as it is known, for what fails afterwards.
int run(std::vector<std::string> arguments, bool& as_json) {
    CLI::App app(
        "Steers the Quorate daemons of this machine.\n"
        "Exit codes: 0 done, 1 refused or problems found, 2 wrong usage, 69 daemon unreachable, 77 "
        "not permitted.",
        "clusterctl");
    std::string root = default_root();
    std::string socket;
    bool json_given = false;
    bool yes = false;
    Command chosen;
    app.set_version_flag("--version", "0.1.0");
    app.add_option("--root", root,
                   "folder below which configuration, state and sockets live (QUORATE_ROOT)");
    app.add_option("--socket", socket,
                   "control socket (default: maild.sock or clusterd.sock below ROOT/run/quorate)");
    app.add_flag("--json", json_given, "for machines");
    app.add_flag("--yes", yes, "do not ask");
    app.require_subcommand(1);
    app.fallthrough();
    add_status_commands(app, chosen);
    add_cluster_commands(app, chosen);
    add_node_commands(app, chosen);
    add_fencer_commands(app, chosen);
    add_lock_commands(app, chosen);
    std::vector<std::string> words;
    add_do_command(app, chosen, words);
    add_event_commands(app, chosen);
    add_monitor_command(app, chosen);
    add_key_commands(app, chosen);
    add_account_commands(app, chosen);
    add_address_commands(app, chosen);
    add_mail_commands(app, chosen);
    words = cut_do_words(app, arguments);
    // Also of a command line that cannot be parsed.
    as_json = std::ranges::find(arguments, "--json") != arguments.end();
    try {
        std::ranges::reverse(arguments);  // as CLI11 wants them
        app.parse(arguments);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0 && as_json) {
            throw Failure{kUsage, error.what()};
        }
        return app.exit(error) == 0 ? kOk : kUsage;
    }
    as_json = json_given;
    while (root.ends_with('/')) {
        root.pop_back();
    }
    const Api mail("maild", root, socket);
    const Api cluster("clusterd", root, socket);
    return chosen(Context{mail, cluster, root, as_json, yes, !socket.empty()});
}

}  // namespace
}  // namespace quorate::ctl

int main(int argc, char** argv) {
    using quorate::ctl::Failure;
    bool as_json = false;
    try {
        return quorate::ctl::run({argv + 1, argv + argc}, as_json);
    } catch (const Failure& failure) {
        return quorate::ctl::tell(failure, as_json);
    } catch (const std::exception& error) {
        return quorate::ctl::tell(Failure{quorate::ctl::kRefused, error.what()}, as_json);
    }
}
