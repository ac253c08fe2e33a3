#include "io/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "base/assert.hpp"
#include "io/errc.hpp"
#include "sockaddr.hpp"
#include "stream_impl.hpp"

namespace quorate::io {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EINTR; }

constexpr std::size_t kDrainBytes = 1024 * 1024;

}  // namespace

Stream::Impl::Impl(io_context& context, int fd) : descriptor_(context, fd), timer_(context) {
    // Fails harmlessly on a Unix socket. Every write of ours is a whole reply.
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

awaitable<Status> Stream::Impl::wait_readable(Deadline deadline) {
    if (interrupted_) {
        co_return may_wait(deadline, /*interruptible=*/true);
    }
    if (tls_) {
        co_return co_await wait_tls_readable(deadline);
    }
    if (closed_ || more_likely_ || !early_.empty()) {
        co_return Status{};
    }
    co_return co_await wait(kRead, deadline, /*interruptible=*/true);
}

std::size_t Stream::Impl::take_early(std::span<char> buffer) {
    const auto count = std::min(buffer.size(), early_.size());
    std::memcpy(buffer.data(), early_.data(), count);
    early_.erase(0, count);
    return count;
}

Result<std::optional<std::size_t>> Stream::Impl::read_now(std::span<char> buffer) {
    QUORATE_ASSERT(!buffer.empty());
    if (closed_) {
        return fail(Errc::kClosed, "read");
    }
    if (tls_) {
        return read_tls_now(buffer);
    }
    if (!early_.empty()) {
        return take_early(buffer);
    }
    const auto got = recv(fd(), buffer.data(), buffer.size(), 0);
    if (got >= 0) {
        const auto count = static_cast<std::size_t>(got);
        more_likely_ = count == buffer.size();
        return count;
    }
    if (!would_block(errno)) {
        return fail_errno(errno, "read");
    }
    more_likely_ = false;
    return std::nullopt;
}

Result<std::optional<std::size_t>> Stream::Impl::read_soon(std::span<char> buffer) {
    constexpr std::chrono::microseconds kCrowded{100};
    if (!closed_ && !soon_.worth_it()) {
        return std::nullopt;
    }
    const auto left = std::chrono::steady_clock::now();
    std::this_thread::yield();
    const bool crowded = std::chrono::steady_clock::now() - left > kCrowded;
    auto read = read_now(buffer);
    soon_.saw({read && *read ? 1U : 0U, crowded});
    return read;
}

awaitable<Status> Stream::Impl::wait_input(Deadline deadline) {
    return wait(read_waits_for_, deadline, /*interruptible=*/false);
}

awaitable<Result<std::size_t>> Stream::Impl::read_some(std::span<char> buffer, Deadline deadline) {
    for (;;) {
        auto read = read_now(buffer);
        if (!read) {
            co_return tl::unexpected<Error>(std::move(read).error());
        }
        if (*read) {
            co_return **read;
        }
        auto ready = co_await wait_input(deadline);
        if (!ready) {
            co_return tl::unexpected<Error>(std::move(ready).error());
        }
    }
}

Result<std::size_t> Stream::Impl::write_now(std::string_view bytes) {
    if (closed_) {
        return fail(Errc::kClosed, "write");
    }
    if (tls_) {
        return write_tls_now(bytes);
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto sent = send(fd(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno != EINTR) {
            if (!would_block(errno)) {
                return fail_errno(errno, "write");
            }
            break;
        }
    }
    return done;
}

awaitable<Status> Stream::Impl::write(std::string_view bytes, Deadline deadline) {
    for (;;) {
        const auto written = write_now(bytes);
        if (!written) {
            co_return tl::unexpected<Error>(written.error());
        }
        bytes.remove_prefix(*written);
        if (bytes.empty()) {
            co_return Status{};
        }
        auto ready = co_await wait(kWrite, deadline);
        if (!ready) {
            co_return ready;
        }
    }
}

awaitable<Status> Stream::Impl::finish_connect(Deadline deadline) {
    auto ready = co_await wait(kWrite, deadline);
    if (!ready) {
        co_return ready;
    }
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        co_return fail_errno(error, "connect");
    }
    // Asio asks for writability for ever once it was waited for: every later wait to read would be
    // woken once in vain. Registered anew, it asks no more.
    descriptor_.assign(descriptor_.release());
    co_return Status{};
}

awaitable<void> Stream::Impl::shutdown(Deadline deadline) {
    if (closed_) {
        co_return;
    }
    if (tls_) {
        tls_->send_close_notify();
    }
    ::shutdown(fd(), SHUT_WR);
    std::array<char, 2048> scratch;
    for (std::size_t drained = 0; drained < kDrainBytes && !closed_;) {
        const auto got = recv(fd(), scratch.data(), scratch.size(), 0);
        if (got > 0) {
            drained += static_cast<std::size_t>(got);
            continue;
        }
        if (got == 0 || !would_block(errno)) {
            break;
        }
        const auto ready = co_await wait(kRead, deadline);
        if (!ready) {
            break;
        }
    }
    close();
}

void Stream::Impl::close() {
    if (closed_) {
        return;
    }
    closed_ = true;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    timer_.cancel();
}

Stream::Stream(io_context& context, int fd) : impl_(std::make_shared<Impl>(context, fd)) {}
Stream::~Stream() {
    if (impl_) {
        impl_->close();
    }
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
    if (this != &other) {
        close();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

awaitable<Result<Stream>> Stream::connect(io_context& context, Address address, Deadline deadline) {
    const auto target = to_socket_address(address);
    if (!target) {
        co_return tl::unexpected<Error>(target.error());
    }
    const auto fd = new_socket(address);
    if (!fd) {
        co_return tl::unexpected<Error>(fd.error());
    }
    Stream stream(context, *fd);
    if (::connect(*fd, target->get(), target->size) != 0) {
        if (errno != EINPROGRESS) {
            co_return fail_errno(errno, "connect to " + address.to_string());
        }
        auto connected = co_await stream.impl_->finish_connect(deadline);
        if (!connected) {
            auto error = std::move(connected).error();
            error.detail += " to " + address.to_string();
            co_return tl::unexpected<Error>(std::move(error));
        }
    }
    co_return stream;
}

Result<std::pair<Stream, Stream>> Stream::pair(io_context& context) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        return fail_errno(errno, "socketpair");
    }
    return std::pair<Stream, Stream>(Stream(context, fds[0]), Stream(context, fds[1]));
}

awaitable<Status> Stream::wait_readable(Deadline deadline) {
    return impl_->wait_readable(deadline);
}
void Stream::interrupt() { impl_->interrupt(); }
awaitable<Result<std::size_t>> Stream::read_some(std::span<char> buffer, Deadline deadline) {
    return impl_->read_some(buffer, deadline);
}
awaitable<Status> Stream::read_exactly(std::span<char> buffer, Deadline deadline) {
    while (!buffer.empty()) {
        auto ready = co_await wait_readable(deadline);
        if (!ready) {
            co_return ready;
        }
        auto got = co_await read_some(buffer, deadline);
        if (!got) {
            co_return tl::unexpected<Error>(std::move(got).error());
        }
        if (*got == 0) {
            co_return fail(Errc::kClosed, "the peer closed the connection");
        }
        buffer = buffer.subspan(*got);
    }
    co_return Status();
}
Result<std::optional<std::size_t>> Stream::read_now(std::span<char> buffer) {
    return impl_->read_now(buffer);
}
Result<std::optional<std::size_t>> Stream::read_soon(std::span<char> buffer) {
    return impl_->read_soon(buffer);
}
awaitable<Status> Stream::wait_input(Deadline deadline) { return impl_->wait_input(deadline); }
Result<std::size_t> Stream::write_now(std::string_view bytes) { return impl_->write_now(bytes); }
awaitable<Status> Stream::write(std::string_view bytes, Deadline deadline) {
    return impl_->write(bytes, deadline);
}
void Stream::unread(std::string_view bytes) {
    QUORATE_ASSERT(!is_tls());
    impl_->unread(bytes);
}
awaitable<Status> Stream::start_tls(TlsContext& context, Deadline deadline) {
    return impl_->start_tls(context, deadline);
}
std::optional<TlsInfo> Stream::tls_info() const {
    if (!is_tls()) {
        return std::nullopt;
    }
    return impl_->tls()->info();
}
bool Stream::is_tls() const { return impl_->tls() != nullptr; }
awaitable<void> Stream::shutdown(Deadline deadline) { return impl_->shutdown(deadline); }
void Stream::close() {
    if (impl_) {
        impl_->close();
    }
}
bool Stream::is_open() const { return impl_ && impl_->is_open(); }
Address Stream::peer() const { return peer_address(impl_->fd()); }
Address Stream::local() const { return local_address(impl_->fd()); }

Result<Stream::Credentials> Stream::peer_credentials() const {
    ucred process = {};
    socklen_t size = sizeof(process);
    if (getsockopt(impl_->fd(), SOL_SOCKET, SO_PEERCRED, &process, &size) != 0) {
        return fail_errno(errno, "SO_PEERCRED");
    }
    Credentials credentials{process.pid, process.uid, process.gid, {}};
    credentials.groups.resize(256);
    socklen_t bytes = static_cast<socklen_t>(credentials.groups.size() * sizeof(gid_t));
    if (getsockopt(impl_->fd(), SOL_SOCKET, SO_PEERGROUPS, credentials.groups.data(), &bytes) !=
        0) {
        bytes = 0;  // more groups than that, or an old kernel: the primary group counts
    }
    credentials.groups.resize(bytes / sizeof(gid_t));
    return credentials;
}

}  // namespace quorate::io
