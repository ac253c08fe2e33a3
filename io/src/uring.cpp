#include "io/uring.hpp"

#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.hpp"

namespace quorate::io {

namespace asio = boost::asio;

AlignedBuffer::AlignedBuffer(std::size_t size) : size_(size) {
    const auto whole = (std::max<std::size_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
    memory_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, whole)));
    QUORATE_ASSERT(memory_ != nullptr);
}

AlignedBuffer::AlignedBuffer(std::string_view bytes) : AlignedBuffer(bytes.size()) {
    std::memcpy(data(), bytes.data(), bytes.size());
}

struct Uring::Impl : std::enable_shared_from_this<Uring::Impl> {
    explicit Impl(asio::io_context& context) : io(context), bell(context) {}
    ~Impl() {
        if (opened) {
            ::io_uring_queue_exit(&ring);
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status open(unsigned count) {
        entries = count;
        if (const int error = ::io_uring_queue_init(entries, &ring, 0); error < 0) {
            return fail_errno(-error, "io_uring: is it forbidden here (kernel.io_uring_disabled)?");
        }
        opened = true;
        const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event < 0 || ::io_uring_register_eventfd(&ring, event) < 0) {
            return fail_errno(errno, "eventfd");
        }
        bell.assign(event);
        return {};
    }

    using Prepare = std::function<void(io_uring_sqe*)>;
    void ask(Prepare prepare, Done done) {
        waiting.push_back({std::move(prepare), std::move(done)});
        if (!std::exchange(submit_posted, true)) {
            asio::post(io, [self = shared_from_this()] {
                self->submit_posted = false;
                self->submit();
            });
        }
    }

    void submit() {
        while (!waiting.empty() && busy < entries) {
            auto* entry = ::io_uring_get_sqe(&ring);
            if (entry == nullptr) {
                break;
            }
            auto one = std::move(waiting.front());
            waiting.pop_front();
            one.prepare(entry);
            std::size_t place = slots.size();
            if (free_slots.empty()) {
                slots.push_back(std::move(one.done));
            } else {
                place = free_slots.back();
                free_slots.pop_back();
                slots[place] = std::move(one.done);
            }
            ::io_uring_sqe_set_data64(entry, place);
            ++busy;
        }
        ::io_uring_submit(&ring);
        listen();
    }

    // Waits as long as there is something to wait for, and so lives as long.
    void listen() {
        if (busy == 0 || std::exchange(listening, true)) {
            return;
        }
        bell.async_wait(asio::posix::descriptor_base::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                            self->listening = false;
                            if (!error) {
                                self->reap();
                            }
                        });
    }

    void reap() {
        std::uint64_t rings = 0;
        static_cast<void>(::read(bell.native_handle(), &rings, sizeof(rings)));
        io_uring_cqe* entry = nullptr;
        while (::io_uring_peek_cqe(&ring, &entry) == 0) {
            const auto place = static_cast<std::size_t>(::io_uring_cqe_get_data64(entry));
            const int result = entry->res;
            ::io_uring_cqe_seen(&ring, entry);
            auto done = std::exchange(slots[place], nullptr);
            free_slots.push_back(place);
            --busy;
            if (!closed) {
                done(result);
            }
        }
        if (!waiting.empty()) {
            submit();
        }
        listen();
    }

    struct Waiting {
        Prepare prepare;
        Done done;
    };
    asio::io_context& io;
    io_uring ring{};
    bool opened = false;
    bool closed = false;  // nobody wants to hear any more
    unsigned entries = 0;
    std::size_t busy = 0;
    std::deque<Waiting> waiting;
    std::vector<Done> slots;
    std::vector<std::size_t> free_slots;
    asio::posix::stream_descriptor bell;
    bool listening = false;
    bool submit_posted = false;
};

Result<Uring> Uring::open(asio::io_context& io, unsigned entries) {
    auto impl = std::make_shared<Impl>(io);
    QUORATE_CHECK(impl->open(entries));
    return Uring(std::move(impl));
}

Uring::Uring(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Uring::Uring(Uring&&) noexcept = default;
Uring& Uring::operator=(Uring&&) noexcept = default;
Uring::~Uring() {
    if (impl_) {
        impl_->closed = true;
        impl_->waiting.clear();
    }
}

void Uring::read(int file, std::span<char> into, std::uint64_t offset, Done done) {
    impl_->ask(
        [=](io_uring_sqe* entry) {
            ::io_uring_prep_read(entry, file, into.data(), static_cast<unsigned>(into.size()),
                                 offset);
        },
        std::move(done));
}

void Uring::write(int file, std::span<const char> from, std::uint64_t offset, bool durable,
                  Done done) {
    impl_->ask(
        [=](io_uring_sqe* entry) {
            ::io_uring_prep_write(entry, file, from.data(), static_cast<unsigned>(from.size()),
                                  offset);
            entry->rw_flags = durable ? RWF_DSYNC : 0;
        },
        std::move(done));
}

void Uring::sync_data(int file, Done done) {
    impl_->ask(
        [=](io_uring_sqe* entry) { ::io_uring_prep_fsync(entry, file, IORING_FSYNC_DATASYNC); },
        std::move(done));
}

void Uring::allocate(int file, int mode, std::uint64_t offset, std::uint64_t octets, Done done) {
    impl_->ask(
        [=](io_uring_sqe* entry) { ::io_uring_prep_fallocate(entry, file, mode, offset, octets); },
        std::move(done));
}

std::size_t Uring::under_way() const { return impl_->busy + impl_->waiting.size(); }

}  // namespace quorate::io
