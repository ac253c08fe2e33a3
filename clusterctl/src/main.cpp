#include <algorithm>
#include <string>
#include <vector>

#include "commands.hpp"
#include "program.hpp"

namespace quorate::ctl {
namespace {

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
    add_quorum_commands(*app.add_subcommand("quorum", "the quorum disk")->require_subcommand(1),
                        chosen);
    add_disk_commands(app, chosen);
    add_shadow_commands(app, chosen);
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
    const Api quorum("quorumd", root, socket);
    const Api shadow("shadowd", root, socket);
    return chosen(Context{mail, cluster, quorum, shadow, root, as_json, yes, !socket.empty()});
}

}  // namespace
}  // namespace quorate::ctl

int main(int argc, char** argv) {
    return quorate::ctl::run_program("clusterctl", {argv + 1, argv + argc}, quorate::ctl::run);
}
