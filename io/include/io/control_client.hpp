#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace quorate::io {

// One blocking request to a daemon's control socket; what clusterctl is made of.
//
// Errors: kClosed (nobody listens; `detail` names the socket), EACCES, kHttp, kTimedOut.
class ControlClient {
public:
    explicit ControlClient(std::string socket_path) : path_(std::move(socket_path)) {}

    struct Request {
        std::string_view method = "GET";
        std::string_view target;
        boost::json::value body = nullptr;   // null: none
        std::chrono::milliseconds limit{0};  // until the answer is complete; 0: none
    };
    struct Answer {
        unsigned status = 0;
        boost::json::value body;  // null when the answer is no JSON
        std::string text;         // as received
    };
    Result<Answer> request(const Request& request) const;

    // An answer that comes bit by bit: calls `line` for each line, empty ones too, until it returns
    // false or the daemon ends it. An answer with an error is returned whole, without a call.
    Result<Answer> lines(std::string_view target,
                         const std::function<bool(std::string_view)>& line) const;

    // An element of a path or query, percent-encoded.
    static std::string encode(std::string_view text);

private:
    std::string path_;
};

}  // namespace quorate::io
