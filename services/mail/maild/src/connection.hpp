#pragma once

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "session_shell.hpp"

namespace quorate::mail {

// Reads the PROXY header that a peer in `proxy_from` must send before anything else, and makes what
// it says the session's peer. False, and logged, when the connection is to be closed.
boost::asio::awaitable<bool> read_proxy_header(SessionShell& session);

// Whether these are the first octets of a connection that speaks the PROXY protocol: from a peer
// that may not, an attempt to pass for somebody else.
bool proxy_header_begins(std::string_view bytes);

// The TLS handshake of a session that is to be encrypted from here on. False, and logged, when it
// failed.
boost::asio::awaitable<bool> begin_tls(SessionShell& session);

}  // namespace quorate::mail
