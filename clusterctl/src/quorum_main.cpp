#include <algorithm>
#include <string>
#include <vector>

#include "commands.hpp"
#include "program.hpp"

namespace quorate::ctl {
namespace {

int run(std::vector<std::string> arguments, bool& as_json) {
    CLI::App app(
        "Makes and watches the quorum disk of a Corosync cluster.\n"
        "Exit codes: 0 done, 1 refused or problems found, 2 wrong usage, 69 daemon unreachable, 77 "
        "not permitted.",
        "quorumctl");
    std::string root = default_root();
    std::string socket;
    bool json_given = false;
    bool yes = false;
    Command chosen;
    app.set_version_flag("--version", "0.1.0");
    app.add_option("--root", root,
                   "folder below which configuration, state and sockets live (QUORATE_ROOT)");
    app.add_option("--socket", socket, "control socket (ROOT/run/quorate/quorumd.sock)");
    app.add_flag("--json", json_given, "for machines");
    app.add_flag("--yes", yes, "do not ask");
    app.require_subcommand(1);
    app.fallthrough();
    add_quorum_commands(app, chosen);
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
    const Api quorum("quorumd", root, socket);
    return chosen(Context{quorum, quorum, quorum, quorum, root, as_json, yes, !socket.empty()});
}

}  // namespace
}  // namespace quorate::ctl

int main(int argc, char** argv) {
    return quorate::ctl::run_program("quorumctl", {argv + 1, argv + argc}, quorate::ctl::run);
}
