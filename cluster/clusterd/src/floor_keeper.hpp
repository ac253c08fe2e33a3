#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/log.hpp"
#include "cluster/floor.hpp"
#include "cluster/membership.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"

namespace quorate::cluster {

// The state directory, var/lib/quorate/cluster: epoch floor and draining flag. Written on a worker,
// durable when it says so. Thread rule: io thread.
class FloorKeeper {
public:
    FloorKeeper(io::Scope& scope, io::ThreadPool& disk, std::string directory)
        : scope_(scope), disk_(disk), directory_(std::move(directory)) {}

    // At the start, blocking. Errors: the file is damaged or of a newer version; the operator's.
    Result<std::optional<Floor>> load_floor() const;
    Result<bool> load_draining() const;

    // Writes, again and again until it succeeds, then tells.
    void write(WriteFloor write, std::function<void(FloorWritten)> done);
    boost::asio::awaitable<Status> write_draining(bool draining);

private:
    boost::asio::awaitable<void> write_until_done(WriteFloor write,
                                                  std::function<void(FloorWritten)> done);
    std::string floor_path() const { return directory_ + "/floor"; }
    std::string draining_path() const { return directory_ + "/draining"; }

    io::Scope& scope_;
    io::ThreadPool& disk_;
    std::string directory_;
    Logger log_;
};

}  // namespace quorate::cluster
