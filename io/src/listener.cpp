#include "io/listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
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

constexpr int kBacklog = 1024;

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
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool alive = ::connect(probe, address.get(), address.size) == 0;
    ::close(probe);
    if (alive) {
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
    if (family == AF_INET6) {
        ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (::bind(socket, address.get(), address.size) != 0 || ::listen(socket, kBacklog) != 0) {
        const int error = errno;
        ::close(socket);
        return fail_errno(error, "cannot listen on " + text);
    }
    if (family == AF_UNIX) {
        ::chmod(reinterpret_cast<const sockaddr_un&>(address.storage).sun_path, 0660);
    }
    return socket;
}

}  // namespace

struct Listener::Impl {
    Impl(asio::io_context& io_in, int socket)
        : io(io_in), descriptor(io_in, socket), pause(io_in) {}

    asio::io_context& io;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer pause;
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

asio::awaitable<void> Listener::run(std::function<void(Stream)> accepted) {
    constexpr std::chrono::milliseconds kPause{100};
    const auto impl = impl_;
    while (!impl->closed) {
        const int socket = ::accept4(impl->descriptor.native_handle(), nullptr, nullptr,
                                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket >= 0) {
            accepted(Stream(impl->io, socket));
            continue;
        }
        if (errno == EAGAIN) {
            const auto wait = asio::posix::stream_descriptor::wait_read;
            const auto [error] =
                co_await impl->descriptor.async_wait(wait, asio::as_tuple(asio::use_awaitable));
            if (error) {
                co_return;
            }
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            Logger().error("accept_paused", "why", std::generic_category().message(errno));
            impl->pause.expires_after(kPause);
            const auto [error] =
                co_await impl->pause.async_wait(asio::as_tuple(asio::use_awaitable));
            static_cast<void>(error);
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
