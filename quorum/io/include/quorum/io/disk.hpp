#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"

// What a quorum disk can be, behind one interface: an array of pages (quorum/page.hpp) that all
// nodes read and write, without a cache in between that is not theirs together.
namespace quorate::quorum {

// Thread rule: io thread; answers come from it, never from within a call. An I/O is never
// cancelled: its answer comes however late, and says nothing when the disk is gone by then. A
// write is on stable storage when it is answered.
class Disk {
public:
    using ReadDone = std::function<void(Result<std::string>)>;
    using WriteDone = std::function<void(Status)>;

    virtual ~Disk() = default;
    virtual void read(std::uint32_t first, std::uint32_t count, ReadDone done) = 0;
    // `bytes`: one or more whole pages.
    virtual void write(std::uint32_t first, std::string bytes, WriteDone done) = 0;
    virtual std::uint64_t pages() const = 0;
    // Nothing will work any more: open another.
    virtual bool broken() const { return false; }
};

// A block device or a file, by its path; an NBD export, by its URI; an object in RADOS, as
// rados:POOL/OBJECT. Errors: errc::unfit with the reason, for what would let two partitions see
// different pages; errno's values. May block as open(2) does: not while votes are held.
Result<std::unique_ptr<Disk>> open_disk(boost::asio::io_context& io, const std::string& path);
// Makes a file or an object of so many pages, all zeros, if there is none; a block device must have
// them.
Status make_disk(const std::string& path, std::uint32_t pages);

// One I/O and its end, for who has nothing else to do: runs `io` meanwhile.
Result<std::string> read_now(boost::asio::io_context& io, Disk& disk, std::uint32_t first,
                             std::uint32_t count);
Status write_now(boost::asio::io_context& io, Disk& disk, std::uint32_t first, std::string bytes);

}  // namespace quorate::quorum
