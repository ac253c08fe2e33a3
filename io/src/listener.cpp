#include "io/listener.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "io/address.hpp"
#include "sockaddr.hpp"

namespace quorate::io {
namespace {

namespace asio = boost::asio;

constexpr int kBacklog = 4096;
constexpr mode_t kUnixMode = 0660;
constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::minutes kComplaintInterval{1};
// Connections accepted in a row before the others on this thread get a turn.
constexpr unsigned kBatch = 32;

bool same_address(const SocketAddress& a, const SocketAddress& b) {
    if (a.storage.ss_family != b.storage.ss_family) {
        return false;
    }
    if (a.storage.ss_family == AF_UNIX) {
        const auto& left = reinterpret_cast<const sockaddr_un&>(a.storage);
        const auto& right = reinterpret_cast<const sockaddr_un&>(b.storage);
        // systemd binds the absolute path where the configuration may have a relative one.
        const std::string_view path(left.sun_path);
        const std::string_view other(right.sun_path);
        return path == other || other.ends_with("/" + std::string(path));
    }
    return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
}

// The socket among those that systemd passed (sd_listen_fds(3)) that is bound to `wanted`.
std::optional<int> passed_socket(const SocketAddress& wanted) {
    const char* pid = std::getenv("LISTEN_PID");
    const char* count = std::getenv("LISTEN_FDS");
    if (pid == nullptr || count == nullptr ||
        parse_u64(pid) != static_cast<std::uint64_t>(::getpid())) {
        return std::nullopt;
    }
    constexpr int kFirst = 3;
    const auto number = parse_u64(count).value_or(0);
    for (int socket = kFirst;
         socket < kFirst + static_cast<int>(std::min<std::uint64_t>(number, 64)); ++socket) {
        SocketAddress bound;
        bound.size = sizeof(bound.storage);
        if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) == 0 &&
            same_address(wanted, bound)) {
            ::fcntl(socket, F_SETFD, FD_CLOEXEC);
            return socket;
        }
    }
    return std::nullopt;
}

// A socket file that nobody listens on any more is in the way; one that answers belongs to a
// running daemon.
Status remove_stale(const SocketAddress& address, const std::string& text) {
    const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
    struct stat info {};
    if (::lstat(un.sun_path, &info) != 0) {
        return {};
    }
    if (!S_ISSOCK(info.st_mode)) {
        return fail_errno(EEXIST, text + ": exists and is not a socket");
    }
    // Non-blocking: a daemon with a full backlog must not stop this one.
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool refused =
        ::connect(probe, address.get(), address.size) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    if (!refused) {
        return fail_errno(EADDRINUSE, text + ": another process listens there");
    }
    ::unlink(un.sun_path);
    return {};
}

Result<int> bind_new(const SocketAddress& address, const std::string& text) {
    const int family = address.storage.ss_family;
    if (family == AF_UNIX) {
        QUORATE_CHECK(remove_stale(address, text));
    }
    const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        return fail_errno(errno, text);
    }
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (family == AF_UNIX) {
        ::fchmod(socket, kUnixMode);  // what bind() creates has no more than this at any moment
    }
    if (family == AF_INET6) {
        ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (::bind(socket, address.get(), address.size) != 0 || ::listen(socket, kBacklog) != 0) {
        const int error = errno;
        ::close(socket);
        return fail_errno(error, "cannot listen on " + text);
    }
    if (family == AF_UNIX) {
        ::chmod(reinterpret_cast<const sockaddr_un&>(address.storage).sun_path, kUnixMode);
    }
    return socket;
}

}  // namespace

struct Listener::Impl {
    Impl(asio::io_context& io_in, int socket)
        : io(io_in), descriptor(io_in, socket), pause(io_in) {}

    asio::awaitable<void> rest(int error);

    asio::io_context& io;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer pause;
    MonoTime next_complaint;
    std::string unix_path;
    bool closed = false;
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener::~Listener() {
    if (impl_) {
        close();
    }
}

Result<Listener> Listener::open(asio::io_context& io, const std::string& text) {
    QUORATE_TRY(const Address address, Address::parse(text));
    QUORATE_TRY(const SocketAddress wanted, to_socket_address(address));
    const auto passed = passed_socket(wanted);
    int socket = passed.value_or(-1);
    if (!passed) {
        QUORATE_TRY(socket, bind_new(wanted, text));
    }
    auto impl = std::make_shared<Impl>(io, socket);
    impl->descriptor.non_blocking(true);
    if (address.kind == Address::Kind::kUnix && !passed) {
        impl->unix_path = address.host;
    }
    return Listener(std::move(impl));
}

namespace {

// Errors of the one connection that was to be accepted (accept(2)); the next may be fine.
bool concerns_one_connection(int error) {
    switch (error) {
        case EINTR:
        case ECONNABORTED:
        case ENETDOWN:
        case EPROTO:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case EPERM:
            return true;
        default:
            return false;
    }
}

}  // namespace

// Out of descriptors or memory, or something unforeseen: go on when it may be over.
asio::awaitable<void> Listener::Impl::rest(int error) {
    if (mono_now() >= next_complaint) {
        next_complaint = mono_now() + kComplaintInterval;
        Logger().error("accept_paused", "why", std::generic_category().message(error));
    }
    pause.expires_after(kPause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> Listener::run(std::function<void(Stream)> accepted) {
    const auto impl = impl_;
    unsigned batch = 0;
    while (!impl->closed) {
        const int socket = ::accept4(impl->descriptor.native_handle(), nullptr, nullptr,
                                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        const int error = socket < 0 ? errno : 0;
        if (socket >= 0) {
            accepted(Stream(impl->io, socket));
            if (++batch % kBatch == 0) {
                co_await yield();
            }
        } else if (error == EAGAIN) {
            co_await impl->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                                 asio::as_tuple(asio::use_awaitable));
        } else if (!concerns_one_connection(error)) {
            co_await impl->rest(error);
        }
    }
}

void Listener::close() {
    if (impl_->closed) {
        return;
    }
    impl_->closed = true;
    impl_->pause.cancel();
    boost::system::error_code ignored;
    impl_->descriptor.close(ignored);
    if (!impl_->unix_path.empty()) {
        ::unlink(impl_->unix_path.c_str());
    }
}

std::string Listener::address() const {
    return local_address(impl_->descriptor.native_handle()).to_string();
}

}  // namespace quorate::io
