#include <cstdio>
#include <memory>

#include <boost/json/array.hpp>

#include "commands.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

int status(const Context& context) {
    auto answer = context.api.get("/v1/status");
    if (context.json) {
        print_json(answer);
        return kOk;
    }
    const auto& store = answer["store"].as_object();
    std::printf("maild %s on %s: %s for %s, pid %llu\n", text_of(answer, "version").c_str(),
                text_of(answer, "node").c_str(), text_of(answer, "state").c_str(),
                human_seconds(number_of(answer, "uptime_seconds")).c_str(),
                static_cast<unsigned long long>(number_of(answer, "pid")));
    std::printf("  sessions   %llu\n",
                static_cast<unsigned long long>(number_of(answer, "sessions")));
    std::printf("  delivered  %llu since start\n",
                static_cast<unsigned long long>(number_of(answer, "delivered")));
    std::printf("  journal    %s in %llu segments, %llu records in %llu flushes\n",
                human_bytes(number_of(store, "journal_bytes")).c_str(),
                static_cast<unsigned long long>(number_of(store, "segments")),
                static_cast<unsigned long long>(number_of(store, "records")),
                static_cast<unsigned long long>(number_of(store, "flushes")));
    std::printf("  membership none: mail is kept on this machine only\n\n");
    Table table({"LISTENS FOR", "ON", "TLS"});
    for (const auto& row : answer["listeners"].as_array()) {
        const auto& listener = row.as_object();
        table.add({text_of(listener, "protocol"), text_of(listener, "address"),
                   text_of(listener, "tls")});
    }
    table.print();
    return kOk;
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

}  // namespace

void add_status_commands(CLI::App& app, Command& chosen) {
    app.add_subcommand("status", "is it running, what is it doing")->callback([&chosen] {
        chosen = status;
    });

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

    app.add_subcommand("metrics", "all metrics, OpenMetrics text")->callback([&chosen] {
        chosen = [](const Context& context) {
            std::printf("%s", context.api.text("/metrics").c_str());
            return kOk;
        };
    });
}

}  // namespace quorate::ctl
