#include "interconnect.hpp"

#include <utility>

#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;

constexpr std::size_t kWiresMax = 1024;
constexpr std::chrono::milliseconds kDialTime{3000};

}  // namespace

ConnectionId Interconnect::add(io::Stream stream) {
    const ConnectionId id(++last_);
    Wire::Handlers handlers;
    handlers.bytes = [this, id](std::string_view bytes) { feed_(Received{id, bytes}); };
    handlers.written = [this, id] { feed_(Written{id}); };
    handlers.ended = [this, id](const std::string& why) {
        wires_.erase(id);
        feed_(Closed{id, why});
    };
    wires_.emplace(id, Wire::make(scope_, std::move(stream), buffer_, std::move(handlers)));
    return id;
}

// The machine knows the connection before it hears of it, and may have closed it at once.
void Interconnect::read_on(ConnectionId id) {
    if (const auto found = wires_.find(id); found != wires_.end()) {
        const auto wire = found->second;
        wire->read_on();
    }
}

void Interconnect::accept(io::Stream stream) {
    if (stopping_ || wires_.size() >= kWiresMax) {
        log_.warn("circuit_refused", "peer", stream.peer().to_string(), "why",
                  stopping_ ? "clusterd stops" : "too many connections");
        return;
    }
    const auto id = add(std::move(stream));
    feed_(Accepted{id});
    read_on(id);
}

void Interconnect::dial(Dial dial) {
    if (!stopping_ && keys_ != nullptr) {
        scope_.spawn(connect(std::move(dial)));
    }
}

awaitable<void> Interconnect::connect(Dial dial) {
    auto stream = co_await connect_peer(io_, *keys_, dial.address, PeerPurpose::kCircuit,
                                        io::mono_now() + kDialTime);
    if (stopping_) {
        co_return;
    }
    if (stream) {
        const auto id = add(std::move(*stream));
        feed_(Dialled{dial.peer, dial.ring, id});
        read_on(id);
    } else {
        feed_(DialFailed{dial.peer, dial.ring, stream.error().to_string()});
    }
}

void Interconnect::write(Write write) {
    if (const auto found = wires_.find(write.connection); found != wires_.end()) {
        const auto wire = found->second;
        wire->write(std::move(write.pieces));
    }
}

void Interconnect::close(const Close& close) {
    const auto found = wires_.find(close.connection);
    if (found == wires_.end()) {
        return;
    }
    log_.info("circuit_closed", "peer", found->second->peer(), "why", close.reason);
    found->second->close(close.parting);
    wires_.erase(found);
}

void Interconnect::close_all() {
    stopping_ = true;
    for (auto& [id, wire] : wires_) {
        wire->close("");
    }
    wires_.clear();
}

}  // namespace quorate::cluster
