#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/stream.hpp"

namespace quorate::io {

// A listening socket: "127.0.0.1:25", "[::]:25" (IPv6 only), "unix:path" (mode 0660, a stale socket
// file is replaced, one that a process listens on is not). If systemd passed a socket bound to that
// address (LISTEN_FDS), it is used in place of a new one.
//
// Thread rule: io thread. Errors: kAddress, errno's value (EADDRINUSE, EACCES, ...); `detail` names
// the address.
class Listener {
public:
    static Result<Listener> open(boost::asio::io_context& io, const std::string& text);
    Listener(Listener&&) noexcept;
    ~Listener();

    // Accepts until close(); each connection goes to `accepted`, which returns at once. Out of
    // descriptors: says so once a minute, pauses and goes on.
    boost::asio::awaitable<void> run(std::function<void(Stream)> accepted);
    // New connections are refused from now on. Idempotent.
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
