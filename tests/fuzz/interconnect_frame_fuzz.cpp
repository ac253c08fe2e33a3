// A stream of the interconnect, whole and in two pieces, to the decoder and to a circuit.

#include <vector>

#include "base/assert.hpp"
#include "cluster/circuit.hpp"
#include "frame.hpp"
#include "fuzz/input.hpp"

namespace {

using namespace quorate;
using namespace quorate::cluster;

const MemberId kSelf{NodeId(1), Incarnation(1)};
const MemberId kPeer{NodeId(2), Incarnation(2)};

std::vector<Frame> frames(std::string_view first, std::string_view second) {
    std::vector<Frame> all;
    FrameReader reader;
    for (auto piece : {first, second}) {
        for (;;) {
            auto frame = reader.next(piece);
            if (!frame) {
                return all;
            }
            if (!*frame) {
                break;
            }
            QUORATE_ASSERT((**frame).payload.size() <= *payload_limit((**frame).type));
            all.push_back(std::move(**frame));
        }
    }
    return all;
}

CircuitOptions options() {
    CircuitOptions options;
    options.self = kSelf;
    options.peer = kPeer;
    options.since = Epoch(1);
    return options;
}

// Whatever the peer says, what is delivered is of the current epoch, and the window holds.
void talk(std::string_view bytes, bool greeted) {
    Circuit circuit(options());
    const BootTime now(std::chrono::seconds(1000));
    if (greeted) {
        CircuitHello hello;
        hello.from = kPeer;
        hello.to = kSelf;
        hello.since = Epoch(1);
        circuit.accepted(now, hello);
    } else {
        circuit.dialled(now, 0);
    }
    QUORATE_ASSERT(circuit.send(now, Channel(1), "x"));
    circuit.received(now, 0, bytes);
    std::vector<CircuitOutput> outputs;
    circuit.take(outputs);
    for (const auto& output : outputs) {
        if (const auto* message = std::get_if<Message>(&output)) {
            QUORATE_ASSERT(message->epoch == Epoch(1));
        }
    }
    QUORATE_ASSERT(circuit.status().queued_messages <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::as_text(data, size);
    const auto whole = frames(bytes, {});
    auto choices = fuzz::choices(bytes);
    const auto cut = choices.below(size + 1);
    QUORATE_ASSERT(frames(bytes.substr(0, cut), bytes.substr(cut)) == whole);
    for (const auto& frame : whole) {
        if (const auto hello = decode_hello(frame)) {
            QUORATE_ASSERT(frames(encode(*hello), {}).at(0) == frame);
        }
        if (const auto heartbeat = decode_heartbeat(frame)) {
            std::string again;
            append_heartbeat(again, *heartbeat);
            QUORATE_ASSERT(frames(again, {}).at(0) == frame);
        }
    }
    talk(bytes, /*greeted=*/true);
    talk(bytes, /*greeted=*/false);
    return 0;
}
