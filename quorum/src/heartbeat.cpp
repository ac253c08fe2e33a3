#include "quorum/heartbeat.hpp"

#include "codec.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint8_t kTrusted = 1;
constexpr std::uint8_t kStopped = 2;
constexpr std::uint8_t kBound = 4;
constexpr std::uint8_t kResets = 8;
constexpr std::uint8_t kAllFlags = 15;
constexpr std::size_t kFixed = 100;
constexpr std::size_t kEcho = 9;
static_assert(kFixed + 1 + kMaxNodes * kEcho + 2 + kMaxRider <= kMaxFields);

void get_echoes(ByteReader& in, std::vector<Echo>& echoes, bool& sound) {
    const auto count = in.u8();
    if (count > kMaxNodes) {
        sound = false;
        return;
    }
    NodeId last;
    for (auto left = count; left > 0; --left) {
        Echo echo;
        echo.node = NodeId(in.u8());
        echo.sequence = in.u64();
        sound = sound && has_place(echo.node) && echo.node > last;
        last = echo.node;
        echoes.push_back(echo);
    }
}

}  // namespace

std::string_view text_of(VoterState state) {
    switch (state) {
        case VoterState::kStart:
            return "START";
        case VoterState::kProbe:
            return "PROBE";
        case VoterState::kIdle:
            return "IDLE";
        case VoterState::kBid:
            return "BID";
        case VoterState::kFollow:
            return "FOLLOW";
        case VoterState::kHold:
            return "HOLD";
        case VoterState::kResigned:
            return "RESIGNED";
        case VoterState::kEvicted:
            return "EVICTED";
    }
    return "unknown";
}

std::string encode(const Heartbeat& heartbeat) {
    std::string fields;
    ByteWriter out(fields);
    out.u64(heartbeat.incarnation.value());
    put(out, heartbeat.boot);
    put(out, heartbeat.ring);
    out.u64(heartbeat.members.bits());
    out.u32(heartbeat.votes);
    out.u8(static_cast<std::uint8_t>(heartbeat.state));
    out.u8(static_cast<std::uint8_t>(
        (heartbeat.trusted ? kTrusted : 0) | (heartbeat.stopped ? kStopped : 0) |
        (heartbeat.bound ? kBound : 0) | (heartbeat.resets ? kResets : 0)));
    out.u16(0);
    out.u32(heartbeat.score);
    for (const auto epoch :
         {heartbeat.held, heartbeat.released, heartbeat.closed, heartbeat.needed}) {
        out.u64(epoch.value());
    }
    out.u64(heartbeat.wards.bits());
    out.u32(heartbeat.disk_step);
    out.u8(static_cast<std::uint8_t>(heartbeat.echoes.size()));
    for (const auto& echo : heartbeat.echoes) {
        out.u8(static_cast<std::uint8_t>(echo.node.value()));
        out.u64(echo.sequence);
    }
    put_text(out, heartbeat.rider);
    return seal({PageKind::kHeartbeat, heartbeat.node, heartbeat.sequence, heartbeat.cluster},
                fields);
}

Result<Heartbeat> decode_heartbeat(std::string_view bytes, NodeId owner) {
    QUORATE_TRY(const auto page, open_page(bytes, PageKind::kHeartbeat, owner));
    ByteReader in(page.fields);
    Heartbeat heartbeat;
    bool sound = true;
    heartbeat.node = owner;
    heartbeat.sequence = page.head.sequence;
    heartbeat.cluster = page.head.cluster;
    heartbeat.incarnation = Incarnation(in.u64());
    heartbeat.boot = get_uuid(in);
    heartbeat.ring = get_ring(in);
    heartbeat.members = NodeSet(in.u64());
    heartbeat.votes = in.u32();
    const auto state = in.u8();
    const auto flags = in.u8();
    const auto reserved = in.u16();
    heartbeat.state = static_cast<VoterState>(state);
    heartbeat.trusted = (flags & kTrusted) != 0;
    heartbeat.stopped = (flags & kStopped) != 0;
    heartbeat.bound = (flags & kBound) != 0;
    heartbeat.resets = (flags & kResets) != 0;
    heartbeat.score = in.u32();
    for (auto* epoch :
         {&heartbeat.held, &heartbeat.released, &heartbeat.closed, &heartbeat.needed}) {
        *epoch = Epoch(in.u64());
    }
    heartbeat.wards = NodeSet(in.u64());
    heartbeat.disk_step = in.u32();
    get_echoes(in, heartbeat.echoes, sound);
    heartbeat.rider = get_text(in, kMaxRider, sound);
    sound = sound && state >= static_cast<std::uint8_t>(VoterState::kStart) &&
            state <= static_cast<std::uint8_t>(VoterState::kEvicted) && flags <= kAllFlags &&
            reserved == 0 && heartbeat.released <= heartbeat.held;
    QUORATE_CHECK(check_read(in, page, sound));
    return heartbeat;
}

Result<Heartbeat> newest_heartbeat(std::string_view pages, NodeId owner) {
    const auto side = [&](std::uint32_t number) {
        const auto at = std::size_t{page_of(owner, PageKind::kHeartbeat, number)} * kPageBytes;
        return decode_heartbeat(
            at < pages.size() ? pages.substr(at, kPageBytes) : std::string_view(), owner);
    };
    auto first = side(0);
    auto second = side(1);
    return !second || (first && first->sequence >= second->sequence) ? first : second;
}

}  // namespace quorate::quorum
