#include "mail/session/proxy.hpp"

// Of these only inet_pton and inet_ntop are used, which turn text into octets and back.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/crc32c.hpp"
#include "base/text.hpp"

namespace quorate::mail {
namespace {

constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::size_t kLineMax = 107;

constexpr std::string_view kSignatureV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedV2 = 16;
constexpr std::size_t kBlockMax = 4096;
constexpr std::uint8_t kVersion2 = 2;
constexpr std::uint8_t kLocal = 0;
constexpr std::uint8_t kProxy = 1;
constexpr std::uint8_t kFamilyMax = 3;     // AF_UNIX
constexpr std::uint8_t kTransportMax = 2;  // DGRAM
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kTypeCrc32c = 0x03;
constexpr std::size_t kTlvHead = 3;

ProxyDecoded incomplete() { return {}; }

ProxyDecoded invalid(std::string reason) {
    ProxyDecoded decoded;
    decoded.state = ProxyDecoded::State::kInvalid;
    decoded.reason = std::move(reason);
    return decoded;
}

ProxyDecoded done(ProxyHeader header, std::size_t consumed) {
    ProxyDecoded decoded;
    decoded.state = ProxyDecoded::State::kDone;
    decoded.header = std::move(header);
    decoded.consumed = consumed;
    return decoded;
}

ProxyHeader local_header() {
    ProxyHeader header;
    header.local = true;
    return header;
}

std::uint8_t octet_at(std::string_view bytes, std::size_t i) {
    return static_cast<std::uint8_t>(bytes[i]);
}

// Network byte order, as everything in this protocol.
std::uint32_t number_at(std::string_view bytes, std::size_t offset, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value = value << 8 | octet_at(bytes, offset + i);
    }
    return value;
}

// ---- addresses

// As text, in the form that sockets have; an IPv4 address that a dual-stack proxy passes on as IPv6
// is one again, because limits and rules are by address.
std::string address_text(std::string_view octets) {
    constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
    if (octets.starts_with(kMapped)) {
        octets.remove_prefix(kMapped.size());
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(octets.size() == 4 ? AF_INET : AF_INET6, octets.data(), text.data(),
              static_cast<socklen_t>(text.size()));
    return text.data();
}

// The octets of an address of the family, or nothing.
std::optional<std::string> parse_address(int family, std::string_view text) {
    std::array<char, sizeof(in6_addr)> octets{};
    if (text.find('\0') != text.npos ||
        inet_pton(family, std::string(text).c_str(), octets.data()) != 1) {
        return std::nullopt;
    }
    return std::string(octets.data(), family == AF_INET ? 4U : 16U);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = parse_u64(text);
    if (!port || *port > 65535 || (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(*port);
}

// ---- version 1, section 2.1

// The line without signature and CRLF: "TCP4 source destination port port".
ProxyDecoded decode_line(std::string_view line, std::size_t consumed) {
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
        return done(local_header(), consumed);
    }
    const auto words = split(line, ' ');
    if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) {
        return invalid("v1: not a line of five words: " + printable(line));
    }
    const int family = words[0] == "TCP4" ? AF_INET : AF_INET6;
    const auto source = parse_address(family, words[1]);
    const auto destination = parse_address(family, words[2]);
    const auto source_port = parse_port(words[3]);
    const auto destination_port = parse_port(words[4]);
    if (!source || !destination || !source_port || !destination_port) {
        return invalid("v1: bad address or port: " + printable(line));
    }
    ProxyHeader header;
    header.source_address = address_text(*source);
    header.source_port = *source_port;
    header.destination_address = address_text(*destination);
    header.destination_port = *destination_port;
    return done(std::move(header), consumed);
}

ProxyDecoded decode_v1(std::string_view bytes) {
    const auto end = bytes.substr(0, kLineMax).find("\r\n");
    if (end == bytes.npos) {
        return bytes.size() < kLineMax ? incomplete() : invalid("v1: no line end in 107 octets");
    }
    return decode_line(bytes.substr(kSignatureV1.size(), end - kSignatureV1.size()), end + 2);
}

// ---- version 2, section 2.2

std::size_t address_block_size(std::uint8_t family) {
    constexpr std::array<std::size_t, 4> kSizes{0, 12, 36, 216};
    return kSizes[family >> 4];
}

// Whether the checksum at `offset` is right: of the whole header, with zeros in its own place.
bool crc_matches(std::string_view header, std::size_t offset) {
    constexpr std::string_view kZeros("\0\0\0\0", 4);
    auto sum = crc32c(header.substr(0, offset));
    sum = crc32c(kZeros, sum);
    sum = crc32c(header.substr(offset + kZeros.size()), sum);
    return sum == number_at(header, offset, kZeros.size());
}

// Walks the extensions (2.2, pp2_tlv) from `offset` to the end. What is wrong with them; empty if
// nothing is.
std::string check_extensions(std::string_view header, std::size_t offset) {
    bool summed = false;
    while (offset < header.size()) {
        if (header.size() - offset < kTlvHead) {
            return "v2: an extension is cut off";
        }
        const auto size = number_at(header, offset + 1, 2);
        const auto value = offset + kTlvHead;
        if (size > header.size() - value) {
            return "v2: an extension is longer than the header";
        }
        if (octet_at(header, offset) == kTypeCrc32c) {
            if (size != 4 || summed || !crc_matches(header, value)) {
                return "v2: wrong checksum";
            }
            summed = true;
        }
        offset = value + size;
    }
    return {};
}

// A whole header with the command PROXY.
ProxyDecoded decode_proxied(std::string_view bytes) {
    const auto family = octet_at(bytes, 13);
    if ((family >> 4) == 0 || (family & 15) == 0) {
        return done(local_header(), bytes.size());  // UNSPEC: what follows has no known shape
    }
    const auto addresses = bytes.substr(kFixedV2);
    const auto size = address_block_size(family);
    if (addresses.size() < size) {
        return invalid("v2: the address block is too short");
    }
    if (auto wrong = check_extensions(bytes, kFixedV2 + size); !wrong.empty()) {
        return invalid(std::move(wrong));
    }
    if (family != kTcp4 && family != kTcp6) {
        return done(local_header(), bytes.size());
    }
    const std::size_t octets = family == kTcp4 ? 4 : 16;
    ProxyHeader header;
    header.source_address = address_text(addresses.substr(0, octets));
    header.destination_address = address_text(addresses.substr(octets, octets));
    header.source_port = static_cast<std::uint16_t>(number_at(addresses, 2 * octets, 2));
    header.destination_port = static_cast<std::uint16_t>(number_at(addresses, 2 * octets + 2, 2));
    return done(std::move(header), bytes.size());
}

// Judges each octet as soon as it is there: the sooner the connection is dropped, the better.
ProxyDecoded decode_v2(std::string_view bytes) {
    if (bytes.size() < 13) {
        return incomplete();
    }
    const auto version = octet_at(bytes, 12) >> 4;
    const auto command = octet_at(bytes, 12) & 15;
    if (version != kVersion2 || command > kProxy) {
        return invalid("v2: unknown version or command");
    }
    if (bytes.size() < 14) {
        return incomplete();
    }
    const auto family = octet_at(bytes, 13);
    if (command == kProxy && ((family >> 4) > kFamilyMax || (family & 15) > kTransportMax)) {
        return invalid("v2: unknown family or transport");
    }
    if (bytes.size() < kFixedV2) {
        return incomplete();
    }
    const auto size = number_at(bytes, 14, 2);
    if (size > kBlockMax) {
        return invalid("v2: the header is longer than 4112 octets");
    }
    if (bytes.size() - kFixedV2 < size) {
        return incomplete();
    }
    bytes = bytes.substr(0, kFixedV2 + size);
    return command == kLocal ? done(local_header(), bytes.size()) : decode_proxied(bytes);
}

bool begins_like(std::string_view bytes, std::string_view signature) {
    const auto common = std::min(bytes.size(), signature.size());
    return bytes.substr(0, common) == signature.substr(0, common);
}

}  // namespace

ProxyDecoded decode_proxy_header(std::string_view bytes) {
    if (begins_like(bytes, kSignatureV1)) {
        return bytes.size() < kSignatureV1.size() ? incomplete() : decode_v1(bytes);
    }
    if (begins_like(bytes, kSignatureV2)) {
        return decode_v2(bytes);
    }
    return invalid("no PROXY header: " + printable(bytes.substr(0, kFixedV2)));
}

}  // namespace quorate::mail
