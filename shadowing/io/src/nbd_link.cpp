#include "nbd_link.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include "io/address.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;

constexpr const char* kUser = "quorate";  // of the key file
// A peer that does not acknowledge, or answers no probe, for about ten seconds is gone.
constexpr int kUserTimeout = 10'000;
constexpr int kProbeAfter = 5;
constexpr int kProbeEvery = 2;
constexpr int kProbes = 3;

Result<asio::generic::stream_protocol::endpoint> endpoint_of(const std::string& text) {
    QUORATE_TRY(const auto address, io::Address::parse(text));
    if (address.kind == io::Address::Kind::kUnix) {
        return asio::local::stream_protocol::endpoint(address.host);
    }
    boost::system::error_code error;
    const auto host = asio::ip::make_address(address.host, error);
    if (error) {
        return fail_errno(EINVAL, text);
    }
    return asio::ip::tcp::endpoint(host, address.port);
}

void notice_silence(int socket) {
    const auto set = [socket](int level, int option, int value) {
        ::setsockopt(socket, level, option, &value, sizeof(value));
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeout);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfter);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kProbeEvery);
    set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

// Octets, or the end.
bool has_something(int socket) {
    char octet = 0;
    const auto got = ::recv(socket, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

// Of one command; libnbd frees it.
struct NbdLink::Request {
    NbdLink* link;  // outlives it: the link closes libnbd's handle first
    Done done;
};

NbdLink::NbdLink(asio::io_context& io, const NbdLibrary& library)
    : io_(io), lib_(library), socket_(io), limit_(io) {}

NbdLink::~NbdLink() { close(); }

void NbdLink::close() {
    closed_ = true;
    connected_ = nullptr;
    lost_ = nullptr;
    limit_.cancel();
    if (socket_.is_open()) {
        socket_.release();  // it is the library's
    }
    if (auto* nbd = std::exchange(nbd_, nullptr)) {
        lib_.close(nbd);
    }
    ended_.clear();
}

std::uint64_t NbdLink::octets() const {
    const auto size = nbd_ == nullptr ? -1 : lib_.get_size(nbd_);
    return size < 0 ? 0 : static_cast<std::uint64_t>(size);
}

Error NbdLink::last_error() const {
    const int number = lib_.get_errno();
    const char* text = lib_.get_error();
    return fail_errno(number == 0 ? EIO : number,
                      fmt::format("{}: {}", address_, text == nullptr ? "libnbd" : text))
        .value();
}

// ---- connecting

Status NbdLink::begin(const ServedDisk& disk, const ExportName& name) {
    address_ = disk.address;
    nbd_ = lib_.create();
    if (nbd_ == nullptr || lib_.set_export_name(nbd_, encode(name).c_str()) != 0 ||
        lib_.set_full_info(nbd_, true) != 0) {
        return tl::unexpected(last_error());
    }
    if (!disk.psk_file.empty() &&
        (lib_.set_tls(nbd_, LIBNBD_TLS_REQUIRE) != 0 || lib_.set_tls_username(nbd_, kUser) != 0 ||
         lib_.set_tls_psk_file(nbd_, disk.psk_file.c_str()) != 0)) {
        return tl::unexpected(last_error());
    }
    return {};
}

void NbdLink::connect(const ServedDisk& disk, const ExportName& name, Connected connected,
                      Lost lost) {
    connected_ = std::move(connected);
    lost_ = std::move(lost);
    const auto endpoint = endpoint_of(disk.address);
    const auto begun = begin(disk, name);
    if (!endpoint || !begun) {
        asio::post(
            io_, [self = shared_from_this(), error = endpoint ? begun.error() : endpoint.error()] {
                self->fail_with(error);
            });
        return;
    }
    limit_.expires_after(disk.answer_within);
    limit_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && self->connected_) {
            self->fail_with(fail_errno(ETIMEDOUT, self->address_).value());
        }
    });
    auto socket = std::make_shared<Socket>(io_);  // of the attempt
    socket->async_connect(
        *endpoint, [self = shared_from_this(), socket](const boost::system::error_code& error) {
            if (self->closed_) {
                return;
            }
            if (error) {
                self->fail_with(Error{error, self->address_});
                return;
            }
            notice_silence(socket->native_handle());
            self->handshake(socket->release());
        });
}

void NbdLink::handshake(int socket) {
    const int begun = lib_.aio_connect_socket(nbd_, socket);
    if (begun != 0) {
        fail_with(last_error());
        return;
    }
    socket_.assign(lib_.aio_get_fd(nbd_));
    look();
}

// After each call that may have changed the state.
void NbdLink::look() {
    if (closed_) {
        return;
    }
    const bool gone = lib_.aio_is_dead(nbd_) == 1 || lib_.aio_is_closed(nbd_) == 1;
    if (gone) {
        fail_with(last_error());
        return;
    }
    if (connected_ && lib_.aio_is_connecting(nbd_) != 1) {
        limit_.cancel();
        char* text = lib_.get_export_description(nbd_);
        auto description = decode_served_description(text == nullptr ? "" : text);
        std::free(text);
        if (!description) {
            fail_with({make_error_code(errc::refused),
                       address_ + ": what answers is no server of member disks"});
            return;
        }
        std::exchange(connected_, nullptr)(*description);
    }
    if (!closed_) {
        listen();
    }
}

void NbdLink::fail_with(Error error) {
    if (closed_) {
        return;
    }
    const auto self = shared_from_this();
    const auto connected = std::exchange(connected_, nullptr);
    const auto lost = std::exchange(lost_, nullptr);
    close();
    if (connected) {
        connected(tl::unexpected(std::move(error)));
    } else if (lost) {
        lost(error);
    }
}

void NbdLink::listen() {
    const auto direction = lib_.aio_get_direction(nbd_);
    if ((direction & LIBNBD_AIO_DIRECTION_READ) != 0 && !std::exchange(reading_, true)) {
        wait(asio::posix::descriptor_base::wait_read, &NbdLink::reading_, lib_.aio_notify_read);
    }
    if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 && !std::exchange(writing_, true)) {
        wait(asio::posix::descriptor_base::wait_write, &NbdLink::writing_, lib_.aio_notify_write);
    }
}

void NbdLink::wait(asio::posix::descriptor_base::wait_type type, bool NbdLink::*flag,
                   int (*notify)(nbd_handle*)) {
    socket_.async_wait(
        type, [self = shared_from_this(), flag, notify](const boost::system::error_code& error) {
            (*self).*flag = false;
            if (error || self->closed_) {
                return;
            }
            // Told to read where there is nothing, the library waits for a reply in the middle of a
            // request, and the server for the rest of that.
            if (flag != &NbdLink::reading_ || has_something(self->socket_.native_handle())) {
                notify(self->nbd_);
                self->hear_ended();
            }
            self->look();
        });
}

// ---- requests

// libnbd may not be called from within its callback.
nbd_completion_callback NbdLink::callback(Done done) {
    return {[](void* data, int* error) {
                auto* ended = static_cast<Request*>(data);
                if (!ended->link->closed_) {
                    ended->link->ended_.push_back({std::move(ended->done), *error});
                }
                return 1;
            },
            new Request{this, std::move(done)},
            [](void* data) { delete static_cast<Request*>(data); }};
}

void NbdLink::asked(std::int64_t cookie) {
    if (cookie < 0) {
        asio::post(io_,
                   [self = shared_from_this(), error = last_error()] { self->fail_with(error); });
        return;
    }
    if (!ended_.empty() && !std::exchange(hear_posted_, true)) {
        asio::post(io_, [self = shared_from_this()] {
            self->hear_posted_ = false;
            self->hear_ended();
            self->look();
        });
    }
    listen();
}

void NbdLink::hear_ended() {
    const auto self = shared_from_this();
    // Those of a connection that broke end with it.
    const bool gone = closed_ || lib_.aio_is_dead(nbd_) == 1 || lib_.aio_is_closed(nbd_) == 1;
    for (const auto& one : std::exchange(ended_, {})) {
        if (!closed_ && !(gone && one.error != 0)) {
            one.done(one.error);
        }
    }
}

void NbdLink::read(std::uint64_t offset, std::span<char> into, Done done) {
    asked(lib_.aio_pread(nbd_, into.data(), into.size(), offset, callback(std::move(done)), 0));
}

void NbdLink::write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) {
    asked(lib_.aio_pwrite(nbd_, from.data(), from.size(), offset, callback(std::move(done)),
                          fua ? LIBNBD_CMD_FLAG_FUA : 0));
}

void NbdLink::zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) {
    asked(lib_.aio_zero(nbd_, octets, offset, callback(std::move(done)),
                        fua ? LIBNBD_CMD_FLAG_FUA : 0));
}

void NbdLink::flush(Done done) { asked(lib_.aio_flush(nbd_, callback(std::move(done)), 0)); }

}  // namespace quorate::shadowing
