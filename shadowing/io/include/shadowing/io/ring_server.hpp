#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "shadowing/io/mounted_set.hpp"

// How the nbdkit plugin reads and writes a virtual unit: docs/protocols/shadow-ring.md.
namespace quorate::shadowing {

// Serves one set through memory that it shares with each client of a Unix socket (mode 0660; one
// that is there is replaced: who serves the unit holds its lock). Limits: 64 clients, 32 requests
// at a time of each; a client that oversteps the protocol is dropped. Thread rule: io thread.
class RingServer {
public:
    // `set` outlives it.
    RingServer(boost::asio::io_context& io, MountedSet& set, std::string socket_path);
    ~RingServer();

    // Errors: errno's values.
    Status start();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with its clients
};

}  // namespace quorate::shadowing
