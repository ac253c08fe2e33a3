#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace quorate::io {

struct ControlRequest {
    std::string method;  // "GET"
    std::string target;  // path and query as they came, percent-encoded
    std::string path;    // decoded, without the query
    std::unordered_map<std::string, std::string>
        parameters;             // {name} of the route, then the query's
    boost::json::object body;   // empty when none was sent
    std::uint32_t uid = 0;      // of the caller
    std::uint32_t process = 0;  // of the caller; 0: on another machine

    // Empty when absent.
    std::string_view parameter(const std::string& name) const;
};

struct ControlResponse {
    unsigned status = 200;
    boost::json::value body = boost::json::object();
    std::string text;  // sent instead of `body` when not empty, as `content_type`
    std::string content_type = "application/json";
    // When set, in place of both: asked again and again for the next piece; an empty one ends.
    std::function<boost::asio::awaitable<std::string>()> stream;

    // {"error": {"code": ..., "message": ...}}; the message says what to do.
    static ControlResponse error(unsigned status, std::string_view code, std::string_view message);
};

using ControlHandler = std::function<boost::asio::awaitable<ControlResponse>(ControlRequest)>;

// A request as it came over the wire.
struct RawRequest {
    std::string method;
    std::string target;  // path and query, percent-encoded
    std::string body;    // JSON object, or empty
    std::uint32_t uid = 0;
    std::uint32_t process = 0;
};

// Which handler answers which request. Whatever the request is, there is an answer: 400, 404 or 405
// for what is wrong.
//
// Thread rule: io thread. Limit: the body's, checked by who read it; JSON 32 levels deep.
class ControlRouter {
public:
    // `pattern` is a path whose elements may be {name}: "/v1/accounts/{address}". A last element
    // {...} stands for one or more. The method "*" is any. The first route that fits answers.
    void route(std::string method, std::string pattern, ControlHandler handler);
    // The router outlives the call.
    boost::asio::awaitable<ControlResponse> dispatch(RawRequest raw) const;
    // The pure part: finds the handler and reads the request, or says what is wrong with it.
    std::optional<ControlResponse> read(const RawRequest& raw, ControlRequest& asked,
                                        const ControlHandler*& handler) const;

private:
    struct Route {
        std::string method;
        std::string pattern;
        ControlHandler handler;
    };
    const Route* find(std::string_view method, std::string_view raw_path, ControlRequest& asked,
                      bool& other_method) const;

    std::vector<Route> routes_;
};

}  // namespace quorate::io
