#include "peer_wire.hpp"

#include <fmt/core.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/bytes.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;

constexpr std::string_view kMagic = "QRTP";
constexpr std::uint8_t kVersion = 1;
// Whoever holds the cluster key speaks for its machine.
constexpr std::uint32_t kPeerUid = 0;

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(std::make_error_code(std::errc::bad_message), std::string(what));
}

std::string text_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

Result<json::object> parse_object(std::string_view text) {
    boost::system::error_code error;
    auto value = json::parse(text, error);
    if (error || !value.is_object()) {
        return malformed("peer message is not a JSON object");
    }
    return std::move(value.as_object());
}

}  // namespace

std::string encode_preface(PeerPurpose purpose) {
    std::string out;
    ByteWriter writer(out);
    writer.raw(kMagic);
    writer.u8(kVersion);
    writer.u8(static_cast<std::uint8_t>(purpose));
    writer.u16(0);
    return out;
}

Result<PeerPurpose> decode_preface(std::string_view bytes) {
    ByteReader reader(bytes);
    if (reader.raw(kMagic.size()) != kMagic) {
        return malformed("not a connection of clusterd");
    }
    if (const auto version = reader.u8(); version != kVersion) {
        return malformed(fmt::format("peer protocol version {}, known is {}", version, kVersion));
    }
    const auto purpose = reader.u8();
    const auto reserved = reader.u16();
    if (!reader.complete() || reserved != 0 || purpose < 1 || purpose > 2) {
        return malformed("peer connection of unknown purpose");
    }
    return static_cast<PeerPurpose>(purpose);
}

std::string encode_peer_message(const json::value& message) {
    const auto text = json::serialize(message);
    std::string out;
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(text.size()));
    writer.raw(text);
    return out;
}

Result<std::size_t> decode_peer_length(std::string_view bytes) {
    ByteReader reader(bytes);
    const std::size_t size = reader.u32();
    if (!reader.complete() || size > kPeerMessageMax) {
        return malformed(fmt::format("peer message of {} octets", size));
    }
    return size;
}

Result<io::RawRequest> decode_peer_request(std::string_view text) {
    QUORATE_TRY(const auto object, parse_object(text));
    io::RawRequest request;
    request.method = text_of(object, "method");
    request.target = text_of(object, "target");
    request.uid = kPeerUid;
    if (const auto* body = object.if_contains("body"); body != nullptr && !body->is_null()) {
        request.body = json::serialize(*body);
    }
    return request;
}

Result<io::ControlResponse> decode_peer_response(std::string_view text) {
    QUORATE_TRY(auto object, parse_object(text));
    const auto* status = object.if_contains("status");
    if (status == nullptr || !status->is_int64()) {
        return malformed("peer response without a status");
    }
    io::ControlResponse response;
    response.status = static_cast<unsigned>(status->get_int64());
    response.body = std::move(object["body"]);
    return response;
}

}  // namespace quorate::cluster
