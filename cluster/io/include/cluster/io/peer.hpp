#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "cluster/key.hpp"
#include "io/control_router.hpp"
#include "io/stream.hpp"
#include "io/time.hpp"
#include "io/tls.hpp"

// Connections between the clusterds of a cluster, before and outside of any membership: TLS 1.3
// under the cluster key, then eight octets that say what the connection is for
// (docs/protocols/peer.md). Circuits of the interconnect are one purpose; single requests of the
// control API are the other, so that an operator can ask a node that is no member.
namespace quorate::cluster {

enum class PeerPurpose : std::uint8_t { kCircuit = 1, kRequest = 2 };

// The two TLS sides that the cluster key makes. io thread.
class PeerKeys {
public:
    // `use`: connections of one use are refused by those of another.
    static Result<PeerKeys> make(const ClusterKey& key,
                                 std::string_view use = "quorate interconnect 1");

    io::TlsContext& server() { return server_; }
    io::TlsContext& client() { return client_; }

private:
    PeerKeys(io::TlsContext server, io::TlsContext client)
        : server_(std::move(server)), client_(std::move(client)) {}
    io::TlsContext server_;
    io::TlsContext client_;
};

// Errors name the address; a peer with another key is errc kTls.
boost::asio::awaitable<Result<io::Stream>> connect_peer(boost::asio::io_context& io, PeerKeys& keys,
                                                        std::string address, PeerPurpose purpose,
                                                        MonoTime deadline);
// Does the server's side and reads the purpose. Errors: another key, garbage, an unknown version.
boost::asio::awaitable<Result<PeerPurpose>> accept_peer(io::Stream& stream, PeerKeys& keys,
                                                        MonoTime deadline);

// One request to the first of `addresses` (a node's rings) that can be reached; a GET also to the
// next when no answer comes. Errors: no answer, and whether it may have been done nevertheless.
struct PeerRequest {
    std::string method;
    std::string target;
    boost::json::value body;  // null: none
};
boost::asio::awaitable<Result<io::ControlResponse>> ask_peer(boost::asio::io_context& io,
                                                             PeerKeys& keys,
                                                             std::vector<std::string> addresses,
                                                             PeerRequest request,
                                                             std::chrono::milliseconds limit);
// Answers the one request of a connection whose purpose is kRequest. Limits: 4 MiB and 10 s each
// way; the work between takes as long as it takes.
boost::asio::awaitable<void> answer_peer(io::Stream stream, const io::ControlRouter& router);

}  // namespace quorate::cluster
