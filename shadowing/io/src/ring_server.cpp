#include "shadowing/io/ring_server.hpp"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <bitset>
#include <chrono>
#include <climits>
#include <cstring>
#include <functional>
#include <set>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "shared_ring.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr std::size_t kClients = 64;
constexpr std::size_t kAtOnce = 4 * kRingSlots;

// Not of extents, which are told at once.
RequestKind unit_kind(DataKind kind) {
    switch (kind) {
        case DataKind::kRead:
            return RequestKind::kRead;
        case DataKind::kWrite:
            return RequestKind::kWrite;
        case DataKind::kZero:
            return RequestKind::kZero;
        case DataKind::kFlush:
        case DataKind::kExtents:
            break;
    }
    return RequestKind::kFlush;
}

UnitReply told_extents(const MountedSet& set, std::uint64_t offset, std::uint64_t octets) {
    const auto size = set.status().octets;
    if (octets == 0 || offset > size || octets > size - offset) {
        return {ReplyStatus::kOutOfRange, nullptr};
    }
    std::string text;
    ByteWriter out(text);
    for (const auto& extent : set.extents(offset, octets)) {
        out.u64(extent.octets << 1 | (extent.zeros ? 1 : 0));
    }
    return {ReplyStatus::kOk, std::make_shared<const io::AlignedBuffer>(text)};
}

class Client : public std::enable_shared_from_this<Client> {
public:
    Client(Local::socket socket, stream_descriptor bell, std::shared_ptr<SharedRing> ring,
           MountedSet& set, std::function<void(const std::shared_ptr<Client>&)> gone)
        : socket_(std::move(socket)),
          bell_(std::move(bell)),
          ring_(std::move(ring)),
          set_(set),
          gone_(std::move(gone)) {}

    void start() {
        ring_->get()->asleep.store(1);
        if (!send_hello()) {
            close();
            return;
        }
        wait_for_bell();
        // It has nothing to say here; its end is the end.
        socket_.async_read_some(
            asio::buffer(&nothing_, 1),
            [self = shared_from_this()](error_code, std::size_t) { self->close(); });
    }

    void close() {
        error_code ignored;
        socket_.close(ignored);
        bell_.close(ignored);
        if (auto gone = std::exchange(gone_, nullptr)) {
            gone(shared_from_this());
        }
    }

private:
    bool send_hello() {
        std::string text;
        ByteWriter out(text);
        const auto status = set_.status();
        out.u32(kRingMagic);
        out.u32(kRingVersion);
        out.u32(status.block_octets);
        out.u32(kRingSlots);
        out.u64(status.octets);
        out.u32(kRingPart);
        out.u32(0);
        iovec piece{text.data(), text.size()};
        const int files[2] = {ring_->file(), bell_.native_handle()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(files))] = {};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        auto* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(files));
        std::memcpy(CMSG_DATA(head), files, sizeof(files));
        const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent == static_cast<ssize_t>(text.size());
    }

    void wait_for_bell() {
        bell_.async_wait(
            stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
                std::uint64_t rung = 0;
                if (error || !self->bell_.is_open()) {
                    return;
                }
                static_cast<void>(::read(self->bell_.native_handle(), &rung, sizeof(rung)));
                self->take_requests();
                self->wait_for_bell();
            });
    }

    // All there are, but others get their turn. Whoever asks after that rings the bell.
    void take_requests() {
        if (std::exchange(taking_, true)) {
            return;
        }
        std::size_t taken = 0;
        while (socket_.is_open() && has_request() && taken++ < kAtOnce) {
            take_request();
        }
        taking_ = false;
        if (taken > kAtOnce) {
            const std::uint64_t ring = 1;
            static_cast<void>(::write(bell_.native_handle(), &ring, sizeof(ring)));
        }
    }

    bool has_request() {
        auto& memory = *ring_->get();
        if (memory.tail.load() != head_) {
            return true;
        }
        memory.asleep.store(1);
        const bool came_meanwhile = memory.tail.load() != head_;
        if (came_meanwhile) {
            memory.asleep.store(0);
        }
        return came_meanwhile;
    }

    void take_request() {
        const auto& memory = *ring_->get();
        const auto index = memory.asked[head_ % kRingSlots].load(std::memory_order_relaxed);
        const auto there = memory.tail.load() - head_;
        if (there > kRingSlots || index >= kRingSlots || under_way_[index]) {
            drop("its ring is out of order");
            return;
        }
        ++head_;
        take(index);
    }

    void take(std::uint32_t index) {
        const auto& slot = ring_->get()->slots[index];
        const auto request = request_of(slot.what.load(std::memory_order_relaxed),
                                        slot.offset.load(std::memory_order_relaxed));
        if (!request) {
            drop("it asks for what does not exist");
            return;
        }
        under_way_[index] = true;
        if (request->kind == DataKind::kExtents) {
            answer(index, told_extents(set_, request->offset, request->octets));
            return;
        }
        UnitRequest unit{unit_kind(request->kind), request->offset, request->octets, request->fua,
                         nullptr};
        if (request->kind == DataKind::kWrite) {
            // A copy: members must not get different data though the client writes there again.
            unit.data = std::make_shared<const io::AlignedBuffer>(
                std::string_view(ring_->get()->data[index], request->octets));
        }
        set_.submit(std::move(unit), [self = shared_from_this(), index](const UnitReply& reply) {
            self->answer(index, reply);
            self->take_requests();
        });
    }

    void answer(std::uint32_t index, const UnitReply& reply) {
        auto& slot = ring_->get()->slots[index];
        const std::uint64_t octets = reply.data ? reply.data->size() : 0;
        if (octets > 0) {
            std::memcpy(ring_->get()->data[index], reply.data->data(), octets);
        }
        under_way_[index] = false;
        slot.answer.store(octets << 32 | static_cast<std::uint32_t>(reply.status),
                          std::memory_order_relaxed);
        const auto was = slot.state.exchange(static_cast<std::uint32_t>(SlotState::kAnswered));
        if (was == static_cast<std::uint32_t>(SlotState::kAwaited)) {
            ::syscall(SYS_futex, &slot.state, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
        }
    }

    void drop(const char* why) {
        Logger().warn("unit_client_dropped", "unit", set_.unit(), "why", why);
        close();
    }

    Local::socket socket_;
    stream_descriptor bell_;
    std::shared_ptr<SharedRing> ring_;
    MountedSet& set_;
    std::function<void(const std::shared_ptr<Client>&)> gone_;
    std::uint32_t head_ = 0;
    std::bitset<kRingSlots> under_way_;
    bool taking_ = false;
    char nothing_ = 0;
};

}  // namespace

struct RingServer::Impl : std::enable_shared_from_this<RingServer::Impl> {
    Impl(asio::io_context& context, MountedSet& mounted, std::string socket)
        : io(context), set(mounted), path(std::move(socket)), acceptor(context), pause(context) {}

    Status listen() {
        ::unlink(path.c_str());
        error_code error;
        acceptor.open(Local(), error);
        if (!error) {
            ::fchmod(acceptor.native_handle(), 0660);  // never more, not for a moment
            acceptor.bind(Local::endpoint(path), error);
        }
        if (!error) {
            ::chmod(path.c_str(), 0660);
            acceptor.listen(kClients, error);
        }
        return error ? fail_errno(error.value(), path) : Status();
    }

    void accept() {
        acceptor.async_accept([self = shared_from_this()](error_code error, Local::socket socket) {
            if (error == asio::error::operation_aborted || !self->acceptor.is_open()) {
                return;
            }
            if (!error && self->clients.size() < kClients) {
                self->serve(std::move(socket));
            }
            if (!error) {
                self->accept();
                return;
            }
            // Out of descriptors, it may be.
            self->pause.expires_after(std::chrono::seconds(1));
            self->pause.async_wait([self](error_code cancelled) {
                if (!cancelled) {
                    self->accept();
                }
            });
        });
    }

    void serve(Local::socket socket) {
        const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        auto ring = SharedRing::make();
        if (bell < 0 || !ring) {
            Logger().error("unit_client_refused", "unit", set.unit(), "why",
                           ring ? std::strerror(errno) : ring.error().to_string());
            if (bell >= 0) {
                ::close(bell);
            }
            return;
        }
        auto client = std::make_shared<Client>(
            std::move(socket), stream_descriptor(io, bell), std::move(*ring), set,
            [this](const std::shared_ptr<Client>& gone) { clients.erase(gone); });
        clients.insert(client);
        client->start();
    }

    asio::io_context& io;
    MountedSet& set;
    std::string path;
    Local::acceptor acceptor;
    asio::steady_timer pause;
    std::set<std::shared_ptr<Client>> clients;
};

RingServer::RingServer(asio::io_context& io, MountedSet& set, std::string socket_path)
    : impl_(std::make_shared<Impl>(io, set, std::move(socket_path))) {}

RingServer::~RingServer() {
    error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->pause.cancel();
    for (const auto& client : std::exchange(impl_->clients, {})) {
        client->close();
    }
}

Status RingServer::start() {
    QUORATE_CHECK(impl_->listen());
    impl_->accept();
    return {};
}

}  // namespace quorate::shadowing
