// mail_load: puts load on a mail server from one thread and says how it went, one JSON object per
// line. bench/mail.py runs it; `mail_load --help` lists the loads.

#include <cstdio>
#include <exception>
#include <functional>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "loads.hpp"

namespace quorate::bench {

void run_all(io::io_context& context, std::vector<io::awaitable<void>> tasks) {
    std::exception_ptr first;
    std::size_t running = tasks.size();
    for (auto& task : tasks) {
        boost::asio::co_spawn(context, std::move(task), [&](const std::exception_ptr& error) {
            if (error && !first) {
                first = error;
            }
            // A stream's idle timer may still be pending.
            if (--running == 0 || error) {
                context.stop();
            }
        });
    }
    context.restart();
    context.run();
    if (first) {
        std::rethrow_exception(first);
    }
}

io::awaitable<Connection> log_in(io::io_context& context, Server server, Login login) {
    auto connection = co_await Connection::open(context, server);
    co_await connection.line();
    const std::string command = "l LOGIN \"" + login.user + "\" \"" + login.password + "\"\r\n";
    co_await connection.write(command);
    co_await connection.tagged("l");
    co_return connection;
}

namespace {

using Load = std::function<void(io::io_context&)>;

Server server_of(const std::string& address, bool tls) {
    auto parsed = io::Address::parse(address);
    if (!parsed) {
        throw LoadFailure(parsed.error().to_string());
    }
    return Server{std::move(*parsed), tls};
}

void add_deliver(CLI::App& app, const std::string& address, Load& chosen) {
    static DeliverOptions options;
    auto* command = app.add_subcommand("deliver", "messages by SMTP or LMTP");
    command->add_flag("--lmtp", options.lmtp, "speak LMTP");
    command->add_option("--sessions", options.sessions, "connections at once");
    command->add_option("--messages", options.messages, "how many in all");
    command->add_option("--size", options.size, "octets of one message");
    command->add_option("--per-connection", options.per_connection, "messages before QUIT");
    command->add_option("--recipient", options.recipient, "address, %d is a number");
    command->add_option("--recipients", options.recipients, "numbers from 0 to one less");
    command->callback([&] {
        chosen = [&address](io::io_context& context) {
            options.server = server_of(address, /*tls=*/false);
            deliver(context, options);
        };
    });
}

void add_login(CLI::App* command, Login& login) {
    command->add_option("--user", login.user)->required();
    command->add_option("--password", login.password)->required();
}

void add_append(CLI::App& app, const std::string& address, Load& chosen) {
    static AppendOptions options;
    auto* command = app.add_subcommand("append", "one mailbox filled by APPEND");
    add_login(command, options.login);
    command->add_option("--mailbox", options.mailbox);
    command->add_option("--messages", options.messages, "how many in all");
    command->add_option("--size", options.size, "octets of one message");
    command->add_option("--together", options.together, "messages sent before waiting");
    command->add_flag("--multiappend", options.multiappend, "in one command (RFC 3502)");
    command->add_option("--seen-of-100", options.seen_of_100, "how many of a hundred are seen");
    command->callback([&] {
        chosen = [&address](io::io_context& context) {
            options.server = server_of(address, /*tls=*/false);
            append(context, options);
        };
    });
}

void add_timing(CLI::App& app, const std::string& address, Load& chosen) {
    static TimingOptions options;
    auto* command = app.add_subcommand("time", "commands of one IMAP session");
    add_login(command, options.login);
    command->add_option("--before", options.before, "commands sent once, not timed");
    command->add_option("--command", options.commands, "commands timed")->required();
    command->add_option("--between", options.between, "sent before each repetition, not timed");
    command->add_option("--repeat", options.repeat, "how often each");
    command->callback([&] {
        chosen = [&address](io::io_context& context) {
            options.server = server_of(address, /*tls=*/false);
            time_commands(context, options);
        };
    });
}

void add_idle(CLI::App& app, const std::string& address, Load& chosen) {
    static IdleOptions options;
    static bool tls = false;
    auto* command = app.add_subcommand("idle", "IMAP sessions until standard input ends");
    add_login(command, options.login);
    command->add_option("--users", options.users, "numbers in the user's name");
    command->add_option("--sessions", options.sessions, "how many");
    command->add_option("--select", options.mailbox, "mailbox to select");
    command->add_option("--at-once", options.at_once, "logins in flight");
    command->add_flag("--idle", options.idle, "send IDLE");
    command->add_flag("--tls", tls, "TLS from the first octet");
    command->callback([&] {
        chosen = [&address](io::io_context& context) {
            options.server = server_of(address, tls);
            hold_idle(context, options);
        };
    });
}

int run(int argc, char** argv) {
    CLI::App app("Puts load on a mail server and says how it went.", "mail_load");
    std::string address;
    Load chosen;
    app.add_option("--server", address, "127.0.0.1:PORT or unix:PATH")->required();
    app.require_subcommand(1);
    app.fallthrough();
    add_deliver(app, address, chosen);
    add_append(app, address, chosen);
    add_timing(app, address, chosen);
    add_idle(app, address, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    io::io_context context(1);
    chosen(context);
    return 0;
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    try {
        return quorate::bench::run(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "mail_load: %s\n", failure.what());
        return 1;
    }
}
