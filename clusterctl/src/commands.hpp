#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "api.hpp"

namespace quorate::ctl {

// What the parsed command line asks for: run after parsing, returns the exit code.
using Command = std::function<int(const Context&)>;

// Each adds its subcommands to `app`; the one that was given stores itself in `chosen`.
void add_account_commands(CLI::App& app, Command& chosen);
void add_address_commands(CLI::App& app, Command& chosen);
void add_cluster_commands(CLI::App& app, Command& chosen);
void add_disk_commands(CLI::App& app, Command& chosen);
// `words`, filled in before parsing: what cut_do_words() found.
void add_do_command(CLI::App& app, Command& chosen, const std::vector<std::string>& words);
void add_event_commands(CLI::App& app, Command& chosen);
void add_fencer_commands(CLI::App& app, Command& chosen);
void add_key_commands(CLI::App& app, Command& chosen);
void add_lock_commands(CLI::App& app, Command& chosen);
void add_mail_commands(CLI::App& app, Command& chosen);
void add_monitor_command(CLI::App& app, Command& chosen);
void add_node_commands(CLI::App& app, Command& chosen);
// Of clusterctl quorum, and all that quorumctl has.
void add_quorum_commands(CLI::App& quorum, Command& chosen);
void add_shadow_commands(CLI::App& app, Command& chosen);
void add_status_commands(CLI::App& app, Command& chosen);

// Of `do`: takes the words of its command, which are another program's, away from the arguments, so
// that no parser sees them. Nothing with any other verb.
std::vector<std::string> cut_do_words(const CLI::App& app, std::vector<std::string>& arguments);

}  // namespace quorate::ctl
