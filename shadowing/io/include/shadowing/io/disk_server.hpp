#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "shadowing/io/local_disk.hpp"
#include "shadowing/served/export_name.hpp"

namespace quorate::shadowing {

struct ServeOptions {
    std::string name;         // of the disk, is_disk_name()
    std::string address;      // where it is served, io::Address: "192.0.2.1:10809", "unix:PATH"
    std::string psk_file;     // psk_file.hpp; empty: no TLS, a Unix socket only
    std::uint64_t floor = 0;  // the oldest epoch that is served
};

// Who uses it.
struct ServedConnection {
    ExportName name;
    bool refused = false;
    std::uint64_t under_way = 0;
    std::uint64_t requests = 0;
};

// Serves a disk of this machine to openers of other nodes, through an nbdkit of its own
// (docs/protocols/shadow-disk.md), which is started again when it ends, and is told to end with
// this. Thread rule: io thread.
class DiskServer {
public:
    // Errors: errno's values (nbdkit or its plugin is not installed); errc::refused, the options
    // say nothing that can be served. Whether it listens is told by is_ready().
    static Result<std::unique_ptr<DiskServer>> start(boost::asio::io_context& io,
                                                     std::shared_ptr<LocalDisk> disk,
                                                     ServeOptions options);
    // stop(), and nobody waits for it.
    ~DiskServer();

    // Serves nobody any more. `done` runs on the io thread when nothing of what it carried out is
    // under way, which a disk that does not answer puts off; it is locked until then. What may
    // follow is drop().
    void stop(std::function<void()> done);
    // None of the opener's requests is carried out from now on; `process` 0 means every opener of
    // that life of the node. `done` runs on the io thread when none is under way any more. While
    // the disk does not answer it waits. `floor`: the epoch that is without it; older ones are
    // refused from now on.
    void drop(const ServedOpener& opener, std::uint64_t floor, std::function<void()> done);
    // Connections of an older epoch are refused from now on.
    void raise_floor(std::uint64_t floor);
    using Listed = std::function<void(std::vector<ServedConnection>)>;
    void list(Listed done);
    // Whether nbdkit has answered, and so listens.
    bool is_ready() const;
    pid_t process() const;  // of nbdkit; 0: it is started again soon
    const ServeOptions& options() const;

private:
    struct Impl;
    explicit DiskServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;  // shared with its waits
};

}  // namespace quorate::shadowing
