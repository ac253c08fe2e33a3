#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "io/busy_poll.hpp"
#include "io/stream.hpp"
#include "tls_connection.hpp"

namespace quorate::io {

class Stream::Impl : public std::enable_shared_from_this<Stream::Impl> {
public:
    Impl(io_context& context, int fd);

    awaitable<Status> wait_readable(Deadline deadline);
    awaitable<Result<std::size_t>> read_some(std::span<char> buffer, Deadline deadline);
    Result<std::optional<std::size_t>> read_now(std::span<char> buffer);
    Result<std::optional<std::size_t>> read_soon(std::span<char> buffer);
    awaitable<Status> wait_input(Deadline deadline);
    Result<std::size_t> write_now(std::string_view bytes);
    awaitable<Status> write(std::string_view bytes, Deadline deadline);
    awaitable<Status> start_tls(TlsContext& context, Deadline deadline);
    awaitable<Status> finish_connect(Deadline deadline);
    awaitable<void> shutdown(Deadline deadline);
    void interrupt();
    void close();

    int fd() { return descriptor_.native_handle(); }
    bool is_open() const { return !closed_; }
    TlsConnection* tls() const { return tls_.get(); }
    void unread(std::string_view bytes) { early_.insert(0, bytes); }

private:
    // The waits that may be pending at the same time. kFlush: a reader whose TLS has to send first.
    enum Side : std::size_t { kRead, kWrite, kFlush };
    static constexpr std::size_t kSides = 3;
    struct Waiting {
        bool active = false;
        bool interruptible = false;
        Deadline deadline;
    };

    awaitable<Status> wait(Side side, Deadline deadline, bool interruptible = false);
    awaitable<Status> wait_for(TlsConnection::Step step, Deadline deadline);
    awaitable<Status> wait_tls_readable(Deadline deadline);
    Result<std::optional<std::size_t>> read_tls_now(std::span<char> buffer);
    Result<std::size_t> write_tls_now(std::string_view bytes);
    Status may_wait(Deadline deadline, bool interruptible);
    void cancel_waits();
    void arm_timer();
    void on_timer();
    std::size_t take_early(std::span<char> buffer);

    boost::asio::posix::stream_descriptor descriptor_;
    boost::asio::steady_timer timer_;
    std::array<Waiting, kSides> waiting_;
    MonoTime armed_until_ = MonoTime::max();  // max: the timer is not pending
    std::uint64_t cancels_ = 0;  // how often we cancelled all waits for the sake of one of them
    bool interrupted_ = false;
    bool closed_ = false;
    bool more_likely_ = false;  // the last read filled its buffer
    Side read_waits_for_ = kRead;
    PollTrust soon_;
    std::string early_;
    std::unique_ptr<TlsConnection> tls_;
};

}  // namespace quorate::io
