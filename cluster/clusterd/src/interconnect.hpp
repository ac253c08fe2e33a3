#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "cluster/io/peer.hpp"
#include "cluster/machine.hpp"
#include "io/scope.hpp"
#include "wire.hpp"

namespace quorate::cluster {

// The connections of the machine's circuits: dials, accepts, numbers them, carries octets. Thread
// rule: io thread. Limit: 1,024 connections; a further one is closed at once.
class Interconnect {
public:
    using Feed = std::function<void(const MachineInput&)>;
    // Both outlive it. `keys` null: no peers.
    Interconnect(boost::asio::io_context& io, io::Scope& scope, PeerKeys* keys, Feed feed)
        : io_(io), scope_(scope), keys_(keys), feed_(std::move(feed)) {}

    void accept(io::Stream stream);
    void dial(Dial dial);
    void write(Write write);
    void close(const Close& close);
    void close_all();

private:
    boost::asio::awaitable<void> connect(Dial dial);
    ConnectionId add(io::Stream stream);
    void read_on(ConnectionId id);

    boost::asio::io_context& io_;
    io::Scope& scope_;
    PeerKeys* keys_;
    Feed feed_;
    Logger log_;
    // Shared with each wire's own coroutines.
    std::map<ConnectionId, std::shared_ptr<Wire>> wires_;
    std::uint64_t last_ = 0;
    std::array<char, 64 * 1024> buffer_{};
    bool stopping_ = false;
};

}  // namespace quorate::cluster
