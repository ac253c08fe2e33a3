#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cluster/io/peer.hpp"

// What goes over a peer connection in front of and between requests: docs/protocols/peer.md.
namespace quorate::cluster {

inline constexpr std::size_t kPrefaceBytes = 8;
inline constexpr std::size_t kPeerMessageMax = 4 << 20;

std::string encode_preface(PeerPurpose purpose);
Result<PeerPurpose> decode_preface(std::string_view bytes);

// 4 octets of length, then JSON.
std::string encode_peer_message(const boost::json::value& message);
// What the 4 octets say; errors: too large.
Result<std::size_t> decode_peer_length(std::string_view bytes);
Result<io::RawRequest> decode_peer_request(std::string_view json);
Result<io::ControlResponse> decode_peer_response(std::string_view json);

}  // namespace quorate::cluster
