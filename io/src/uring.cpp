#include "io/uring.hpp"

#include <fcntl.h>
#include <liburing.h>

#include <algorithm>
#include <array>
#include <bit>
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

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeepsMemory = false;  // who uses it after its end must be found
#else
constexpr bool kKeepsMemory = true;
#endif
constexpr std::size_t kSmallest = 12;  // sizes are powers of two from 1 << it
constexpr std::size_t kSizes = 11;

thread_local bool has_ended = false;  // outlives what is below

// Memory that buffers of this thread gave back, by size.
class KeptMemory {
public:
    ~KeptMemory() {
        has_ended = true;
        for (const auto& one : kept_) {
            std::for_each(one.begin(), one.end(), std::free);
        }
    }
    char* take(std::size_t octets) {
        auto& kept = kept_[place_of(octets)];
        if (kept.empty()) {
            return nullptr;
        }
        auto* memory = kept.back();
        kept.pop_back();
        octets_ -= octets;
        return memory;
    }
    bool keep(char* memory, std::size_t octets) {
        if (octets_ + octets > AlignedBuffer::kKept) {
            return false;
        }
        octets_ += octets;
        kept_[place_of(octets)].push_back(memory);
        return true;
    }

private:
    static std::size_t place_of(std::size_t octets) {
        return static_cast<std::size_t>(std::bit_width(octets)) - 1 - kSmallest;
    }
    std::array<std::vector<char*>, kSizes> kept_;
    std::size_t octets_ = 0;
};

KeptMemory& kept_memory() {
    static thread_local KeptMemory kept;
    return kept;
}

bool is_kept(std::size_t octets) {
    return kKeepsMemory && !has_ended && octets <= std::size_t{1} << (kSmallest + kSizes - 1);
}

}  // namespace

void AlignedBuffer::Free::operator()(char* memory) const {
    if (!is_kept(octets) || !kept_memory().keep(memory, octets)) {
        std::free(memory);
    }
}

AlignedBuffer::AlignedBuffer(std::size_t size) : size_(size) {
    auto octets = std::bit_ceil(std::max(size, kAlignment));
    char* memory = nullptr;
    if (is_kept(octets)) {
        memory = kept_memory().take(octets);
    } else {
        octets = (size + kAlignment - 1) / kAlignment * kAlignment;
    }
    if (memory == nullptr) {
        memory = static_cast<char*>(std::aligned_alloc(kAlignment, octets));
        QUORATE_ASSERT(memory != nullptr);
    }
    memory_ = {memory, Free(octets)};
}

AlignedBuffer::AlignedBuffer(std::string_view bytes) : AlignedBuffer(bytes.size()) {
    std::memcpy(data(), bytes.data(), bytes.size());
}

namespace {

struct Order {
    enum class Kind : std::uint8_t { kRead, kWrite, kSync, kAllocate } kind = Kind::kSync;
    int file = -1;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    char* data = nullptr;
    int flags = 0;  // of a write; the mode of kAllocate
};

void prepare(io_uring_sqe* entry, const Order& order) {
    const auto size = static_cast<unsigned>(order.octets);
    switch (order.kind) {
        case Order::Kind::kRead:
            ::io_uring_prep_read(entry, order.file, order.data, size, order.offset);
            return;
        case Order::Kind::kWrite:
            ::io_uring_prep_write(entry, order.file, order.data, size, order.offset);
            entry->rw_flags = order.flags;
            return;
        case Order::Kind::kSync:
            ::io_uring_prep_fsync(entry, order.file, IORING_FSYNC_DATASYNC);
            return;
        case Order::Kind::kAllocate:
            ::io_uring_prep_fallocate(entry, order.file, order.flags, order.offset, order.octets);
            return;
    }
}

}  // namespace

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
        // It is readable when something has ended.
        const int file = ::fcntl(ring.ring_fd, F_DUPFD_CLOEXEC, 0);
        if (file < 0) {
            return fail_errno(errno, "io_uring");
        }
        bell.assign(file);
        return {};
    }

    void ask(const Order& order, Done done) {
        waiting.push_back({order, std::move(done)});
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
            prepare(entry, one.order);
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
        Order order;
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
    impl_->ask({Order::Kind::kRead, file, offset, into.size(), into.data(), 0}, std::move(done));
}

void Uring::write(int file, std::span<const char> from, std::uint64_t offset, bool durable,
                  Done done) {
    auto* data = const_cast<char*>(from.data());  // which the kernel only reads
    impl_->ask({Order::Kind::kWrite, file, offset, from.size(), data, durable ? RWF_DSYNC : 0},
               std::move(done));
}

void Uring::sync_data(int file, Done done) {
    impl_->ask({Order::Kind::kSync, file, 0, 0, nullptr, 0}, std::move(done));
}

void Uring::allocate(int file, int mode, std::uint64_t offset, std::uint64_t octets, Done done) {
    impl_->ask({Order::Kind::kAllocate, file, offset, octets, nullptr, mode}, std::move(done));
}

std::size_t Uring::under_way() const { return impl_->busy + impl_->waiting.size(); }

}  // namespace quorate::io
