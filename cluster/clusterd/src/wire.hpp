#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "cluster/machine.hpp"
#include "io/scope.hpp"
#include "io/stream.hpp"

namespace quorate::cluster {

// One connection of a circuit, pumped: what arrives goes to `bytes` from a buffer that all wires
// share; what is to be written goes out piece by piece, small ones together, and `written` follows.
// When the connection is over, `ended` says why, once, and nothing comes any more.
//
// Thread rule: io thread; handlers may be called from within read_on() and write(). A write that
// takes 10 s ends the wire.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    struct Handlers {
        std::function<void(std::string_view)> bytes;
        std::function<void()> written;
        std::function<void(const std::string& why)> ended;
    };
    // Its coroutines run in `scope`; `buffer` outlives them.
    static std::shared_ptr<Wire> make(io::Scope& scope, io::Stream stream, std::span<char> buffer,
                                      Handlers handlers);
    // From here on, what arrives is told.
    void read_on();

    // One at a time: the next after `written`.
    void write(std::vector<Piece> pieces);
    // No more handlers are called. `parting` is written if that goes at once.
    void close(std::string parting);
    std::string peer() const { return peer_; }

private:
    Wire(io::Scope& scope, io::Stream stream, std::span<char> buffer, Handlers handlers);
    static boost::asio::awaitable<void> read(std::shared_ptr<Wire> self);
    static boost::asio::awaitable<void> write_all(std::shared_ptr<Wire> self,
                                                  std::vector<Piece> pieces);
    static boost::asio::awaitable<void> part(std::shared_ptr<Wire> self, std::string parting);
    boost::asio::awaitable<Status> write_pieces(const std::vector<Piece>& pieces);
    void write_gathered();
    void end(const std::string& why);

    io::Scope& scope_;
    io::Stream stream_;
    std::string peer_;
    std::span<char> buffer_;
    Handlers handlers_;
    std::string gathered_;
    bool writing_ = false;
    bool parting_ = false;  // reads, for the last time, to the end
    bool over_ = false;
};

}  // namespace quorate::cluster
