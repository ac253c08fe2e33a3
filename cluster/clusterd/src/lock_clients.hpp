#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "event_log.hpp"
#include "io/listener.hpp"
#include "io/metrics.hpp"
#include "io/scope.hpp"
#include "lock_shell.hpp"
#include "lockmgr/protocol/server_session.hpp"

namespace quorate::cluster {

// The lock manager's clients on this node: the Unix socket, a connection each, who they are.
// docs/protocols/lock.md.
//
// Limits: clients, and half of them of one user who is not root; locks and requests of a client;
// output of a client that does not read: it is cut off, and its locks released. Thread rule: io
// thread.
class LockClients {
public:
    struct Options {
        std::string path;
        std::uint32_t clients_max = 4096;
        lockmgr::ServerSession::Limits limits;
        lockmgr::wire::Welcome welcome;
        std::chrono::seconds patience{30};  // with a client that does not read its answers
    };
    LockClients(boost::asio::io_context& io, io::Scope& scope, LockShell& shell, EventLog& events,
                Options options);
    ~LockClients();

    Status open();
    // Clients hear that the daemon stops; their locks are released.
    void stop();

    void tell(MonoTime now, lockmgr::LockOutput& output);
    void flush();

    // For the operator.
    struct Report {
        std::uint32_t client = 0;
        std::uint32_t pid = 0;
        std::uint32_t uid = 0;
        std::string program;
        std::uint32_t locks = 0;
        std::uint32_t pending = 0;
        std::chrono::milliseconds age{0};
    };
    std::vector<Report> report() const;
    std::size_t count() const { return by_id_.size() - free_.size() - 1; }
    void add_metrics(io::Metrics& metrics);

private:
    struct Connection;
    struct Numbers;  // what is counted

    void accept(io::Stream stream);
    boost::asio::awaitable<void> serve(std::shared_ptr<Connection> connection);
    std::optional<std::size_t> read_soon(Connection& connection);
    boost::asio::awaitable<std::size_t> read(Connection& connection);
    boost::asio::awaitable<bool> may_read(Connection& connection);
    boost::asio::awaitable<void> write_rest(std::shared_ptr<Connection> connection);
    void work(Connection& connection);
    void tell_operator(MonoTime now, const Connection& victim, const lockmgr::Completion& done);
    void touch(Connection& connection);
    void write(Connection& connection);
    void cut(Connection& connection, lockmgr::wire::Refused::Reason reason, std::string text);
    void log_cut(const Connection& connection);
    void end(Connection& connection);
    std::optional<lockmgr::wire::Refused> refusal(const io::Stream::Credentials& who) const;
    Connection* find(lockmgr::ClientId client);

    boost::asio::io_context& io_;
    io::Scope& scope_;
    LockShell& shell_;
    EventLog& events_;
    Options options_;
    Logger log_;
    std::optional<io::Listener> listener_;
    // By ClientId; shared with the connections' own coroutines.
    std::vector<std::shared_ptr<Connection>> by_id_ = std::vector<std::shared_ptr<Connection>>(1);
    std::vector<std::uint32_t> free_;
    std::map<std::uint32_t, std::uint32_t> of_user_;
    std::vector<std::shared_ptr<Connection>> touched_;
    std::array<char, 16 * 1024> buffer_;  // used between two waits only
    std::unique_ptr<Numbers> numbers_;
    MonoTime deadlock_told_;
    std::uint64_t deadlocks_untold_ = 0;  // since then
    bool stopping_ = false;
};

}  // namespace quorate::cluster
