// A request of another node, as it stands on the connection: four octets of length, then JSON.
// Every handler that peers reach runs, on a real cluster of one; the answer can be sent and read.

#include <boost/json/value.hpp>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "fuzz/input.hpp"
#include "peer_wire.hpp"
#include "solo_world.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

constexpr unsigned kFailed = 500;

void answer(io::RawRequest request) {
    SoloWorld world;
    const auto response = world.ask_as_peer(std::move(request));
    QUORATE_ASSERT(response.status >= 200 && response.status != kFailed);
    QUORATE_ASSERT(!response.stream && response.text.empty());
    const auto message =
        encode_peer_message({{"status", response.status}, {"body", response.body}});
    const auto length = decode_peer_length(std::string_view(message).substr(0, 4));
    QUORATE_ASSERT(length && *length == message.size() - 4);
    const auto read = decode_peer_response(std::string_view(message).substr(4));
    QUORATE_ASSERT(read && read->status == response.status && read->body == response.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Logger::set_sink([](LogLevel, std::string_view) {});
    const auto text = fuzz::as_text(data, size);
    const auto length = decode_peer_length(text.substr(0, 4));
    if (!length || text.size() < 4 || text.size() - 4 < *length) {
        return 0;
    }
    auto request = decode_peer_request(text.substr(4, *length));
    if (request) {
        answer(std::move(*request));
    }
    return 0;
}
