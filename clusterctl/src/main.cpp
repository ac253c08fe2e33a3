#include <cstdio>
#include <cstdlib>
#include <exception>

#include "commands.hpp"

namespace quorate::ctl {
namespace {

std::string default_root() {
    const char* root = std::getenv("QUORATE_ROOT");
    return root == nullptr ? "" : root;
}

int run(int argc, char** argv) {
    CLI::App app(
        "Steers the Quorate daemons of this machine.\n"
        "Exit codes: 0 done, 1 refused or problems found, 2 wrong usage, 69 daemon unreachable, 77 "
        "not permitted.",
        "clusterctl");
    std::string root = default_root();
    std::string socket;
    bool as_json = false;
    bool yes = false;
    Command chosen;
    app.set_version_flag("--version", "0.1.0");
    app.add_option("--root", root,
                   "folder below which configuration, state and sockets live (QUORATE_ROOT)");
    app.add_option("--socket", socket,
                   "control socket (default: maild.sock or clusterd.sock below ROOT/run/quorate)");
    app.add_flag("--json", as_json, "for machines");
    app.add_flag("--yes", yes, "do not ask");
    app.require_subcommand(1);
    app.fallthrough();
    add_status_commands(app, chosen);
    add_cluster_commands(app, chosen);
    add_node_commands(app, chosen);
    add_do_command(app, chosen);
    add_event_commands(app, chosen);
    add_monitor_command(app, chosen);
    add_key_commands(app, chosen);
    add_account_commands(app, chosen);
    add_address_commands(app, chosen);
    add_mail_commands(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kOk : kUsage;
    }
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
    try {
        return quorate::ctl::run(argc, argv);
    } catch (const quorate::ctl::Failure& failure) {
        std::fprintf(stderr, "clusterctl: %s\n", failure.what.c_str());
        return failure.exit_code;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "clusterctl: %s\n", error.what());
        return quorate::ctl::kRefused;
    }
}
