#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "shadowing/io/disk_server.hpp"
#include "shadowing/io/local_disk.hpp"

namespace quorate::shadowing {

// What this node serves: etc/quorate/served.d/NAME.toml, relative to the root.
struct ServedFile {
    std::string name;     // is_disk_name()
    std::string path;     // of the disk, absolute
    std::string address;  // "192.0.2.1:10809"
};
// Errors: what is wrong with which file and line.
Result<std::vector<ServedFile>> read_served_files();

// The disks of this node that others use, each behind an nbdkit of its own. Thread rule: io thread.
class ServedDisks {
public:
    ServedDisks(boost::asio::io_context& io, LocalDisks& local) : io_(io), local_(local) {}

    // From now on: openers of that epoch or a later one are let in.
    void start(const std::string& psk_file, std::uint64_t floor);
    // It is served at once if others are. Remembered. Errors: errc::refused; those of
    // LocalDisks::open() and DiskServer::start().
    Status serve(ServedFile file);
    Status unserve(const std::string& name);
    // Tries again what could not be begun.
    void look();
    // Null: nobody serves that path.
    const ServedFile* find(const std::string& path) const;
    struct Served {
        ServedFile file;
        std::unique_ptr<DiskServer> server;  // null: not yet
        std::string problem;
    };
    const std::map<std::string, Served>& all() const { return served_; }
    // Reads the files. Errors: the operator's.
    Status load();

    // Nothing of that opener, or of all of that life, may take effect any more; `done` when nothing
    // of it is under way. `floor`: the epoch that is without it; 0: none is.
    void drop(ServedOpener lost, std::uint64_t floor, std::function<void()> done);
    // Nobody is served any more; `done` when nothing is under way.
    void stop(std::function<void()> done);

private:
    Status begin(Served& served);
    Status try_to_begin(Served& served);
    void end(Served& served, std::function<void()> done);

    boost::asio::io_context& io_;
    LocalDisks& local_;
    std::map<std::string, Served> served_;  // by name
    // Not served any more; by path. What they carried out may be under way yet.
    std::multimap<std::string, std::unique_ptr<DiskServer>> ending_;
    std::optional<std::string> psk_file_;  // nothing: not started
    std::uint64_t floor_ = 0;
};

}  // namespace quorate::shadowing
