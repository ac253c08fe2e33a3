#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "commands.hpp"
#include "open_metrics.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

unsigned long long count_of(const json::object& object, const char* key) {
    return number_of(object, key);
}

void print_head(const json::object& status) {
    const auto reason = text_of(status, "reason");
    std::printf("%s %s on %s: %s for %s, pid %llu\n", text_of(status, "daemon").c_str(),
                text_of(status, "version").c_str(), text_of(status, "node").c_str(),
                text_of(status, "state").c_str(),
                human_seconds(number_of(status, "uptime_seconds")).c_str(),
                count_of(status, "pid"));
    if (!reason.empty()) {
        std::printf("  because    %s\n", reason.c_str());
    }
}

void print_clusterd(const json::object& status) {
    print_head(status);
    if (text_of(status, "membership") == "solo") {
        std::printf("  membership solo: this machine is a cluster of its own\n");
    } else {
        const auto members = count_of(status, "members");
        std::printf("  membership cluster %s, epoch %llu, %llu %s, %s\n",
                    text_of(status, "cluster").c_str(), count_of(status, "epoch"), members,
                    members == 1 ? "member" : "members",
                    flag_of(status, "quorate") ? "quorate" : "NO QUORUM");
    }
    std::printf("  commands   %s\n", flag_of(status, "commands_enabled")
                                         ? "may be run here from other members"
                                         : "from other members are switched off");
}

void print_postmasters(const json::array& missing) {
    if (missing.empty()) {
        return;
    }
    const std::string domain(missing.front().as_string());
    const auto others =
        missing.size() == 1 ? "" : fmt::format(" and {} more domains", missing.size() - 1);
    std::printf("  postmaster NOBODY in %s%s: clusterctl alias add postmaster@%s ACCOUNT\n",
                domain.c_str(), others.c_str(), domain.c_str());
}

void print_maild(const json::object& status) {
    const auto& store = object_of(status, "store");
    print_head(status);
    std::printf("  sessions   %llu\n", count_of(status, "sessions"));
    std::printf("  delivered  %llu since start\n", count_of(status, "delivered"));
    std::printf("  journal    %s in %llu segments, %llu records in %llu flushes\n",
                human_bytes(number_of(store, "journal_bytes")).c_str(), count_of(store, "segments"),
                count_of(store, "records"), count_of(store, "flushes"));
    print_postmasters(array_of(status, "postmaster_missing"));
    std::printf("  store      mail is on this node's own local store\n\n");
    Table table({"LISTENS FOR", "ON", "TLS"});
    for (const auto& row : array_of(status, "listeners")) {
        const auto& listener = row.as_object();
        table.add({text_of(listener, "protocol"), text_of(listener, "address"),
                   text_of(listener, "tls")});
    }
    table.print();
}

void print_status(const json::object& status) {
    if (text_of(status, "daemon") == "clusterd") {
        print_clusterd(status);
    } else {
        print_maild(status);
    }
}

int status_of(const Context& context, const Api& api) {
    const auto answer = api.get("/v1/status");
    if (context.json) {
        print_json(answer);
    } else {
        print_status(answer);
    }
    return kOk;
}

// Both, and what is the matter with one that does not answer. Done when one of them does.
int status_of_all(const Context& context) {
    json::object all;
    std::optional<Failure> failed;
    std::size_t answered = 0;
    for (const Api* api : {&context.cluster, &context.api}) {
        try {
            all[api->daemon()] = api->get("/v1/status");
            ++answered;
        } catch (const Failure& failure) {
            all[api->daemon()] = nullptr;
            if (!context.json) {
                std::printf("%s%s\n", failed || answered > 0 ? "\n" : "", failure.what.c_str());
            }
            failed = failure;
            continue;
        }
        if (!context.json) {
            std::printf("%s", failed || answered > 1 ? "\n" : "");
            print_status(all[api->daemon()].as_object());
        }
    }
    if (context.json) {
        print_json(all);
    }
    return answered > 0 ? kOk : failed->exit_code;
}

int status(const Context& context, const std::string& daemon) {
    if (context.one_socket || daemon == "maild") {
        return status_of(context, context.api);
    }
    return daemon == "clusterd" ? status_of(context, context.cluster) : status_of_all(context);
}

int who(const Context& context, const std::string& account) {
    auto answer = context.api.get(Api::path("/v1/sessions?account=", account));
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    Table table({">ID", "PROTOCOL", "ACCOUNT", "PEER", "TLS", ">SINCE"});
    for (const auto& row : answer["sessions"].as_array()) {
        const auto& session = row.as_object();
        const auto name = text_of(session, "account");
        table.add({std::to_string(number_of(session, "id")), text_of(session, "protocol"),
                   name.empty() ? "-" : name, text_of(session, "peer"),
                   flag_of(session, "tls") ? "yes" : "no",
                   human_seconds(number_of(session, "seconds"))});
    }
    table.print();
    return kOk;
}

void add_session_commands(CLI::App& app, Command& chosen) {
    const auto account = std::make_shared<std::string>();
    auto* who_command = app.add_subcommand("who", "who is connected");
    who_command->add_option("--account", *account, "only this account's sessions");
    who_command->callback([&chosen, account] {
        chosen = [account](const Context& context) { return who(context, *account); };
    });

    const auto session = std::make_shared<std::string>();
    auto* kick = app.add_subcommand("kick", "end a session");
    kick->add_option("ID", *session, "as who shows it")->required();
    kick->callback([&chosen, session] {
        chosen = [session](const Context& context) {
            const auto answer = context.api.call("DELETE", Api::path("/v1/sessions/", *session));
            if (context.json) {
                print_json(answer);
            } else {
                std::printf("session %s ended\n", session->c_str());
            }
            return kOk;
        };
    });
}

}  // namespace

void add_status_commands(CLI::App& app, Command& chosen) {
    const std::vector<std::string> daemons{"clusterd", "maild"};
    const auto asked = std::make_shared<std::string>();
    auto* status_command =
        app.add_subcommand("status", "are the daemons running, what are they doing");
    status_command->add_option("DAEMON", *asked, "only this one: clusterd or maild")
        ->check(CLI::IsMember(daemons));
    status_command->callback([&chosen, asked] {
        chosen = [asked](const Context& context) { return status(context, *asked); };
    });
    add_session_commands(app, chosen);

    const auto measured = std::make_shared<std::string>();
    auto* metrics = app.add_subcommand("metrics", "all metrics of a daemon, OpenMetrics text");
    metrics->add_option("DAEMON", *measured, "clusterd or maild (default)")
        ->check(CLI::IsMember(daemons));
    metrics->callback([&chosen, measured] {
        chosen = [measured](const Context& context) {
            const auto& api = *measured == "clusterd" ? context.cluster : context.api;
            const auto text = api.text("/metrics");
            if (context.json) {
                print_json(json::object{{"metrics", metrics_as_json(text)}});
            } else {
                std::printf("%s", text.c_str());
            }
            return kOk;
        };
    });
}

}  // namespace quorate::ctl
