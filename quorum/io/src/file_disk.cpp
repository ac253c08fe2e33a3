#include "file_disk.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.hpp"
#include "quorum/errc.hpp"
#include "quorum/io/fitness.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {
namespace {

namespace asio = boost::asio;

// One reading and a writing of each page are under way at most; those that hang stay.
constexpr unsigned kEntries = 32;

struct Freed {
    void operator()(void* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<char, Freed>;

Buffer aligned_buffer(std::size_t size) {
    auto* memory = static_cast<char*>(std::aligned_alloc(kPageBytes, size));
    QUORATE_ASSERT(memory != nullptr);
    return Buffer(memory);
}

// Shared with the wait for the kernel: what is under way keeps its memory, if need be for ever,
// because a buffer that the kernel may still read from or write into cannot be given back.
class Queue : public std::enable_shared_from_this<Queue> {
public:
    Queue(asio::io_context& io, int file, std::string path)
        : io_(io), file_(file), path_(std::move(path)), bell_(io) {}
    ~Queue() {
        if (opened_) {
            ::io_uring_queue_exit(&ring_);
        }
        ::close(file_);
    }
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;

    Status open() {
        if (const int error = ::io_uring_queue_init(kEntries, &ring_, 0); error < 0) {
            return fail_errno(-error, "io_uring: is it forbidden here (kernel.io_uring_disabled)?");
        }
        opened_ = true;
        const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (bell < 0 || ::io_uring_register_eventfd(&ring_, bell) < 0) {
            return fail_errno(errno, "eventfd");
        }
        bell_.assign(bell);
        return {};
    }

    void read(std::uint32_t first, std::uint32_t count, Disk::ReadDone done) {
        const std::size_t size = count * kPageBytes;
        Request request{aligned_buffer(size), size, std::move(done), {}};
        submit(std::move(request), first, /*writes=*/false);
    }
    void write(std::uint32_t first, std::string_view bytes, Disk::WriteDone done) {
        Request request{aligned_buffer(bytes.size()), bytes.size(), {}, std::move(done)};
        std::memcpy(request.buffer.get(), bytes.data(), bytes.size());
        submit(std::move(request), first, /*writes=*/true);
    }
    // Nobody wants to hear any more.
    void leave() {
        for (auto& [id, request] : under_way_) {
            request.read_done = nullptr;
            request.write_done = nullptr;
        }
    }

private:
    struct Request {
        Buffer buffer;
        std::size_t size = 0;
        Disk::ReadDone read_done;
        Disk::WriteDone write_done;
    };

    void submit(Request request, std::uint32_t first, bool writes) {
        auto* entry = ::io_uring_get_sqe(&ring_);
        if (entry == nullptr) {
            asio::post(io_, [self = shared_from_this(),
                             late = std::make_shared<Request>(std::move(request))]() mutable {
                self->answer(*late, -EAGAIN);
            });
            return;
        }
        const auto offset = std::uint64_t{first} * kPageBytes;
        const auto size = static_cast<unsigned>(request.size);
        if (writes) {
            ::io_uring_prep_write(entry, file_, request.buffer.get(), size, offset);
            entry->rw_flags = RWF_DSYNC;
        } else {
            ::io_uring_prep_read(entry, file_, request.buffer.get(), size, offset);
        }
        // Even the handing over of an I/O may wait for a hung disk: a thread of the kernel does it.
        entry->flags |= IOSQE_ASYNC;
        const auto id = ++last_;
        ::io_uring_sqe_set_data64(entry, id);
        under_way_.emplace(id, std::move(request));
        ::io_uring_submit(&ring_);
        listen();
    }

    // Waits as long as there is something to wait for, and so lives as long.
    void listen() {
        if (std::exchange(listening_, true)) {
            return;
        }
        bell_.async_wait(asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                             self->listening_ = false;
                             if (!error) {
                                 self->reap();
                             }
                         });
    }

    void reap() {
        std::uint64_t rings = 0;
        static_cast<void>(::read(bell_.native_handle(), &rings, sizeof(rings)));
        io_uring_cqe* entry = nullptr;
        while (::io_uring_peek_cqe(&ring_, &entry) == 0) {
            const auto id = ::io_uring_cqe_get_data64(entry);
            const int result = entry->res;
            ::io_uring_cqe_seen(&ring_, entry);
            const auto it = under_way_.find(id);
            QUORATE_ASSERT(it != under_way_.end());
            auto request = std::move(it->second);
            under_way_.erase(it);
            answer(request, result);
        }
        if (!under_way_.empty()) {
            listen();
        }
    }

    void answer(Request& request, int result) {
        const bool whole = result >= 0 && static_cast<std::size_t>(result) == request.size;
        const int error = result < 0 ? -result : EIO;  // less than a page is none
        if (request.read_done) {
            if (whole) {
                request.read_done(std::string(request.buffer.get(), request.size));
            } else {
                request.read_done(fail_errno(error, path_));
            }
        }
        if (request.write_done) {
            request.write_done(whole ? Status() : Status(fail_errno(error, path_)));
        }
    }

    asio::io_context& io_;
    int file_;
    std::string path_;
    io_uring ring_{};
    bool opened_ = false;
    asio::posix::stream_descriptor bell_;
    bool listening_ = false;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Request> under_way_;
};

class FileDisk final : public Disk {
public:
    FileDisk(std::shared_ptr<Queue> queue, std::uint64_t pages)
        : queue_(std::move(queue)), pages_(pages) {}
    ~FileDisk() override { queue_->leave(); }
    FileDisk(const FileDisk&) = delete;
    FileDisk& operator=(const FileDisk&) = delete;

    void read(std::uint32_t first, std::uint32_t count, ReadDone done) override {
        queue_->read(first, count, std::move(done));
    }
    void write(std::uint32_t first, std::string bytes, WriteDone done) override {
        queue_->write(first, bytes, std::move(done));
    }
    std::uint64_t pages() const override { return pages_; }

private:
    std::shared_ptr<Queue> queue_;  // the other owner is what is under way
    std::uint64_t pages_;
};

Result<std::uint64_t> size_of(int file, const std::string& path) {
    struct stat info {};
    if (::fstat(file, &info) != 0) {
        return fail_errno(errno, path);
    }
    if (!S_ISBLK(info.st_mode)) {
        return static_cast<std::uint64_t>(info.st_size);
    }
    std::uint64_t bytes = 0;
    int sector = 0;
    if (::ioctl(file, BLKGETSIZE64, &bytes) != 0 || ::ioctl(file, BLKSSZGET, &sector) != 0) {
        return fail_errno(errno, path);
    }
    if (static_cast<std::size_t>(sector) > kPageBytes) {
        return fail(errc::unfit, fmt::format("{} has sectors of {} octets, a page has {}", path,
                                             sector, kPageBytes));
    }
    return bytes;
}

}  // namespace

Result<std::unique_ptr<Disk>> open_file_disk(asio::io_context& io, const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC);
    if (file < 0) {
        const int error = errno;
        return fail_errno(error,
                          error == EINVAL ? path + ": this file system has no O_DIRECT" : path);
    }
    const auto queue = std::make_shared<Queue>(io, file, path);
    QUORATE_CHECK(check_fitness(file, path));
    QUORATE_TRY(const auto bytes, size_of(file, path));
    QUORATE_CHECK(queue->open());
    return std::make_unique<FileDisk>(queue, bytes / kPageBytes);
}

}  // namespace quorate::quorum
