#include "network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace quorate::mail {
namespace {

constexpr unsigned kMappedBits = 96;

struct Parsed {
    std::array<std::uint8_t, 16> octets{};
    bool v4 = false;
};

std::optional<Parsed> parse_ip(std::string_view text) {
    Parsed parsed;
    const std::string copy(text);
    if (::inet_pton(AF_INET6, copy.c_str(), parsed.octets.data()) == 1) {
        return parsed;
    }
    parsed.octets = {};
    parsed.octets[10] = parsed.octets[11] = 0xff;
    parsed.v4 = true;
    if (::inet_pton(AF_INET, copy.c_str(), parsed.octets.data() + 12) == 1) {
        return parsed;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) {
    Network network;
    if (text == "unix") {
        network.unix_ = true;
        return network;
    }
    const auto slash = text.find('/');
    const auto ip = parse_ip(text.substr(0, slash));
    if (!ip) {
        return std::nullopt;
    }
    const unsigned most = ip->v4 ? 32 : 128;
    const auto bits =
        slash == std::string_view::npos ? most : parse_u64(text.substr(slash + 1)).value_or(999);
    if (bits > most) {
        return std::nullopt;
    }
    network.prefix_ = ip->octets;
    network.bits_ = static_cast<unsigned>(bits) + (ip->v4 ? kMappedBits : 0);
    return network;
}

bool Network::contains(std::string_view address) const {
    if (unix_ || address == "unix") {
        return unix_ && address == "unix";
    }
    const auto ip = parse_ip(address);
    if (!ip) {
        return false;
    }
    const unsigned whole = bits_ / 8;
    if (!std::equal(prefix_.begin(), prefix_.begin() + whole, ip->octets.begin())) {
        return false;
    }
    const unsigned rest = bits_ % 8;
    return rest == 0 || ((prefix_[whole] ^ ip->octets[whole]) >> (8 - rest)) == 0;
}

}  // namespace quorate::mail
