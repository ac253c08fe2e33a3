#include "seen.hpp"

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "codec.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint32_t kMagic = 0x4e455351;  // "QSEN"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kChecksum = 4;

}  // namespace

std::string encode_seen(const std::vector<Sighting>& sightings) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u16(static_cast<std::uint16_t>(sightings.size()));
    for (const auto& one : sightings) {
        out.u32(one.node.value());
        put(out, one.ring);
        put(out, one.boot);
    }
    out.u32(crc32c(bytes));
    return bytes;
}

Result<std::vector<Sighting>> decode_seen(std::string_view bytes) {
    if (bytes.size() < kChecksum) {
        return fail(errc::damaged, "what was seen of boots: too short");
    }
    const auto body = bytes.substr(0, bytes.size() - kChecksum);
    ByteReader in(body);
    if (in.u32() != kMagic || ByteReader(bytes.substr(body.size())).u32() != crc32c(body)) {
        return fail(errc::damaged, "what was seen of boots");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "what was seen of boots");
    }
    const auto minor = in.u8();
    const std::size_t count = in.u16();
    bool sound = count <= kMaxNodes;
    std::vector<Sighting> sightings;
    for (std::size_t left = sound ? count : 0; left > 0; --left) {
        Sighting one;
        one.node = NodeId(in.u32());
        one.ring = get_ring(in);
        one.boot = get_uuid(in);
        sound = sound && has_place(one.node);
        sightings.push_back(one);
    }
    if (!sound || in.failed() || (!in.at_end() && minor <= kMinor)) {
        return fail(errc::damaged, "what was seen of boots: fields");
    }
    return sightings;
}

}  // namespace quorate::quorum
