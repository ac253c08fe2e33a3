#include "shadowing/intent_block.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint32_t kMagic = 0x4c495751;  // "QWIL"
constexpr std::uint8_t kMajor = 2;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kHeader = 64;
constexpr std::size_t kChecksumAt = 60;
constexpr std::uint8_t kMaxChangedShift = 16;

static_assert(kHeader + kMaxHotRegions * 4 == kMetaBlock);

bool is_ascending(const std::vector<std::uint32_t>& regions) {
    return std::ranges::adjacent_find(regions, std::greater_equal<>()) == regions.end();
}

std::uint32_t checksum_of(std::string_view bytes) {
    return crc32c(bytes.substr(kHeader), crc32c(bytes.substr(0, kChecksumAt)));
}

}  // namespace

std::uint8_t changed_shift_for(std::uint64_t set_blocks, std::uint8_t region_shift) {
    std::uint8_t shift = 0;
    while ((set_blocks - 1) >> region_shift >> shift >= kChangedBits) {
        ++shift;
    }
    return shift;
}

void begin_changes(IntentBlock& block, std::uint64_t since, std::uint8_t shift) {
    if (block.changes_since != since) {
        block.changes_since = since;
        block.changed_shift = since == 0 ? std::uint8_t{0} : shift;
        block.changed.assign(since == 0 ? 0 : kChangedOctets, '\0');
    }
    if (since == 0 || shift <= block.changed_shift) {
        return;
    }
    // The set has grown: a bit stands for more.
    const auto by = shift - block.changed_shift;
    const auto old = std::exchange(block.changed, std::string(kChangedOctets, '\0'));
    for (std::size_t bit = 0; bit < kChangedBits; ++bit) {
        if ((old[bit / 8] >> (bit % 8) & 1) != 0) {
            auto& octet = block.changed[(bit >> by) / 8];
            octet = static_cast<char>(octet | 1 << ((bit >> by) % 8));
        }
    }
    block.changed_shift = shift;
}

void mark_changed(IntentBlock& block, std::uint32_t region) {
    const auto bit = region >> block.changed_shift;
    QUORATE_ASSERT(block.changes_since != 0 && bit < kChangedBits);
    auto& octet = block.changed[bit / 8];
    octet = static_cast<char>(octet | 1 << (bit % 8));
}

std::set<std::uint32_t> changed_regions(const IntentBlock& block, std::uint64_t since) {
    std::set<std::uint32_t> regions(block.regions.begin(), block.regions.end());
    if (block.changes_since != since || since == 0) {
        return regions;
    }
    for (std::uint32_t bit = 0; bit < kChangedBits; ++bit) {
        if ((block.changed[bit / 8] >> (bit % 8) & 1) == 0) {
            continue;
        }
        for (std::uint32_t i = 0; i < std::uint32_t{1} << block.changed_shift; ++i) {
            regions.insert((bit << block.changed_shift) + i);
        }
    }
    return regions;
}

std::string encode(const IntentBlock& block) {
    QUORATE_ASSERT(block.regions.size() <= kMaxHotRegions && is_ascending(block.regions));
    QUORATE_ASSERT(block.sequence != 0 && block.region_shift <= kMaxRegionShift);
    QUORATE_ASSERT(block.changed.size() == (block.changes_since == 0 ? 0 : kChangedOctets));
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
    out.u8(block.changed_shift);
    out.u16(static_cast<std::uint16_t>(block.regions.size()));
    out.u32(0);
    QUORATE_ASSERT(header.size() == kChecksumAt);

    std::string rest;
    ByteWriter list(rest);
    for (const auto region : block.regions) {
        list.u32(region);
    }
    rest.resize(kMetaBlock - kHeader, '\0');
    list.u64(block.changes_since);
    list.raw(block.changed);
    rest.resize(kIntentOctets - kHeader, '\0');
    out.u32(crc32c(rest, crc32c(header)));
    return header + rest;
}

Result<IntentBlock> decode_intent_block(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.u32() != kMagic) {
        return fail(errc::not_a_member, "write-intent log: not one");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "write-intent log");
    }
    if (bytes.size() != kIntentOctets) {
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
    block.changed_shift = in.u8();
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
    block.changes_since = in.u64();
    block.changed = in.raw(kChangedOctets);
    const bool no_map = block.changed.find_first_not_of('\0') == std::string::npos;
    if (block.changes_since == 0) {
        block.changed.clear();
    }
    if (block.changed_shift > kMaxChangedShift ||
        (block.changes_since == 0 && (!no_map || block.changed_shift != 0)) || reserved_too != 0 ||
        block.sequence == 0 || block.region_shift > kMaxRegionShift ||
        !is_ascending(block.regions) || rest.find_first_not_of('\0') != std::string_view::npos) {
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
