#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "io/address.hpp"
#include "io/task.hpp"
#include "io/tls.hpp"

namespace quorate::io {

// A connected stream socket, TCP or Unix, plain or under TLS.
//
// Made for very many idle connections: it owns no read buffer. Call wait_readable() first and
// borrow a buffer only when it returns; then read_some(). Reads and writes try the system call
// before they wait. Under TLS, OpenSSL's record buffers exist only while a record is in them.
//
// Deadlines: every waiting call takes one; kTimedOut leaves the stream usable (a write may have
// sent a part). One lazily armed timer serves all calls, so that a deadline costs next to nothing.
//
// At most one coroutine reads (wait_readable, read_some, wait_input, start_tls, shutdown) and one
// writes at a time. The context's thread only. The stream outlives the calls on it; moving it does
// not disturb them. Errors: kTimedOut, kClosed, kCancelled, kInterrupted, kTls, or errno's value
// (ECONNRESET, EPIPE, ...): after any but kTimedOut and kInterrupted, close.
class Stream {
public:
    // Takes over the connected, non-blocking socket `fd`. TCP_NODELAY is set.
    Stream(io_context& context, int fd);
    ~Stream();
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;

    static awaitable<Result<Stream>> connect(io_context& context, Address address,
                                             Deadline deadline);
    // A connected pair of Unix sockets.
    static Result<std::pair<Stream, Stream>> pair(io_context& context);

    // Returns when read_some() would return at once: with bytes, the end of the stream or an error.
    // kInterrupted after interrupt().
    awaitable<Status> wait_readable(Deadline deadline = {});
    // Makes the pending or the next wait_readable() return kInterrupted, once: how another part of
    // the daemon tells a waiting session that there is something to look at.
    void interrupt();

    // At least one byte, or 0 at the end of the stream. `buffer` is not empty.
    awaitable<Result<std::size_t>> read_some(std::span<char> buffer, Deadline deadline = {});
    // Fills `buffer`. kClosed when the stream ends before.
    awaitable<Status> read_exactly(std::span<char> buffer, Deadline deadline = {});
    // What is there at once: 0 at the end of the stream, nothing when it has to be waited for. How
    // one buffer serves many busy streams: TLS decrypts straight into it.
    Result<std::optional<std::size_t>> read_now(std::span<char> buffer);
    // The same, for a peer on this machine that asks for one thing after the other: where that has
    // paid, whoever else waits for this processor has it first, since that may be the peer. A wait
    // costs both of them more than a turn. Nothing is there far more often than with read_now().
    Result<std::optional<std::size_t>> read_soon(std::span<char> buffer);
    // Until read_now(), which had nothing, is worth another try; it may have nothing again.
    awaitable<Status> wait_input(Deadline deadline = {});
    // All of `bytes`, which stay valid until it returns.
    awaitable<Status> write(std::string_view bytes, Deadline deadline = {});
    // What of `bytes` goes out at once, without waiting; write() the rest. How a short message is
    // sent without a coroutine of its own.
    Result<std::size_t> write_now(std::string_view bytes);
    // Puts bytes read too early (PROXY header) back, before anything not yet read; plain only. The
    // next read, or the TLS handshake, sees them.
    void unread(std::string_view bytes);

    // Handshake on this connection, as server or client as the context says. On an error the
    // connection is of no use any more.
    awaitable<Status> start_tls(TlsContext& context, Deadline deadline = {});
    // Nothing when the connection is plain.
    std::optional<TlsInfo> tls_info() const;
    bool is_tls() const;

    // Ends our direction (close_notify, FIN), then reads and discards until the peer has closed,
    // so that our last words are not lost to a reset; then closes. Bounded by `deadline` and by
    // 1 MiB of input.
    awaitable<void> shutdown(Deadline deadline);
    // At once. Pending calls return kClosed. Idempotent.
    void close();
    bool is_open() const;

    Address peer() const;
    Address local() const;

    struct Credentials {
        pid_t pid = 0;
        uid_t uid = 0;
        gid_t gid = 0;
        std::vector<gid_t> groups;  // supplementary groups
    };
    // The process at the other end of a Unix socket (SO_PEERCRED, SO_PEERGROUPS).
    Result<Credentials> peer_credentials() const;

private:
    class Impl;
    // Shared with the pending timer's handler, which locks its weak reference only to look whether
    // the stream still is.
    std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::io
