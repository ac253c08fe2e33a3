#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "shadowing/io/mounted_set.hpp"

// How another process of this machine reads and writes a virtual unit:
// docs/protocols/shadow-data.md.
namespace quorate::shadowing {

inline constexpr std::uint32_t kDataMagic = 0x44485351;  // "QSHD"
inline constexpr std::uint32_t kDataVersion = 1;
inline constexpr std::size_t kDataHeader = 32;

// Serves one set on a Unix socket. Limits: 64 connections, 256 requests at a time on each; a client
// that oversteps the protocol is dropped. Thread rule: io thread.
class DataServer {
public:
    // `set` outlives it.
    DataServer(boost::asio::io_context& io, MountedSet& set, std::string socket_path);
    ~DataServer();

    Status start();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with its connections
};

}  // namespace quorate::shadowing
