#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "io/event.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"
#include "quorum/io/device_settings.hpp"
#include "quorum/io/disk.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {

// The disks that the voter uses, by its numbers: opened when they can be, tried again while they
// cannot, compared with what they should be before a page is written. Thread rule: io thread.
class DiskBench {
public:
    using Feed = std::function<void(const VoterInput&)>;
    // `settings`: what they should be. `feed`: hears how I/Os ended, never from within a call.
    DiskBench(boost::asio::io_context& io, io::Scope& scope, Feed feed);
    ~DiskBench();

    // These from now on, by their paths on this node. What is known keeps its number.
    UseDisks use(const DeviceSettings& settings, const std::vector<std::string>& own_paths);
    // Until each was tried once, or `deadline`.
    boost::asio::awaitable<void> first_look(io::Deadline deadline);

    void read(const ReadPages& request);
    void write(const WritePage& request);
    void stop();

    struct Place {
        DiskNumber number;
        DeviceDisk disk;
        std::unique_ptr<Disk> opened;
        std::unique_ptr<Disk> broken;  // the last one, which still answers what it was asked
        std::string problem;           // why it is not used; empty: it is, or was not tried yet
        std::string read_problem;      // of the last reading, and
        std::string write_problem;     // writing
        bool foreign = false;          // it is another disk than it should be
        bool tried = false;
        std::uint64_t reads = 0;
        std::uint64_t writes = 0;
        std::uint64_t errors = 0;
        std::uint64_t late = 0;  // took longer than late_io
        std::chrono::microseconds last{0};
    };
    // In use, by number.
    std::vector<const Place*> places() const;

private:
    struct Started {
        DiskNumber disk;
        BootTime at;
        bool writes = false;
    };
    // Shared by the bench and the coroutine that opens the disk.
    using PlacePtr = std::shared_ptr<Place>;

    PlacePtr place_for(const DeviceDisk& disk);
    boost::asio::awaitable<void> open(PlacePtr place);
    boost::asio::awaitable<Status> try_open(PlacePtr place);
    bool used(const PlacePtr& place) const;
    void ended(const Started& started, const Error* error);

    boost::asio::io_context& io_;
    io::Scope& scope_;
    Feed feed_;
    io::ThreadPool openers_;
    io::Event wake_;
    DeviceSettings settings_;
    std::array<PlacePtr, kMaxDisks> places_;
    std::uint8_t next_ = 0;
    bool stopping_ = false;
    io::Deadline release_at_;  // of memory that only the opening of a disk needed; none: never
    Logger log_;
};

}  // namespace quorate::quorum
