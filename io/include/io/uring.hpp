#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"

namespace quorate::io {

// Memory for O_DIRECT: begins at a page. What is given back is kept for the next of its size, so
// that no page has to be had from the kernel, and cleared, for each I/O; at most kKept octets a
// thread.
class AlignedBuffer {
public:
    static constexpr std::size_t kAlignment = 4096;
    static constexpr std::size_t kKept = 32u << 20;

    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t size);
    explicit AlignedBuffer(std::string_view bytes);

    char* data() { return memory_.get(); }
    const char* data() const { return memory_.get(); }
    std::size_t size() const { return size_; }
    std::span<char> span() { return {data(), size_}; }
    std::span<const char> span() const { return {data(), size_}; }
    std::string_view text() const { return {data(), size_}; }

private:
    struct Free {
        Free() : octets(0) {}
        explicit Free(std::size_t there) : octets(there) {}
        std::size_t octets;
        void operator()(char* memory) const;
    };
    std::unique_ptr<char, Free> memory_;
    std::size_t size_ = 0;
};

// Asynchronous file I/O of one thread (io_uring). What is asked for during one turn of the
// io_context is handed to the kernel together at its end.
//
// `done` gets what the system call would return: octets, or -errno. It runs on the io thread, never
// before the call returned. Memory stays the caller's and must live until then. A file descriptor
// may be closed as soon as it was handed over: the kernel keeps the file until the I/O has ended,
// after the process too.
//
// Limit: `entries` at a time go to the kernel; what is more waits here, in order.
class Uring {
public:
    using Done = std::function<void(int result)>;

    // Errors: errno's values; `detail` says what may forbid it.
    static Result<Uring> open(boost::asio::io_context& io, unsigned entries = 256);
    Uring(Uring&&) noexcept;
    Uring& operator=(Uring&&) noexcept;
    // What is under way ends unheard; its memory must outlive it (see under_way()).
    ~Uring();

    void read(int file, std::span<char> into, std::uint64_t offset, Done done);
    // `durable`: with its data on stable storage (RWF_DSYNC).
    void write(int file, std::span<const char> from, std::uint64_t offset, bool durable, Done done);
    void sync_data(int file, Done done);
    void allocate(int file, int mode, std::uint64_t offset, std::uint64_t octets, Done done);

    std::size_t under_way() const;

private:
    struct Impl;
    explicit Uring(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;  // shared with the wait for the kernel
};

}  // namespace quorate::io
