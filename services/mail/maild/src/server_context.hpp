#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "account_desk.hpp"
#include "base/log.hpp"
#include "config.hpp"
#include "durable_gate.hpp"
#include "io/event.hpp"
#include "io/thread_pool.hpp"
#include "io/tls.hpp"
#include "mail/auth/credentials.hpp"
#include "mail/auth/directory.hpp"
#include "mail/auth/failure_meter.hpp"
#include "mail/store/store.hpp"
#include "metrics.hpp"
#include "session_table.hpp"

namespace quorate::mail {

// What all sessions of the daemon share. Outlives every session. Thread rule: io thread.
struct ServerContext {
    boost::asio::io_context& io;
    Config& config;  // changed by a reload
    io::ThreadPool& workers;
    io::ThreadPool& hashers;  // passwords: slow on purpose, and must not keep mail waiting
    store::Volume& volume;
    store::Store& store;
    DurableGate& gate;
    AccountDesk& desk;
    auth::Directory& directory;
    auth::Credentials& credentials;
    auth::FailureMeter& failures;
    std::optional<io::TlsContext>& tls;  // none when no listener speaks TLS
    SessionTable& sessions;
    MailMetrics& metrics;
    io::Event& stopping;
    Logger log;

    WallTime started{};
    std::string incarnation{};  // makes session names unique beyond this run
    struct Listening {
        Protocol protocol;
        std::string address;  // with the port that the system chose, if it was 0
        TlsMode tls;
    };
    std::vector<Listening> listening{};
    bool draining = false;
    std::size_t requests = 0;  // of the control API, under way
    // Accounts whose maildrop a POP3 session has (RFC 1939 3).
    std::unordered_set<std::uint64_t> maildrops{};
    // Octets of arriving messages that sessions hold in memory.
    std::uint64_t collected_bytes = 0;
    // Read buffer of whichever session is being read; never held across a suspension.
    std::array<char, 64 * 1024> read_buffer{};
};

}  // namespace quorate::mail
