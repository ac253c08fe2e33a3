#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "io/listener.hpp"
#include "io/scope.hpp"
#include "server_context.hpp"
#include "settings.hpp"

namespace quorate::mail {

// One listening socket: accepts, refuses what is over a limit, and starts a session for the rest.
// Thread rule: io thread.
class MailListener {
public:
    // Binds. Before privileges are dropped, so before there is a server to serve for.
    static Result<MailListener> open(boost::asio::io_context& io, const ListenConfig& listen);

    // `sessions` holds the sessions, `background` the loop that accepts.
    void start(ServerContext& server, io::Scope& sessions, io::Scope& background);
    // For the sessions to come.
    void set_settings(std::shared_ptr<const Settings> settings) {
        *settings_ = std::move(settings);
    }
    void close() { listener_.close(); }
    std::string address() const { return listener_.address(); }
    const ListenConfig& config() const { return listen_; }

private:
    using SharedSettings = std::shared_ptr<std::shared_ptr<const Settings>>;

    MailListener(io::Listener listener, ListenConfig listen)
        : listener_(std::move(listener)),
          listen_(std::move(listen)),
          settings_(std::make_shared<std::shared_ptr<const Settings>>()) {}

    io::Listener listener_;
    ListenConfig listen_;
    SharedSettings settings_;  // with the loop that accepts
};

}  // namespace quorate::mail
