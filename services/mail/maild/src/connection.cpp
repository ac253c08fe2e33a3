#include "connection.hpp"

#include "base/text.hpp"
#include "io/time.hpp"
#include "mail/session/proxy.hpp"

namespace quorate::mail {
namespace {

using boost::asio::awaitable;

constexpr std::chrono::seconds kProxyHeader{10};
constexpr std::chrono::seconds kTlsHandshake{30};
// Version 2 with its extensions is the longest: mail/session/proxy.hpp.
constexpr std::size_t kProxyHeaderMax = 16 + 4096;

void refuse_proxy(SessionShell& session, std::string_view why) {
    session.log.warn("proxy_header_invalid", "why", why);
    session.server.metrics.refused_connections.add();
}

}  // namespace

awaitable<bool> read_proxy_header(SessionShell& session) {
    const auto deadline = io::after(kProxyHeader);
    std::string bytes;
    ProxyDecoded decoded;
    while (decoded.state == ProxyDecoded::State::kIncomplete) {
        if (bytes.size() > kProxyHeaderMax) {
            refuse_proxy(session, "too long");
            co_return false;
        }
        auto& buffer = session.server.read_buffer;
        auto got = co_await session.stream.read_some(buffer, deadline);
        if (!got || *got == 0) {
            refuse_proxy(session, got ? "closed before its end" : got.error().to_string());
            co_return false;
        }
        bytes.append(buffer.data(), *got);
        decoded = decode_proxy_header(bytes);
    }
    if (decoded.state == ProxyDecoded::State::kInvalid) {
        refuse_proxy(session, decoded.reason);
        co_return false;
    }
    session.stream.unread(std::string_view(bytes).substr(decoded.consumed));
    if (!decoded.header.local) {
        session.set_peer(decoded.header.source_address, decoded.header.source_port);
        session.peer.local_address = decoded.header.destination_address;
        session.peer.local_port = decoded.header.destination_port;
    }
    co_return true;
}

bool proxy_header_begins(std::string_view bytes) {
    constexpr std::string_view kVersion1 = "PROXY ";
    constexpr std::string_view kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
    return bytes.starts_with(kVersion1) || bytes.starts_with(kVersion2);
}

awaitable<bool> begin_tls(SessionShell& session) {
    const auto deadline = io::after(kTlsHandshake);
    auto started = co_await session.stream.start_tls(*session.server.tls, deadline);
    if (!started) {
        session.log.info("tls_failed", "why", started.error().to_string());
        co_return false;
    }
    const auto info = session.stream.tls_info();
    session.tls = TlsInfo{info->protocol, info->cipher};
    session.entry.row().tls = true;
    co_return true;
}

}  // namespace quorate::mail
