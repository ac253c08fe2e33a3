#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::io {

// Where to listen or connect: an IP address with a port, or the path of a Unix socket. Numeric
// only; names are resolved elsewhere.
struct Address {
    enum class Kind { kIpv4, kIpv6, kUnix } kind = Kind::kIpv4;
    std::string host;  // numeric address without brackets, or the path; empty for an unnamed socket
    std::uint16_t port = 0;

    // "192.0.2.1:25", "[2001:db8::1]:25", "unix:PATH". kAddress with a text for the operator.
    static Result<Address> parse(std::string_view text);

    std::string to_string() const;
    // 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, or a Unix socket.
    bool loopback() const;
    bool operator==(const Address&) const = default;
};

}  // namespace quorate::io
