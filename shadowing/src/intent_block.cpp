#include "shadowing/intent_block.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint32_t kMagic = 0x4c495751;  // "QWIL"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kHeader = 64;
constexpr std::size_t kChecksumAt = 60;

static_assert(kHeader + kMaxHotRegions * 4 == kMetaBlock);

bool is_ascending(const std::vector<std::uint32_t>& regions) {
    return std::ranges::adjacent_find(regions, std::greater_equal<>()) == regions.end();
}

std::uint32_t checksum_of(std::string_view bytes) {
    return crc32c(bytes.substr(kHeader), crc32c(bytes.substr(0, kChecksumAt)));
}

}  // namespace

std::string encode(const IntentBlock& block) {
    QUORATE_ASSERT(block.regions.size() <= kMaxHotRegions && is_ascending(block.regions));
    QUORATE_ASSERT(block.sequence != 0 && block.region_shift <= kMaxRegionShift);
    std::string header;
    ByteWriter out(header);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u16(block.slot.value());
    out.u64(block.set.high);
    out.u64(block.set.low);
    out.u64(block.sequence);
    out.u64(block.opener.incarnation.value());
    out.u64(block.epoch);
    out.u32(block.opener.node.value());
    out.u8(block.region_shift);
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(block.regions.size()));
    out.u32(0);
    QUORATE_ASSERT(header.size() == kChecksumAt);

    std::string regions;
    ByteWriter list(regions);
    for (const auto region : block.regions) {
        list.u32(region);
    }
    regions.resize(kMetaBlock - kHeader, '\0');
    out.u32(crc32c(regions, crc32c(header)));
    return header + regions;
}

Result<IntentBlock> decode_intent_block(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.u32() != kMagic) {
        return fail(errc::not_a_member, "write-intent log: not one");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "write-intent log");
    }
    if (bytes.size() != kMetaBlock) {
        return fail(errc::damaged, "write-intent log: length");
    }
    in.u8();  // a higher minor version changes nothing that is read here
    IntentBlock block;
    block.slot = OpenerSlot(in.u16());
    block.set.high = in.u64();
    block.set.low = in.u64();
    block.sequence = in.u64();
    block.opener.incarnation = cluster::Incarnation(in.u64());
    block.epoch = in.u64();
    block.opener.node = cluster::NodeId(in.u32());
    block.region_shift = in.u8();
    const auto reserved = in.u8();
    const auto count = in.u16();
    const auto reserved_too = in.u32();
    const auto checksum = in.u32();
    if (checksum != checksum_of(bytes)) {
        return fail(errc::damaged, "write-intent log: checksum");
    }
    if (count > kMaxHotRegions) {
        return fail(errc::damaged, "write-intent log: count");
    }
    for (std::size_t i = 0; i < count; ++i) {
        block.regions.push_back(in.u32());
    }
    const auto rest = in.raw(kMetaBlock - in.offset());
    if (reserved != 0 || reserved_too != 0 || block.sequence == 0 ||
        block.region_shift > kMaxRegionShift || !is_ascending(block.regions) ||
        rest.find_first_not_of('\0') != std::string_view::npos) {
        return fail(errc::damaged, "write-intent log: fields");
    }
    return block;
}

Result<std::optional<IntentBlock>> choose_intent(const std::array<std::string, 2>& blocks,
                                                 Id128 set, OpenerSlot slot) {
    std::optional<IntentBlock> newest;
    std::size_t torn = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        auto block = decode_intent_block(blocks[i]);
        if (!block) {
            if (block.error().code == errc::unsupported_version) {
                return tl::unexpected(block.error());
            }
            torn += block.error().code == errc::damaged ? 1 : 0;
            continue;
        }
        if (block->set != set) {
            continue;
        }
        if (block->slot != slot || block->sequence % kIntentBlocks != i) {
            ++torn;  // sound, but not here: written to the wrong place
            continue;
        }
        if (!newest || block->sequence > newest->sequence) {
            newest = std::move(*block);
        }
    }
    // The very first write of a slot may be torn: nothing was begun on its word. Two never are.
    if (!newest && torn == blocks.size()) {
        return fail(errc::damaged, "write-intent log: neither block of the slot is sound");
    }
    return newest;
}

}  // namespace quorate::shadowing
