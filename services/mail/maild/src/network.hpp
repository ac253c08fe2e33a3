#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quorate::mail {

// A range of addresses: "10.0.0.0/8", "192.0.2.1", "fd00::/8", or "unix" for every Unix socket.
class Network {
public:
    static std::optional<Network> parse(std::string_view text);
    // `address` as io::Stream names its peer.
    bool contains(std::string_view address) const;
    bool operator==(const Network&) const = default;

private:
    std::array<std::uint8_t, 16> prefix_{};  // IPv4 as IPv4-mapped IPv6
    unsigned bits_ = 0;
    bool unix_ = false;
};

}  // namespace quorate::mail
