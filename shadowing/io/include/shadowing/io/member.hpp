#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/uring.hpp"
#include "shadowing/io/local_disk.hpp"
#include "shadowing/set.hpp"

// A member disk as the shell of a set sees it: octets, whatever they stand on.
namespace quorate::shadowing {

// Asynchronous; `done` runs on the io thread, never before the call returned, exactly once. Memory
// stays the caller's until then, and is as O_DIRECT wants it (io::AlignedBuffer). Offsets and sizes
// are multiples of the set's block. Thread rule: io thread.
class Member {
public:
    using Done = std::function<void(Outcome)>;

    virtual ~Member() = default;
    virtual std::uint64_t octets() const = 0;
    // Of its volatile cache (LabelMember::life): another one has lost what was not flushed.
    virtual std::uint64_t life() const = 0;

    virtual void read(std::uint64_t offset, std::span<char> into, Done done) = 0;
    // `fua`: on stable storage when it is done.
    virtual void write(std::uint64_t offset, std::span<const char> from, bool fua, Done done) = 0;
    virtual void zero(std::uint64_t offset, std::uint64_t octets, bool fua, Done done) = 0;
    // kOk or kDiffers.
    virtual void compare(std::uint64_t offset, std::span<const char> with, Done done) = 0;
    // Everything that was done before it was asked for is on stable storage.
    virtual void flush(Done done) = 0;
    // Nothing asked for before has an effect any more when it is done.
    virtual void fence(std::function<void()> done) = 0;

    // A stretch that follows the one before.
    struct Extent {
        std::uint64_t octets = 0;
        bool zeros = false;  // it reads as zeros; otherwise nothing is said
    };
    static constexpr std::size_t kMaxExtents = 256;
    // What is known without reading, at once: from `offset` on, 1 to kMaxExtents, of `octets` at
    // most.
    virtual std::vector<Extent> extents(std::uint64_t, std::uint64_t octets) const {
        return {{octets, false}};
    }
};

// How an opening that takes time ends.
using Opened = std::function<void(Result<std::unique_ptr<Member>>)>;

// A file or block device of this machine: io_uring, O_DIRECT. Errors: those of LocalDisk::open().
Result<std::unique_ptr<Member>> open_file_member(io::Uring& ring, boost::asio::io_context& io,
                                                 const std::string& path);
std::unique_ptr<Member> make_file_member(io::Uring& ring, boost::asio::io_context& io,
                                         std::shared_ptr<LocalDisk> disk);

// The same of a disk that several nodes see (LocalDisk::open_shared()). Its cache is its own, so it
// has one life.
Result<std::unique_ptr<Member>> open_shared_member(io::Uring& ring, boost::asio::io_context& io,
                                                   const std::string& path, OpenerSlot slot);

// Which life of its caches this machine has: since when it is up.
std::uint64_t machine_life();

}  // namespace quorate::shadowing
