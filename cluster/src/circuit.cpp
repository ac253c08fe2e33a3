#include "cluster/circuit.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "batch.hpp"
#include "cluster/errc.hpp"
#include "frame.hpp"
#include "receive_queue.hpp"
#include "send_queue.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kAckAfterBytes = 256 * 1024;
constexpr std::size_t kAckAfterMessages = 64;
constexpr auto kAckDelay = milliseconds(10);
constexpr auto kGreetingLasts = seconds(6);  // the other end may have to wait for its view
constexpr int kSilentAfter = 3;              // heartbeats: another ring is better
constexpr int kDeadAfter = 15;               // heartbeats: connect anew

struct Ring {
    enum class State { kClosed, kGreeting, kUp };
    State state = State::kClosed;
    FrameReader reader;
    bool writing = false;
    // What goes out first: the hello; then only the newest of each.
    std::string hello;
    std::optional<Heartbeat> heartbeat;
    std::optional<HeartbeatHeard> acknowledgement;
    BootTime heard;
    std::optional<microseconds> round_trip;
    std::string problem;

    bool up() const { return state == State::kUp; }
};

// Text of a peer, for the log.
std::string printable(std::string_view text) {
    std::string out(text.substr(0, kMaxText));
    std::ranges::replace_if(
        out, [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

}  // namespace

struct Circuit::Impl {
    explicit Impl(CircuitOptions given)
        : options(std::move(given)), since(options.since), epoch(options.since) {
        rings.resize(options.rings);
    }

    // ---- rings

    std::string hello(std::uint32_t ring) const;
    void begin(BootTime now, std::uint32_t ring);
    void meet(BootTime now, const CircuitHello& hello);
    void close(std::uint32_t ring, std::string reason, bool tell = true);
    void down(std::uint32_t ring, std::string reason);
    void choose(BootTime now);
    bool healthy(const Ring& ring, BootTime now) const {
        return ring.up() && now - ring.heard < kSilentAfter * options.heartbeat;
    }
    bool better(std::uint32_t a, std::uint32_t b, BootTime now) const;

    // ---- frames

    void take_in(BootTime now, std::uint32_t ring, Frame frame);
    void take_in_greeting(BootTime now, std::uint32_t ring, const Frame& frame);
    void message(BootTime now, std::uint32_t ring, Frame frame);
    void deliver(BootTime now);
    void owe(BootTime now, std::size_t bytes);
    void heartbeat_acknowledged(BootTime now, std::uint32_t ring, BootTime sent);
    void acknowledged(std::uint32_t ring, std::uint64_t sequence);
    void transmit(BootTime now, std::uint32_t ring);
    void transmit(BootTime now) {
        if (active) {
            transmit(now, *active);
        }
    }
    bool acknowledgement_due(BootTime now) const {
        return owed_messages >= kAckAfterMessages || owed_bytes >= kAckAfterBytes ||
               (owed_messages > 0 && now >= owed_since + kAckDelay);
    }
    void measure_pressure();
    void restart(Epoch later, std::uint32_t except);

    CircuitOptions options;
    std::vector<CircuitOutput> out;
    std::vector<Ring> rings;
    std::optional<std::uint32_t> active;
    Epoch since;
    Epoch epoch;

    SendQueue sending;
    ReceiveQueue receiving;
    std::size_t owed_bytes = 0;
    std::size_t owed_messages = 0;
    BootTime owed_since;
    BootTime newest_heartbeat;
    BootTime last_tick;
    bool blocked = false;
    CircuitStatus counters;
};

// ---- rings

std::string Circuit::Impl::hello(std::uint32_t ring) const {
    CircuitHello hello;
    hello.from = options.self;
    hello.to = options.peer;
    hello.cluster_name = options.cluster_name;
    hello.ring = ring;
    hello.levels = options.levels;
    hello.since = since;
    hello.next = receiving.done() + 1;
    return encode(hello);
}

void Circuit::Impl::begin(BootTime now, std::uint32_t ring) {
    QUORATE_ASSERT(rings[ring].state == Ring::State::kClosed);
    rings[ring] = Ring();
    rings[ring].state = Ring::State::kGreeting;
    rings[ring].heard = now;
}

// Both hellos are known: the connection carries the numbering of the later beginning.
void Circuit::Impl::meet(BootTime now, const CircuitHello& hello) {
    auto& ring = rings[hello.ring];
    if (hello.since > since) {
        restart(hello.since, hello.ring);
    } else if (hello.since == since && !sending.acknowledge(hello.next - 1)) {
        close(hello.ring, fmt::format("expects {}, which was never sent", hello.next));
        return;
    }
    ring.state = Ring::State::kUp;
    ring.heard = now;
    out.emplace_back(RingUp{hello.ring});
    measure_pressure();
    choose(now);
}

void Circuit::Impl::close(std::uint32_t ring, std::string reason, bool tell) {
    std::string parting;
    if (tell) {
        append_frame(parting, FrameType::kRefusal, epoch, 0,
                     std::string_view(reason).substr(0, kMaxText));
    }
    out.emplace_back(RingClose{ring, reason, std::move(parting)});
    down(ring, std::move(reason));
}

void Circuit::Impl::down(std::uint32_t ring, std::string reason) {
    const bool was_up = rings[ring].up();
    rings[ring] = Ring();
    rings[ring].problem = reason;
    if (active == ring) {
        active.reset();
    }
    if (was_up) {
        out.emplace_back(RingDown{ring, std::move(reason)});
    }
}

// A change costs a resend: only half the round trip is worth it.
bool Circuit::Impl::better(std::uint32_t a, std::uint32_t b, BootTime now) const {
    const bool a_healthy = healthy(rings[a], now);
    if (const bool b_healthy = healthy(rings[b], now); a_healthy != b_healthy) {
        return a_healthy;
    }
    if (!a_healthy) {
        return false;
    }
    const auto& here = rings[a].round_trip;
    const auto& there = rings[b].round_trip;
    return here && there && *here * 2 + microseconds(100) < *there;
}

void Circuit::Impl::choose(BootTime now) {
    auto best = active;
    for (std::uint32_t ring = 0; ring < rings.size(); ++ring) {
        if (rings[ring].up() && (!best || better(ring, *best, now))) {
            best = ring;
        }
    }
    if (best == active) {
        transmit(now);
        return;
    }
    // What went the old way may be lost there, acknowledgements too.
    active = best;
    sending.rewind();
    owe(now, kAckAfterBytes);
    transmit(now);
}

void Circuit::Impl::restart(Epoch later, std::uint32_t except) {
    since = later;
    for (std::uint32_t ring = 0; ring < rings.size(); ++ring) {
        if (ring != except && rings[ring].up()) {
            close(ring, "the circuit starts afresh", /*tell=*/false);
        }
    }
    active.reset();
    sending.restart(since);
    receiving.restart();
    owed_bytes = 0;
    owed_messages = 0;
    out.emplace_back(CircuitReset{since});
}

// ---- what comes in

void Circuit::Impl::take_in_greeting(BootTime now, std::uint32_t ring, const Frame& frame) {
    const auto hello = decode_hello(frame);
    if (!hello) {
        close(ring, hello.error().detail);
    } else if (hello->from != options.peer || hello->to != options.self || hello->ring != ring) {
        close(ring, "the hello is another member's, or for another");
    } else if (hello->since < since) {
        close(ring, "the hello answers an earlier circuit");
    } else {
        meet(now, *hello);
    }
}

void Circuit::Impl::take_in(BootTime now, std::uint32_t ring, Frame frame) {
    if (frame.type == FrameType::kRefusal) {
        close(ring, "refused by the peer: " + printable(frame.payload), /*tell=*/false);
        return;
    }
    if (!rings[ring].up()) {
        take_in_greeting(now, ring, frame);
        return;
    }
    switch (frame.type) {
        case FrameType::kMessage:
            message(now, ring, std::move(frame));
            return;
        case FrameType::kAck:
            acknowledged(ring, frame.sequence);
            return;
        case FrameType::kHeartbeat:
            if (const auto heartbeat = decode_heartbeat(frame)) {
                out.emplace_back(
                    HeartbeatHeard{ring, heartbeat->epoch, heartbeat->sent, heartbeat->lease});
                return;
            }
            break;
        case FrameType::kHeartbeatAck:
            heartbeat_acknowledged(now, ring, as_time(frame.sequence));
            return;
        case FrameType::kHello:
        case FrameType::kRefusal:
            break;
    }
    close(ring, "a frame out of place");
}

void Circuit::Impl::message(BootTime now, std::uint32_t ring, Frame frame) {
    const auto size = frame.payload.size();
    const auto sequence = frame.sequence;
    switch (receiving.accept(std::move(frame))) {
        case ReceiveQueue::Fate::kSeen:
            owe(now, 0);
            return;
        case ReceiveQueue::Fate::kTaken:
            ++counters.received_messages;
            counters.received_bytes += size;
            deliver(now);
            return;
        case ReceiveQueue::Fate::kGap:
            close(ring, fmt::format("message {} after {}", sequence, receiving.done()));
            return;
        case ReceiveQueue::Fate::kTooMuch:
            close(ring, "more than the window allows");
            return;
    }
}

void Circuit::Impl::deliver(BootTime now) {
    const auto done = receiving.done();
    while (auto message = receiving.take(epoch)) {
        owe(now, message->payload.size());
        out.emplace_back(std::move(*message));
    }
    if (receiving.done() != done && owed_messages == 0) {
        owe(now, 0);  // all were refused
    }
}

void Circuit::Impl::owe(BootTime now, std::size_t bytes) {
    if (owed_messages++ == 0) {
        owed_since = now;
    }
    owed_bytes += bytes;
}

void Circuit::Impl::acknowledged(std::uint32_t ring, std::uint64_t sequence) {
    if (!sending.acknowledge(sequence)) {
        close(ring, fmt::format("acknowledges {}, which was never sent", sequence));
        return;
    }
    measure_pressure();
}

void Circuit::Impl::heartbeat_acknowledged(BootTime now, std::uint32_t ring, BootTime sent) {
    if (sent > newest_heartbeat) {
        close(ring, "acknowledges a heartbeat that was never sent");
        return;
    }
    auto& trip = rings[ring].round_trip;
    const auto measured = now - sent;
    trip = trip ? (*trip * 7 + measured) / 8 : measured;
    out.emplace_back(HeartbeatAcknowledged{sent});
}

// ---- what goes out

void Circuit::Impl::transmit(BootTime now, std::uint32_t number) {
    auto& ring = rings[number];
    if (ring.state == Ring::State::kClosed || ring.writing) {
        return;
    }
    Batch batch;
    if (!ring.hello.empty()) {
        batch.small() += std::exchange(ring.hello, {});
    }
    if (ring.heartbeat) {
        append_heartbeat(batch.small(), *std::exchange(ring.heartbeat, std::nullopt));
    }
    if (ring.acknowledgement) {
        append_frame(batch.small(), FrameType::kHeartbeatAck, epoch,
                     as_word(ring.acknowledgement->sent));
        ring.acknowledgement.reset();
    }
    const bool carries = ring.up() && active == number;
    if (carries && owed_messages > 0 && (sending.next() != nullptr || acknowledgement_due(now))) {
        append_frame(batch.small(), FrameType::kAck, epoch, receiving.done());
        owed_messages = 0;
        owed_bytes = 0;
    }
    for (const auto* frame = sending.next(); carries && frame != nullptr && !batch.full();
         frame = sending.next()) {
        batch.add(*frame);
        counters.resent_messages += sending.advance() ? 1 : 0;
    }
    if (!batch.empty()) {
        ring.writing = true;
        out.emplace_back(RingWrite{number, batch.take()});
    }
}

void Circuit::Impl::measure_pressure() {
    const bool high = sending.bytes() >= kBlockBytes || sending.size() >= kBlockMessages;
    const bool low = sending.bytes() <= kUnblockBytes && sending.size() <= kUnblockMessages;
    if (blocked ? low : high) {
        blocked = !blocked;
        out.emplace_back(Pressure{blocked});
    }
}

// ---- the class

Circuit::Circuit(CircuitOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Circuit::~Circuit() = default;
Circuit::Circuit(Circuit&&) noexcept = default;
Circuit& Circuit::operator=(Circuit&&) noexcept = default;

void Circuit::dialled(BootTime now, std::uint32_t ring) {
    impl_->begin(now, ring);
    impl_->rings[ring].hello = impl_->hello(ring);
    impl_->transmit(now, ring);
}

void Circuit::accepted(BootTime now, const CircuitHello& hello) {
    auto& impl = *impl_;
    impl.begin(now, hello.ring);
    auto& ring = impl.rings[hello.ring];
    if (hello.since > impl.since) {
        impl.restart(hello.since, hello.ring);
    }
    ring.hello = impl.hello(hello.ring);
    impl.transmit(now, hello.ring);
    impl.meet(now, hello);
}

void Circuit::received(BootTime now, std::uint32_t ring, std::string_view bytes) {
    auto& impl = *impl_;
    impl.rings[ring].heard = now;
    while (impl.rings[ring].state != Ring::State::kClosed) {
        auto frame = impl.rings[ring].reader.next(bytes);
        if (!frame) {
            impl.close(ring, frame.error().to_string());
            break;
        }
        if (!*frame) {
            break;
        }
        impl.take_in(now, ring, std::move(**frame));
    }
    impl.choose(now);
}

void Circuit::written(BootTime now, std::uint32_t ring) {
    impl_->rings[ring].writing = false;
    impl_->transmit(now, ring);
}

void Circuit::closed(BootTime now, std::uint32_t ring, std::string reason) {
    impl_->down(ring, std::move(reason));
    impl_->choose(now);
}

Status Circuit::send(BootTime now, Channel channel, std::string_view payload) {
    auto& impl = *impl_;
    if (payload.size() > kMaxMessage) {
        return fail(errc::too_large,
                    fmt::format("message of {} octets, {} allowed: send it in parts",
                                payload.size(), kMaxMessage));
    }
    if (impl.sending.full(payload.size())) {
        return fail(errc::refused, "too much waits for this member already");
    }
    impl.sending.push(channel, impl.epoch, payload);
    ++impl.counters.sent_messages;
    impl.counters.sent_bytes += payload.size();
    impl.measure_pressure();
    impl.transmit(now);
    return {};
}

void Circuit::adopt(BootTime now, Epoch epoch) {
    auto& impl = *impl_;
    impl.epoch = epoch;
    impl.sending.drop_unsent();
    impl.deliver(now);
    impl.measure_pressure();
    impl.transmit(now);
}

void Circuit::heartbeat(BootTime now, milliseconds lease) {
    auto& impl = *impl_;
    impl.newest_heartbeat = now;
    for (std::uint32_t ring = 0; ring < impl.rings.size(); ++ring) {
        if (impl.rings[ring].up()) {
            impl.rings[ring].heartbeat = Heartbeat{impl.epoch, now, lease};
            impl.transmit(now, ring);
        }
    }
}

void Circuit::acknowledge(BootTime now, const HeartbeatHeard& heartbeat) {
    auto& ring = impl_->rings[heartbeat.ring];
    if (ring.up()) {
        ring.acknowledgement = heartbeat;
        impl_->transmit(now, heartbeat.ring);
    }
}

void Circuit::tick(BootTime now) {
    auto& impl = *impl_;
    const auto& heartbeat = impl.options.heartbeat;
    // After a standstill of this node nothing is known of the rings.
    const bool stood_still = now - impl.last_tick > 2 * kSilentAfter * heartbeat;
    impl.last_tick = now;
    for (std::uint32_t number = 0; number < impl.rings.size(); ++number) {
        auto& ring = impl.rings[number];
        if (stood_still) {
            ring.heard = now;
        }
        if (ring.up() && now - ring.heard >= kDeadAfter * heartbeat) {
            impl.close(number, "silent", /*tell=*/false);
        } else if (ring.state == Ring::State::kGreeting && now - ring.heard >= kGreetingLasts) {
            impl.close(number, "no hello came", /*tell=*/false);
        }
    }
    impl.choose(now);
}

std::optional<BootTime> Circuit::deadline() const {
    const auto& impl = *impl_;
    if (!impl.active || impl.owed_messages == 0 || impl.rings[*impl.active].writing) {
        return std::nullopt;
    }
    return impl.owed_since + kAckDelay;
}

void Circuit::take(std::vector<CircuitOutput>& taken) {
    taken.clear();
    taken.swap(impl_->out);
}

CircuitStatus Circuit::status() const {
    const auto& impl = *impl_;
    auto status = impl.counters;
    status.peer = impl.options.peer;
    status.refused_messages = impl.receiving.refused();
    status.queued_messages = impl.sending.size();
    status.queued_bytes = impl.sending.bytes();
    status.blocked = impl.blocked;
    for (std::uint32_t number = 0; number < impl.rings.size(); ++number) {
        const auto& ring = impl.rings[number];
        RingStatus one;
        one.ring = number;
        one.up = ring.up();
        one.carries = impl.active == number;
        one.round_trip = ring.round_trip;
        one.problem = ring.problem;
        status.open = status.open || one.up;
        status.rings.push_back(std::move(one));
    }
    return status;
}

}  // namespace quorate::cluster
