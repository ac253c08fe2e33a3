#include "cluster/floor.hpp"

#include <algorithm>
#include <set>

#include "base/crc32c.hpp"
#include "cluster/errc.hpp"
#include "codec.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint32_t kMagic = 0x524c4651;  // "QFLR"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kHeader = 12;
constexpr std::size_t kChecksum = 4;
constexpr std::size_t kEntry = 12;

static_assert(kHeader + 8 + 18 + 2 + 2 + (kMaxMembers + kMaxLost) * kEntry + kChecksum <=
              kMaxFloorBytes);

Lineage merge(const Lineage& a, const Lineage& b) {
    const auto& newer = a.epoch >= b.epoch ? a : b;
    const auto& older = a.epoch >= b.epoch ? b : a;
    if (newer.supersedes(older) || older == newer) {
        return newer;
    }
    Lineage both{newer.epoch, std::max(newer.level, older.level), {}};
    both.known = std::max(newer.known, older.known);
    std::ranges::copy_if(newer.members, std::back_inserter(both.members),
                         [&](MemberId id) { return older.has(id); });
    std::set<MemberId> gone;
    for (const auto* one : {&newer, &older}) {
        gone.insert(one->members.begin(), one->members.end());
        gone.insert(one->lost.begin(), one->lost.end());
    }
    for (const auto id : gone) {
        // More than the limit do not come about: with so many lost no newcomer is let in.
        if (!both.has(id) && both.lost.size() < kMaxLost) {
            both.lost.push_back(id);
        }
    }
    return both;
}

}  // namespace

bool Lineage::has(MemberId id) const { return std::ranges::find(members, id) != members.end(); }

std::string encode(const Floor& floor) {
    std::string body;
    ByteWriter fields(body);
    fields.u64(floor.epoch.value());
    put(fields, floor.lineage);

    std::string bytes;
    ByteWriter out(bytes);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u16(0);
    out.u32(static_cast<std::uint32_t>(body.size()));
    out.raw(body);
    out.u32(crc32c(bytes));
    return bytes;
}

Result<Floor> decode_floor(std::string_view bytes) {
    if (bytes.size() > kMaxFloorBytes) {
        return fail(errc::too_large, "epoch floor");
    }
    ByteReader in(bytes);
    const auto magic = in.u32();
    const auto major = in.u8();
    const auto minor = in.u8();
    const auto reserved = in.u16();
    const auto size = in.u32();
    if (in.failed() || magic != kMagic) {
        return fail(errc::damaged, "epoch floor: not one");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, "epoch floor");
    }
    const auto body = in.raw(size);
    const auto covered = in.offset();
    const auto checksum = in.u32();
    if (!in.complete() || reserved != 0 || checksum != crc32c(bytes.substr(0, covered))) {
        return fail(errc::damaged, "epoch floor: checksum or length");
    }
    ByteReader fields(body);
    Floor floor;
    bool sound = true;
    floor.epoch = Epoch(fields.u64());
    floor.lineage = get_lineage(fields, sound);
    const bool surplus_allowed = minor > kMinor;
    if (!sound || fields.failed() || (!fields.at_end() && !surplus_allowed) ||
        floor.lineage.epoch > floor.epoch) {
        return fail(errc::damaged, "epoch floor: fields");
    }
    return floor;
}

Floor merge(const Floor& a, const Floor& b) {
    return {std::max(a.epoch, b.epoch), merge(a.lineage, b.lineage)};
}

}  // namespace quorate::cluster
