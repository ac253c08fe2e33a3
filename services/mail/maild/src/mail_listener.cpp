#include "mail_listener.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "connection.hpp"
#include "imap_shell.hpp"
#include "io/time.hpp"
#include "pop3_shell.hpp"
#include "session_shell.hpp"
#include "smtp_shell.hpp"

namespace quorate::mail {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::seconds kGoodbye{5};

// In the words of the protocol, before a machine is there to say it.
std::string refusal_line(Protocol protocol, const std::string& host, std::string_view why) {
    switch (protocol) {
        case Protocol::kSmtp:
        case Protocol::kSubmission:
        case Protocol::kLmtp:
            return fmt::format("421 4.7.0 {} {}\r\n", host, why);
        case Protocol::kImap:
            return fmt::format("* BYE {}\r\n", why);
        case Protocol::kPop3:
            return fmt::format("-ERR [SYS/TEMP] {}\r\n", why);
    }
    return "";
}

bool comes_from_proxy(const SessionShell& session) {
    const auto& trusted = session.settings->listen.proxy_from;
    return std::any_of(trusted.begin(), trusted.end(), [&](const Network& network) {
        return network.contains(session.peer.address);
    });
}

awaitable<void> refuse(SessionShell& session, std::string_view why) {
    session.server.metrics.refused_connections.add();
    session.log.warn("connection_refused", "why", why);
    if (session.settings->listen.tls != TlsMode::kImplicit) {
        const auto& host = session.machines().smtp.host_name;
        session.queue(refusal_line(session.protocol(), host, why));
        co_await session.flush();
    }
    session.stream.close();
}

awaitable<void> run_protocol(SessionShell& session) {
    switch (session.protocol()) {
        case Protocol::kSmtp:
        case Protocol::kSubmission:
        case Protocol::kLmtp:
            co_await run_smtp(session);
            co_return;
        case Protocol::kImap:
            co_await run_imap(session);
            co_return;
        case Protocol::kPop3:
            co_await run_pop3(session);
            co_return;
    }
}

// What comes before the protocol. False: the connection is to be closed.
awaitable<bool> prepare(SessionShell& session) {
    if (comes_from_proxy(session)) {
        const bool read = co_await read_proxy_header(session);
        if (!read) {
            co_return false;
        }
    }
    const auto refusal = session.server.sessions.refusal(session.peer.address);
    if (!refusal.empty()) {
        co_await refuse(session, refusal);
        co_return false;
    }
    if (session.settings->listen.tls == TlsMode::kImplicit) {
        const bool encrypted = co_await begin_tls(session);
        co_return encrypted;
    }
    co_return true;
}

awaitable<void> serve(ServerContext& server, std::shared_ptr<const Settings> settings,
                      io::Stream stream) {
    SessionShell session(server, std::move(settings), std::move(stream));
    server.metrics.connections[static_cast<std::size_t>(session.protocol())]->add();
    session.log.debug("connected", "port", session.peer.port);
    const bool prepared = co_await prepare(session);
    if (prepared) {
        co_await run_protocol(session);
    }
    // By now the account is let go of: the peer may take its time.
    if (session.said_all) {
        co_await session.stream.shutdown(io::after(kGoodbye));
    }
    session.stream.close();
    session.log.debug("disconnected");
}

}  // namespace

Result<MailListener> MailListener::open(boost::asio::io_context& io, const ListenConfig& listen) {
    QUORATE_TRY(auto listener, io::Listener::open(io, listen.address));
    return MailListener(std::move(listener), listen);
}

void MailListener::start(ServerContext& server, io::Scope& sessions, io::Scope& background) {
    background.spawn(listener_.run([&server, &sessions, settings = settings_](io::Stream stream) {
        sessions.spawn(serve(server, *settings, std::move(stream)));
    }));
}

}  // namespace quorate::mail
