#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace quorate::io {

// One blocking request to a daemon's control socket; what clusterctl is made of.
//
// Errors: kClosed (nobody listens; `detail` names the socket), EACCES, kHttp.
class ControlClient {
public:
    explicit ControlClient(std::string socket_path) : path_(std::move(socket_path)) {}

    struct Answer {
        unsigned status = 0;
        boost::json::value body;  // null when the answer is no JSON
        std::string text;         // as received
    };
    Result<Answer> request(std::string_view method, std::string_view target,
                           const boost::json::value& body = nullptr) const;

    // An element of a path or query, percent-encoded.
    static std::string encode(std::string_view text);

private:
    std::string path_;
};

}  // namespace quorate::io
