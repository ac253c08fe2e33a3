#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "connection.hpp"
#include "io/task.hpp"

// The loads that mail_load can put on a server. Each runs to its end, prints one Report and throws
// LoadFailure when the server did not do its part.
namespace quorate::bench {

// Messages by SMTP or LMTP: MAIL, RCPT and DATA in one packet (RFC 2920), then the message and its
// dot; one message per transaction, the next transaction when the reply came.
struct DeliverOptions {
    Server server;
    bool lmtp = false;
    std::size_t sessions = 20;
    std::uint64_t messages = 1000;
    std::size_t size = 4096;
    std::uint64_t per_connection = 100;
    std::string recipient = "user%d@example.test";
    std::uint64_t recipients = 256;
};
void deliver(io::io_context& context, const DeliverOptions& options);

struct Login {
    std::string user;
    std::string password;
};

// One mailbox filled by APPEND with non-synchronising literals (RFC 7888): `together` messages per
// command (RFC 3502) or commands in flight.
struct AppendOptions {
    Server server;
    Login login;
    std::string mailbox = "INBOX";
    std::uint64_t messages = 1000;
    std::size_t size = 1024;
    std::uint64_t together = 100;
    bool multiappend = false;
    std::uint64_t seen_of_100 = 50;  // how many of a hundred carry \Seen
};
void append(io::io_context& context, const AppendOptions& options);

// Commands of one IMAP session, each sent `repeat` times after the ones before it have ended.
struct TimingOptions {
    Server server;
    Login login;
    std::vector<std::string> before;  // sent once, not timed
    std::vector<std::string> commands;
    std::string between;  // sent before each repetition, not timed
    std::size_t repeat = 5;
};
void time_commands(io::io_context& context, const TimingOptions& options);

// Logged-in IMAP sessions that wait until standard input ends. Prints a Report when all are there.
struct IdleOptions {
    Server server;
    Login login;  // the user is a pattern
    std::uint64_t users = 100;
    std::uint64_t sessions = 100;
    std::string mailbox;  // selected when not empty
    bool idle = false;    // sends IDLE (RFC 2177)
    std::size_t at_once = 16;
};
void hold_idle(io::io_context& context, const IdleOptions& options);

// Runs coroutines on `context` until all have ended; throws what the first of them threw.
void run_all(io::io_context& context, std::vector<io::awaitable<void>> tasks);

// Greeting and LOGIN. Tag "l".
io::awaitable<Connection> log_in(io::io_context& context, Server server, Login login);

}  // namespace quorate::bench
