#include "session_shell.hpp"

#include <utility>

#include <fmt/core.h>

#include "io/time.hpp"

namespace quorate::mail {
namespace {

constexpr std::chrono::seconds kWriteStall{120};

std::string address_of(const io::Address& address) {
    return address.kind == io::Address::Kind::kUnix ? "unix" : address.host;
}

Peer peer_of(const io::Stream& stream) {
    const auto remote = stream.peer();
    const auto local = stream.local();
    Peer peer;
    peer.address = address_of(remote);
    peer.port = remote.port;
    peer.local_address = address_of(local);
    peer.local_port = local.port;
    peer.loopback = remote.loopback();
    return peer;
}

SessionTable::Row row_of(const Settings& settings, const Peer& peer) {
    SessionTable::Row row;
    row.protocol = protocol_name(settings.listen.protocol);
    row.address = peer.address;
    row.port = peer.port;
    row.since = io::wall_now();
    return row;
}

Shutdown::Why reason_of(SessionTable::End how) {
    switch (how) {
        case SessionTable::End::kServerStops:
        case SessionTable::End::kAtOnce:
            break;
        case SessionTable::End::kByOperator:
            return Shutdown::Why::kOperator;
        case SessionTable::End::kAccountClosed:
            return Shutdown::Why::kAccountClosed;
    }
    return Shutdown::Why::kServerStops;
}

}  // namespace

SessionShell::SessionShell(ServerContext& server_in, std::shared_ptr<const Settings> settings_in,
                           io::Stream stream_in)
    : server(server_in),
      settings(std::move(settings_in)),
      stream(std::move(stream_in)),
      peer(peer_of(stream)),
      entry(server.sessions.add(row_of(*settings, peer))),
      name(fmt::format("{}.{}", server.incarnation, entry.row().id)),
      log(named_log()) {
    entry.row().end = [this](SessionTable::End how) { end(how); };
}

void SessionShell::set_peer(const std::string& address, std::uint16_t port) {
    peer.address = address;
    peer.port = port;
    peer.loopback = false;
    const auto proxy = entry.row().address;
    entry.set_address(address, port);
    log = named_log().with("proxy", proxy);
}

Logger SessionShell::named_log() const {
    return server.log.with("session", name)
        .with("protocol", protocol_name(protocol()))
        .with("peer", peer.address);
}

void SessionShell::queue(std::string bytes) {
    if (broken_) {
        return;
    }
    if (out_.empty()) {
        out_ = std::move(bytes);
    } else {
        out_ += bytes;
    }
}

boost::asio::awaitable<bool> SessionShell::flush() {
    if (!out_.empty() && !broken_) {
        const std::string bytes = std::exchange(out_, {});
        auto written = co_await stream.write(bytes, io::after(kWriteStall));
        if (!written) {
            log.debug("write_failed", "why", written.error().to_string());
            broken_ = true;
        }
    }
    co_return !broken_;
}

void SessionShell::end(SessionTable::End how) {
    if (how == SessionTable::End::kAtOnce || !running) {
        stream.close();
        return;
    }
    // The first reason stays.
    if (!stop_) {
        stop_ = Shutdown{reason_of(how)};
    }
    stream.interrupt();
}

}  // namespace quorate::mail
