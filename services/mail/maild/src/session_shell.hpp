#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "base/log.hpp"
#include "io/stream.hpp"
#include "mail/session/session.hpp"
#include "server_context.hpp"
#include "session_table.hpp"
#include "settings.hpp"

namespace quorate::mail {

// What every session's shell has: its connection with the bytes that wait to be sent, its place in
// the table, its name in the log. Lives as long as the session.
class SessionShell {
public:
    SessionShell(ServerContext& server_in, std::shared_ptr<const Settings> settings_in,
                 io::Stream stream_in);
    SessionShell(const SessionShell&) = delete;
    SessionShell& operator=(const SessionShell&) = delete;

    Protocol protocol() const { return settings->listen.protocol; }
    const Settings::Machines& machines() const { return settings->machines(peer.loopback); }
    // Who is at the other end, as a proxy says.
    void set_peer(const std::string& address, std::uint16_t port);

    // ---- output
    void queue(std::string bytes);
    std::size_t queued() const { return out_.size(); }
    // Sends what is queued. False, from then on, when the peer is gone or does not read.
    boost::asio::awaitable<bool> flush();
    bool broken() const { return broken_; }

    // ---- being ended from elsewhere
    void end(SessionTable::End how);
    std::optional<Shutdown> take_stop() { return std::exchange(stop_, std::nullopt); }

    ServerContext& server;
    std::shared_ptr<const Settings> settings;
    io::Stream stream;
    Peer peer;
    SessionTable::Entry entry;
    std::string name;  // unique: incarnation and number
    Logger log;
    bool running = false;       // the machine was started: it can say good-bye
    bool said_all = false;      // the machine closed the session and its last words are out
    std::uint64_t account = 0;  // after authentication; its address is in the table's row
    std::optional<TlsInfo> tls;

private:
    Logger named_log() const;

    std::string out_;
    bool broken_ = false;
    std::optional<Shutdown> stop_;
};

}  // namespace quorate::mail
