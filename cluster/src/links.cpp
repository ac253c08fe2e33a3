#include "links.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "cluster/errc.hpp"
#include "mutation.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxIncoming = 128;
constexpr auto kIncomingLasts = seconds(5);
constexpr auto kFirstPause = milliseconds(100);
constexpr auto kLastPause = milliseconds(2000);

}  // namespace

Links::Links(const MachineOptions& options)
    : self_(options.membership.self.id),
      cluster_name_(options.membership.cluster_name),
      levels_(options.membership.self.levels),
      rings_(std::min(options.membership.self.addresses.size(), kMaxRings)),
      heartbeat_(options.heartbeat) {}

// ---- members

void Links::adopt(BootTime now, const View& view) {
    for (auto it = peers_.begin(); it != peers_.end();) {
        auto& peer = it->second;
        const bool acknowledges_still =
            mutated("acknowledge_anybody") && view.find(peer.member.id.node) == nullptr;
        if (view.find(peer.member.id) == nullptr && !acknowledges_still) {
            remove(now, peer, "no member any more");
            it = peers_.erase(it);
            continue;
        }
        peer.circuit.adopt(now, view.epoch);
        drain(now, peer);
        ++it;
    }
    for (const auto& member : view.members) {
        const auto it = peers_.find(member.id.node);
        if (it != peers_.end()) {
            it->second.member = member;
        } else if (member.id != self_) {
            add(now, member, view.epoch);
        }
    }
    for (auto it = incoming_.begin(); it != incoming_.end();) {
        const bool done = it->second.hello && admit(now, it->first, *it->second.hello);
        it = done ? incoming_.erase(it) : std::next(it);
    }
}

void Links::add(BootTime now, const Member& member, Epoch since) {
    CircuitOptions options;
    options.self = self_;
    options.peer = member.id;
    options.cluster_name = cluster_name_;
    options.levels = levels_;
    options.rings = static_cast<std::uint32_t>(std::min(rings_, member.addresses.size()));
    options.since = since;
    options.heartbeat = heartbeat_;
    Peer fresh{member, Circuit(options), std::vector<Line>(options.rings)};
    auto& peer = peers_.emplace(member.id.node, std::move(fresh)).first->second;
    for (std::uint32_t ring = 0; ring < options.rings; ++ring) {
        dial(now, peer, ring);
    }
}

void Links::remove(BootTime now, Peer& peer, const std::string& reason) {
    for (std::uint32_t ring = 0; ring < peer.lines.size(); ++ring) {
        if (const auto connection = peer.lines[ring].connection) {
            out_.emplace_back(Close{*connection, reason, {}});
            release(peer, ring);
            peer.circuit.closed(now, ring, reason);
        }
    }
    // Nothing that it still said counts, but that its rings went down.
    peer.circuit.take(said_);
    for (auto& output : said_) {
        if (auto* down = std::get_if<RingDown>(&output)) {
            out_.emplace_back(
                RingChanged{peer.member.id, down->ring, false, std::move(down->reason)});
        }
    }
}

void Links::close_all(BootTime now, const std::string& reason) {
    for (auto& [node, peer] : peers_) {
        remove(now, peer, reason);
    }
    peers_.clear();
    for (const auto& [connection, incoming] : incoming_) {
        out_.emplace_back(Close{connection, reason, {}});
    }
    incoming_.clear();
}

// ---- connections this node makes

void Links::dial(BootTime now, Peer& peer, std::uint32_t ring) {
    auto& line = peer.lines[ring];
    line.retry.reset();
    if (peer.member.id.node > self_.node && !line.connection && !line.dialling) {
        line.dialling = true;
        out_.emplace_back(Dial{peer.member.id, ring, peer.member.addresses[ring]});
    }
    static_cast<void>(now);
}

void Links::retry_later(BootTime now, Peer& peer, std::uint32_t ring, const std::string& problem) {
    auto& line = peer.lines[ring];
    line.pause = std::clamp(line.pause * 2, milliseconds(kFirstPause), milliseconds(kLastPause));
    line.retry = now + line.pause;
    if (std::exchange(line.problem, problem) != problem) {
        note(LogLevel::kWarn, "ring_failed",
             fmt::format("{} ring {}: {}", peer.member.name, ring, problem));
    }
}

void Links::dialled(BootTime now, const Dialled& input) {
    const auto it = peers_.find(input.peer.node);
    if (it == peers_.end() || it->second.member.id != input.peer ||
        input.ring >= it->second.lines.size() || !it->second.lines[input.ring].dialling) {
        out_.emplace_back(Close{input.connection, "no member any more", {}});
        return;
    }
    auto& line = it->second.lines[input.ring];
    line.dialling = false;
    line.connection = input.connection;
    places_[input.connection] = {input.peer.node, input.ring};
    it->second.circuit.dialled(now, input.ring);
    drain(now, it->second);
}

void Links::dial_failed(BootTime now, const DialFailed& input) {
    const auto it = peers_.find(input.peer.node);
    if (it != peers_.end() && it->second.member.id == input.peer &&
        input.ring < it->second.lines.size() &&
        std::exchange(it->second.lines[input.ring].dialling, false)) {
        retry_later(now, it->second, input.ring, input.reason);
    }
}

// ---- connections others make

void Links::accepted(BootTime now, ConnectionId connection) {
    if (incoming_.size() >= kMaxIncoming) {
        refuse(connection, "too many connections wait for their view");
        return;
    }
    incoming_[connection].until = now + kIncomingLasts;
}

void Links::refuse(ConnectionId connection, const std::string& reason) {
    std::string parting;
    append_frame(parting, FrameType::kRefusal, Epoch(0), 0,
                 std::string_view(reason).substr(0, kMaxText));
    out_.emplace_back(Close{connection, reason, std::move(parting)});
    note(LogLevel::kWarn, "circuit_refused", reason);
}

std::string Links::objection(const CircuitHello& hello) const {
    const auto who = fmt::format("node {}", hello.from.node.value());
    if (hello.cluster_name != cluster_name_) {
        return fmt::format("{} is of another cluster", who);
    }
    if (hello.to != self_) {
        return fmt::format("{} wants node {} in another life than this", who,
                           hello.to.node.value());
    }
    if (hello.from.node >= self_.node) {
        return fmt::format("{} dials, but the lower node id does", who);
    }
    if (hello.levels.highest < levels_.lowest || levels_.highest < hello.levels.lowest) {
        return fmt::format("{} speaks protocol levels {} to {}", who, hello.levels.lowest,
                           hello.levels.highest);
    }
    if (hello.ring >= rings_) {
        return fmt::format("{} uses ring {}, which this node has not", who, hello.ring);
    }
    return {};
}

void Links::read_hello(BootTime now, ConnectionId connection, Incoming& incoming,
                       std::string_view bytes) {
    const auto give_up = [&](const std::string& reason) {
        incoming_.erase(connection);
        refuse(connection, reason);
    };
    if (incoming.hello) {
        return give_up("it speaks before it is answered");
    }
    auto frame = incoming.reader.next(bytes);
    if (!frame) {
        return give_up(frame.error().to_string());
    }
    if (!*frame) {
        return;
    }
    const auto hello = decode_hello(**frame);
    if (!hello || !bytes.empty()) {
        return give_up("it does not begin with a hello alone");
    }
    if (const auto reason = objection(*hello); !reason.empty()) {
        return give_up(reason);
    }
    incoming.hello = *hello;
    if (admit(now, connection, *hello)) {
        incoming_.erase(connection);
    }
}

// False: it is not in the view of this node, yet.
bool Links::admit(BootTime now, ConnectionId connection, const CircuitHello& hello) {
    const auto it = peers_.find(hello.from.node);
    if (it == peers_.end() || it->second.member.id != hello.from ||
        hello.ring >= it->second.lines.size()) {
        return false;
    }
    auto& peer = it->second;
    auto& line = peer.lines[hello.ring];
    if (line.connection) {
        constexpr const char* kReplaced = "replaced by a newer connection";
        out_.emplace_back(Close{*line.connection, kReplaced, {}});
        release(peer, hello.ring);
        peer.circuit.closed(now, hello.ring, kReplaced);
        drain(now, peer);
    }
    line.connection = connection;
    places_[connection] = {hello.from.node, hello.ring};
    peer.circuit.accepted(now, hello);
    drain(now, peer);
    return true;
}

// ---- what connections say

void Links::received(BootTime now, ConnectionId connection, std::string_view bytes) {
    if (const auto it = places_.find(connection); it != places_.end()) {
        const auto place = it->second;
        auto& peer = peers_.at(place.peer);
        peer.circuit.received(now, place.ring, bytes);
        drain(now, peer);
    } else if (const auto guest = incoming_.find(connection); guest != incoming_.end()) {
        read_hello(now, connection, guest->second, bytes);
    }
}

void Links::written(BootTime now, ConnectionId connection) {
    if (const auto it = places_.find(connection); it != places_.end()) {
        auto& peer = peers_.at(it->second.peer);
        peer.circuit.written(now, it->second.ring);
        drain(now, peer);
    }
}

void Links::closed(BootTime now, ConnectionId connection, const std::string& reason) {
    incoming_.erase(connection);
    if (const auto it = places_.find(connection); it != places_.end()) {
        const auto place = it->second;
        auto& peer = peers_.at(place.peer);
        release(peer, place.ring);
        peer.circuit.closed(now, place.ring, reason);
        retry_later(now, peer, place.ring, reason);
        drain(now, peer);
    }
}

void Links::release(Peer& peer, std::uint32_t ring) {
    places_.erase(*peer.lines[ring].connection);
    peer.lines[ring].connection.reset();
}

// ---- what circuits say

void Links::drain(BootTime now, Peer& peer) {
    peer.circuit.take(said_);
    for (auto& output : said_) {
        carry_out(now, peer, output);
    }
}

void Links::carry_out(BootTime now, Peer& peer, CircuitOutput& output) {
    const auto id = peer.member.id;
    if (auto* message = std::get_if<Message>(&output)) {
        out_.emplace_back(
            Deliver{id, message->channel, message->epoch, std::move(message->payload)});
    } else if (auto* write = std::get_if<RingWrite>(&output)) {
        out_.emplace_back(Write{*peer.lines[write->ring].connection, std::move(write->pieces)});
    } else if (auto* close = std::get_if<RingClose>(&output)) {
        out_.emplace_back(
            Close{*peer.lines[close->ring].connection, close->reason, std::move(close->parting)});
        release(peer, close->ring);
        retry_later(now, peer, close->ring, close->reason);
    } else if (const auto* up = std::get_if<RingUp>(&output)) {
        auto& line = peer.lines[up->ring];
        line.pause = milliseconds(0);
        line.problem.clear();
        came_up_ = true;
        out_.emplace_back(RingChanged{id, up->ring, true, {}});
    } else if (auto* down = std::get_if<RingDown>(&output)) {
        out_.emplace_back(RingChanged{id, down->ring, false, std::move(down->reason)});
    } else if (const auto* pressure = std::get_if<Pressure>(&output)) {
        out_.emplace_back(BackPressure{id, pressure->on});
    } else if (const auto* heartbeat = std::get_if<HeartbeatHeard>(&output)) {
        heard_.push_back({id, *heartbeat});
    } else if (const auto* acknowledged = std::get_if<HeartbeatAcknowledged>(&output)) {
        heard_by_.push_back({id, acknowledged->sent});
    } else if (const auto* reset = std::get_if<CircuitReset>(&output)) {
        note(LogLevel::kInfo, "circuit_reset",
             fmt::format("{} since epoch {}", peer.member.name, reset->since.value()));
    }
}

// ---- the members' side

Status Links::send(BootTime now, MemberId to, Channel channel, std::string_view payload) {
    const auto it = peers_.find(to.node);
    if (it == peers_.end() || it->second.member.id != to) {
        return fail(errc::refused,
                    fmt::format("node {} is no other member of the view", to.node.value()));
    }
    auto sent = it->second.circuit.send(now, channel, payload);
    drain(now, it->second);
    return sent;
}

void Links::beat(BootTime now, milliseconds lease) {
    for (auto& [node, peer] : peers_) {
        peer.circuit.tick(now);
        peer.circuit.heartbeat(now, lease);
        drain(now, peer);
    }
}

void Links::acknowledge(BootTime now, const Heard& heard) {
    const auto it = peers_.find(heard.peer.node);
    if (it != peers_.end() && it->second.member.id == heard.peer) {
        it->second.circuit.acknowledge(now, heard.heartbeat);
        drain(now, it->second);
    }
}

void Links::tick(BootTime now) {
    for (auto& [node, peer] : peers_) {
        if (const auto due = peer.circuit.deadline(); due && now >= *due) {
            peer.circuit.tick(now);
            drain(now, peer);
        }
        for (std::uint32_t ring = 0; ring < peer.lines.size(); ++ring) {
            if (const auto retry = peer.lines[ring].retry; retry && now >= *retry) {
                dial(now, peer, ring);
            }
        }
    }
    std::vector<ConnectionId> late;
    for (const auto& [connection, incoming] : incoming_) {
        if (now >= incoming.until) {
            late.push_back(connection);
        }
    }
    for (const auto connection : late) {
        const auto& hello = incoming_.at(connection).hello;
        const auto reason =
            hello ? fmt::format("node {} is in no view of this node", hello->from.node.value())
                  : std::string("no hello came");
        incoming_.erase(connection);
        refuse(connection, reason);
    }
}

std::optional<BootTime> Links::deadline() const {
    std::optional<BootTime> next;
    const auto consider = [&](std::optional<BootTime> time) {
        if (time && (!next || *time < *next)) {
            next = time;
        }
    };
    for (const auto& [node, peer] : peers_) {
        consider(peer.circuit.deadline());
        for (const auto& line : peer.lines) {
            consider(line.retry);
        }
    }
    for (const auto& [connection, incoming] : incoming_) {
        consider(incoming.until);
    }
    return next;
}

std::vector<CircuitStatus> Links::status() const {
    std::vector<CircuitStatus> all;
    for (const auto& [node, peer] : peers_) {
        auto one = peer.circuit.status();
        one.name = peer.member.name;
        for (auto& ring : one.rings) {
            ring.address = peer.member.addresses[ring.ring];
            if (!ring.up && !peer.lines[ring.ring].problem.empty()) {
                ring.problem = peer.lines[ring.ring].problem;
            }
        }
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace quorate::cluster
