#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/control_router.hpp"

namespace quorate::io {

// A daemon's part of the control API: HTTP/1.1 with JSON on a Unix socket. Callers are root, the
// daemon's own user, and members of the socket file's group (peer credentials); others get 403.
// docs/protocols/control.md.
//
// Limits: body 4 MiB, header 16 KiB, 64 connections, a request within 30 s; a client that does not
// read for 30 s is dropped. Thread rule: io thread.
class ControlServer {
public:
    ControlServer(boost::asio::io_context& io, std::string socket_path);
    ~ControlServer();

    // As of ControlRouter.
    void route(std::string method, std::string pattern, ControlHandler handler);
    // What answers, without a connection.
    const ControlRouter& router() const;
    Status start();
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the connections' coroutines
};

}  // namespace quorate::io
