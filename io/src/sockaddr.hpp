#pragma once

#include <sys/socket.h>

#include "io/address.hpp"

namespace quorate::io {

// Address as the kernel wants it.
struct SocketAddress {
    sockaddr_storage storage = {};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> to_socket_address(const Address& address);
Address from_socket_address(const SocketAddress& address);

// getsockname(2) and getpeername(2); an empty Unix address when the call fails.
Address local_address(int fd);
Address peer_address(int fd);

// A non-blocking, close-on-exec stream socket of the address's family.
Result<int> new_socket(const Address& address);

}  // namespace quorate::io
