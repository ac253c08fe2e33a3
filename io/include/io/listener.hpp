#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/stream.hpp"

namespace quorate::io {

// A listening socket: "127.0.0.1:25", "[::]:25", "unix:path" (mode 0660, a stale socket file is
// replaced). If systemd passed a socket bound to that address (LISTEN_FDS), it is used in place of
// a new one.
//
// Thread rule: io thread. Errors name the address.
class Listener {
public:
    static Result<Listener> open(boost::asio::io_context& io, const std::string& text);
    Listener(Listener&&) noexcept;
    ~Listener();

    // Accepts until close(); each connection goes to `accepted`. Out of descriptors: pauses and
    // goes on.
    boost::asio::awaitable<void> run(std::function<void(Stream)> accepted);
    void close();
    // With the port that the system chose, if it was 0.
    std::string address() const;

private:
    struct Impl;
    explicit Listener(std::shared_ptr<Impl> impl);

    // The second owner is run(), which may be suspended when the listener goes.
    std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::io
