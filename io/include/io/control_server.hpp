#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace quorate::io {

struct ControlRequest {
    std::string method;  // "GET"
    std::string path;    // decoded, without the query
    std::unordered_map<std::string, std::string>
        parameters;            // {name} of the route, then the query's
    boost::json::object body;  // empty when none was sent
    std::uint32_t uid = 0;     // of the caller

    // Empty when absent.
    std::string_view parameter(const std::string& name) const;
};

struct ControlResponse {
    unsigned status = 200;
    boost::json::value body = boost::json::object();
    std::string text;  // sent instead of `body` when not empty, as `content_type`
    std::string content_type = "application/json";

    // {"error": {"code": ..., "message": ...}}; the message says what to do.
    static ControlResponse error(unsigned status, std::string_view code, std::string_view message);
};

using ControlHandler = std::function<boost::asio::awaitable<ControlResponse>(ControlRequest)>;

// A daemon's part of the control API: HTTP/1.1 with JSON on a Unix socket. Callers are root, the
// daemon's own user, and members of the socket file's group (peer credentials); others get 403.
// docs/protocols/control.md.
//
// Limits: body 4 MiB, header 16 KiB, 64 connections, a request within 30 s. Thread rule: io thread.
class ControlServer {
public:
    ControlServer(boost::asio::io_context& io, std::string socket_path);
    ~ControlServer();

    // `pattern` is a path whose elements may be {name}: "/v1/accounts/{address}".
    void route(std::string method, std::string pattern, ControlHandler handler);
    Status start();
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the connections' coroutines
};

}  // namespace quorate::io
