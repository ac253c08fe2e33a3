#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::mail {

// What a proxy says of the connection it passes on. Source: "The PROXY protocol", versions 1 and 2
// (HAProxy, 2020-03-05).
struct ProxyHeader {
    // LOCAL (v2), UNKNOWN (v1), or a family that is not TCP over IPv4/IPv6: the connection's own
    // addresses count, the fields below are empty.
    bool local = false;
    // Numeric, as Peer::address; IPv4 inside IPv6 (::ffff:192.0.2.1) is IPv4.
    std::string source_address;
    std::uint16_t source_port = 0;
    std::string destination_address;
    std::uint16_t destination_port = 0;
};

// Decodes the header in front of a connection: pass everything received so far, from the first
// octet, until the state is not kIncomplete. A pure function of its argument. Limits: v1 107
// octets, v2 16 + 4,096 octets (of which extensions are skipped, a CRC32C extension is checked;
// with LOCAL or an unspecified family the whole block is skipped).
struct ProxyDecoded {
    enum class State { kIncomplete, kDone, kInvalid } state = State::kIncomplete;
    ProxyHeader header;        // kDone
    std::size_t consumed = 0;  // kDone: octets of the header
    std::string reason;        // kInvalid: for the log
};
ProxyDecoded decode_proxy_header(std::string_view bytes);

}  // namespace quorate::mail
