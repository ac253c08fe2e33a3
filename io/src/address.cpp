#include "io/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include <fmt/core.h>

#include "base/text.hpp"
#include "io/errc.hpp"
#include "sockaddr.hpp"

namespace quorate::io {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

bool is_numeric(int family, const std::string& host) {
    in6_addr parsed;
    return inet_pton(family, host.c_str(), &parsed) == 1;
}

Address from_ipv6(const sockaddr_in6& in) {
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
    return {Address::Kind::kIpv6, text, ntohs(in.sin6_port)};
}

Address from_ipv4(const sockaddr_in& in) {
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    return {Address::Kind::kIpv4, text, ntohs(in.sin_port)};
}

Address from_unix(const sockaddr_un& in, socklen_t size) {
    const auto room = size > offsetof(sockaddr_un, sun_path)
                          ? size - offsetof(sockaddr_un, sun_path)
                          : std::size_t{0};
    return {Address::Kind::kUnix, std::string(in.sun_path, strnlen(in.sun_path, room)), 0};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(Errc::kAddress, fmt::format("\"{}\" {}; allowed: 192.0.2.1:25, "
                                                "[2001:db8::1]:25, unix:path",
                                                printable(text), why));
    };
    if (text.starts_with(kUnixPrefix)) {
        const auto path = text.substr(kUnixPrefix.size());
        if (path.empty() || path.find('\0') != std::string_view::npos) {
            return wrong("has no path");
        }
        return Address{Kind::kUnix, std::string(path), 0};
    }
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return wrong("has no port");
    }
    const auto port = parse_u64(text.substr(colon + 1));
    if (!port || *port > 65535) {
        return wrong("has no port between 0 and 65535");
    }
    auto host = text.substr(0, colon);
    auto kind = Kind::kIpv4;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        kind = Kind::kIpv6;
    }
    Address address{kind, std::string(host), static_cast<std::uint16_t>(*port)};
    if (!is_numeric(kind == Kind::kIpv6 ? AF_INET6 : AF_INET, address.host)) {
        return wrong("has no numeric address");
    }
    return address;
}

std::string Address::to_string() const {
    switch (kind) {
        case Kind::kIpv4:
            return fmt::format("{}:{}", host, port);
        case Kind::kIpv6:
            return fmt::format("[{}]:{}", host, port);
        case Kind::kUnix:
            break;
    }
    return std::string(kUnixPrefix) + host;
}

bool Address::loopback() const {
    switch (kind) {
        case Kind::kIpv4:
            return host.starts_with("127.");
        case Kind::kIpv6:
            return host == "::1" || host.starts_with("::ffff:127.");
        case Kind::kUnix:
            break;
    }
    return true;
}

Result<SocketAddress> to_socket_address(const Address& address) {
    SocketAddress out;
    switch (address.kind) {
        case Address::Kind::kIpv4: {
            auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
            in->sin_family = AF_INET;
            in->sin_port = htons(address.port);
            inet_pton(AF_INET, address.host.c_str(), &in->sin_addr);
            out.size = sizeof(*in);
            break;
        }
        case Address::Kind::kIpv6: {
            auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
            in->sin6_family = AF_INET6;
            in->sin6_port = htons(address.port);
            inet_pton(AF_INET6, address.host.c_str(), &in->sin6_addr);
            out.size = sizeof(*in);
            break;
        }
        case Address::Kind::kUnix: {
            auto* in = reinterpret_cast<sockaddr_un*>(&out.storage);
            if (address.host.size() >= sizeof(in->sun_path)) {
                return fail(Errc::kAddress,
                            fmt::format("{}: a Unix socket's path has at most {} bytes",
                                        address.host, sizeof(in->sun_path) - 1));
            }
            in->sun_family = AF_UNIX;
            std::memcpy(in->sun_path, address.host.data(), address.host.size());
            out.size =
                static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.host.size() + 1);
            break;
        }
    }
    return out;
}

Address from_socket_address(const SocketAddress& address) {
    switch (address.storage.ss_family) {
        case AF_INET:
            return from_ipv4(reinterpret_cast<const sockaddr_in&>(address.storage));
        case AF_INET6:
            return from_ipv6(reinterpret_cast<const sockaddr_in6&>(address.storage));
        case AF_UNIX:
            return from_unix(reinterpret_cast<const sockaddr_un&>(address.storage), address.size);
        default:
            return {Address::Kind::kUnix, {}, 0};
    }
}

Address local_address(int fd) {
    SocketAddress address;
    address.size = sizeof(address.storage);
    if (getsockname(fd, address.get(), &address.size) != 0) {
        return {Address::Kind::kUnix, {}, 0};
    }
    return from_socket_address(address);
}

Address peer_address(int fd) {
    SocketAddress address;
    address.size = sizeof(address.storage);
    if (getpeername(fd, address.get(), &address.size) != 0) {
        return {Address::Kind::kUnix, {}, 0};
    }
    return from_socket_address(address);
}

Result<int> new_socket(const Address& address) {
    int family = AF_UNIX;
    if (address.kind != Address::Kind::kUnix) {
        family = address.kind == Address::Kind::kIpv4 ? AF_INET : AF_INET6;
    }
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail_errno(errno, "socket for " + address.to_string());
    }
    return fd;
}

}  // namespace quorate::io
