#include "shadowing/label.hpp"

#include <algorithm>
#include <set>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "shadowing/errc.hpp"
#include "shadowing/intent_block.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint32_t kMagic = 0x4c485351;  // "QSHL"
constexpr std::uint8_t kMajor = 2;
constexpr std::uint8_t kMinor = 0;
constexpr std::size_t kHeader = 20;
constexpr std::size_t kChecksum = 4;
constexpr std::size_t kFixed = 3 * 16 + 16 + 2 + 8 + 8 + 40;
constexpr std::size_t kMember = 16 + 2 + 3 * 8;
constexpr std::size_t kFork = 16 + 8;
constexpr std::uint16_t kClean = 1;
constexpr std::uint64_t kAlignment = 1 << 20;  // of the data
constexpr std::uint64_t kMaxDataOffset = std::uint64_t{1} << 40;

static_assert(kHeader + kFixed + 1 + kMaxUnitName + 1 + kMaxMembers * kMember + 1 +
                  kMaxForks * kFork + kChecksum <=
              kMetaBlock);

void put(ByteWriter& out, const Id128& id) {
    out.u64(id.high);
    out.u64(id.low);
}

Id128 get_id(ByteReader& in) {
    Id128 id;
    id.high = in.u64();
    id.low = in.u64();
    return id;
}

void put(ByteWriter& out, const Layout& layout) {
    out.u8(layout.block_shift);
    out.u8(layout.region_shift);
    out.u16(layout.openers);
    out.u32(layout.slot_octets);
    out.u64(layout.log_offset);
    out.u64(layout.data_offset);
    out.u64(layout.member_blocks);
}

Layout get_layout(ByteReader& in) {
    Layout layout;
    layout.block_shift = in.u8();
    layout.region_shift = in.u8();
    layout.openers = in.u16();
    layout.slot_octets = in.u32();
    layout.log_offset = in.u64();
    layout.data_offset = in.u64();
    layout.member_blocks = in.u64();
    return layout;
}

// What is read is used as a divisor, an offset or a size: it must be one.
bool is_sound(const Layout& layout) {
    const auto log_octets = std::uint64_t{layout.openers} * layout.slot_octets;
    return layout.block_shift >= kMinBlockShift && layout.block_shift <= kMaxBlockShift &&
           layout.region_shift <= kMaxRegionShift && layout.openers >= 1 &&
           layout.openers <= kMaxOpeners && layout.slot_octets >= kIntentBlocks * kIntentOctets &&
           layout.slot_octets % kMetaBlock == 0 && layout.log_offset >= kMetaBlock &&
           layout.log_offset % kMetaBlock == 0 && layout.data_offset % kMetaBlock == 0 &&
           layout.data_offset >= log_octets && layout.data_offset <= kMaxDataOffset &&
           layout.log_offset <= layout.data_offset - log_octets && layout.member_blocks >= 1 &&
           layout.member_blocks <= kMaxMemberBlocks &&
           (layout.member_blocks - 1) >> layout.region_shift <= UINT32_MAX;
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_sound(const Label& label) {
    std::set<Id128> ids;
    for (const auto& member : label.members) {
        const auto limit = member.role == Role::kFull       ? 0
                           : member.role == Role::kExpelled ? label.generation.number
                                                            : label.set_blocks;
        if (!ids.insert(member.id).second || member.since > label.generation.number ||
            member.fence > limit) {
            return false;
        }
    }
    return is_sound(label.layout) && label.set_blocks >= 1 &&
           label.set_blocks <= label.layout.member_blocks && !label.unit.empty() &&
           label.unit.size() <= kMaxUnitName && is_printable(label.unit) &&
           label.members.size() <= kMaxMembers && label.forks.size() <= kMaxForks &&
           ids.contains(label.member);
}

std::string encode_fields(const Label& label) {
    std::string bytes;
    ByteWriter out(bytes);
    put(out, label.member);
    put(out, label.set);
    put(out, label.lineage);
    out.u64(label.generation.number);
    out.u64(label.generation.id);
    out.u16(label.clean ? kClean : 0);
    out.u64(label.mounted_epoch);
    out.u64(label.set_blocks);
    put(out, label.layout);
    out.u64(label.changes_since);
    out.u8(static_cast<std::uint8_t>(label.unit.size()));
    out.raw(label.unit);
    out.u8(static_cast<std::uint8_t>(label.members.size()));
    for (const auto& member : label.members) {
        put(out, member.id);
        out.u8(static_cast<std::uint8_t>(member.role));
        out.u8(0);
        out.u64(member.since);
        out.u64(member.fence);
        out.u64(member.life);
    }
    out.u8(static_cast<std::uint8_t>(label.forks.size()));
    for (const auto& fork : label.forks) {
        put(out, fork.lineage);
        out.u64(fork.generation);
    }
    return bytes;
}

LabelMember get_member(ByteReader& in, bool& sound) {
    LabelMember member;
    member.id = get_id(in);
    const auto role = in.u8();
    sound &= role >= 1 && role <= static_cast<std::uint8_t>(Role::kExpelled) && in.u8() == 0;
    member.role = sound ? static_cast<Role>(role) : Role::kExpelled;
    member.since = in.u64();
    member.fence = in.u64();
    member.life = in.u64();
    return member;
}

Label get_fields(ByteReader& in, bool& sound) {
    Label label;
    label.member = get_id(in);
    label.set = get_id(in);
    label.lineage = get_id(in);
    label.generation.number = in.u64();
    label.generation.id = in.u64();
    const auto flags = in.u16();
    sound &= (flags & ~kClean) == 0;
    label.clean = (flags & kClean) != 0;
    label.mounted_epoch = in.u64();
    label.set_blocks = in.u64();
    label.layout = get_layout(in);
    label.changes_since = in.u64();
    label.unit = in.raw(in.u8());
    const auto members = in.u8();
    for (std::size_t i = 0; sound && i < members && i < kMaxMembers; ++i) {
        label.members.push_back(get_member(in, sound));
    }
    const auto forks = in.u8();
    for (std::size_t i = 0; sound && i < forks && i < kMaxForks; ++i) {
        Fork fork;
        fork.lineage = get_id(in);
        fork.generation = in.u64();
        label.forks.push_back(fork);
    }
    sound &= members <= kMaxMembers && forks <= kMaxForks && !in.failed() && is_sound(label);
    return label;
}

bool all_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// The more telling error: a newer version before damage before nothing there.
int weight(const std::error_code& code) {
    return code == errc::unsupported_version ? 2 : code == errc::damaged ? 1 : 0;
}

}  // namespace

std::string_view name_of(Role role) {
    switch (role) {
        case Role::kFull:
            return "FULL";
        case Role::kCopy:
            return "COPY";
        case Role::kMinicopy:
            return "MINICOPY";
        case Role::kMerge:
            return "MERGE";
        case Role::kExpelled:
            return "expelled";
    }
    return "?";
}

const LabelMember* Label::find(Id128 id) const {
    const auto it = std::ranges::find(members, id, &LabelMember::id);
    return it == members.end() ? nullptr : &*it;
}

std::string encode(const Label& label, std::uint16_t copy) {
    QUORATE_ASSERT(is_sound(label));
    const auto fields = encode_fields(label);
    std::string block;
    ByteWriter out(block);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u16(copy);
    out.u32(static_cast<std::uint32_t>(fields.size()));
    out.u64(label.sequence);
    out.raw(fields);
    out.u32(crc32c(block));
    block.resize(kMetaBlock, '\0');
    return block;
}

Result<Label> decode_label(std::string_view block, std::uint16_t copy) {
    ByteReader in(block);
    if (in.u32() != kMagic) {
        return fail(errc::not_a_member, "shadow label: not one");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "shadow label");
    }
    const auto minor = in.u8();
    const auto found_copy = in.u16();
    const auto size = in.u32();
    const auto sequence = in.u64();
    const auto body = in.raw(size);
    const auto covered = in.offset();
    const auto checksum = in.u32();
    if (block.size() != kMetaBlock || in.failed() || found_copy != copy ||
        checksum != crc32c(block.substr(0, covered)) ||
        !all_zero(block.substr(covered + kChecksum))) {
        return fail(errc::damaged, "shadow label: checksum or length");
    }
    bool sound = true;
    ByteReader fields(body);
    auto label = get_fields(fields, sound);
    label.sequence = sequence;
    if (!sound || (!fields.at_end() && minor <= kMinor)) {
        return fail(errc::damaged, "shadow label: fields");
    }
    return label;
}

Result<FoundLabel> choose_label(const std::array<std::string, 2>& copies) {
    auto first = decode_label(copies[0], 0);
    auto second = decode_label(copies[1], 1);
    if (first && second) {
        const std::uint16_t newest = first->sequence >= second->sequence ? 0 : 1;
        const bool both = *first == *second;
        return FoundLabel{newest == 0 ? std::move(*first) : std::move(*second), newest, both};
    }
    if (first) {
        return FoundLabel{std::move(*first), 0, false};
    }
    if (second) {
        return FoundLabel{std::move(*second), 1, false};
    }
    const bool second_tells = weight(second.error().code) > weight(first.error().code);
    return tl::unexpected(second_tells ? second.error() : first.error());
}

Result<Layout> lay_out(std::uint64_t device_octets, std::uint8_t block_shift,
                       std::uint16_t openers) {
    QUORATE_ASSERT(block_shift >= kMinBlockShift && block_shift <= kMaxBlockShift);
    QUORATE_ASSERT(openers >= 1 && openers <= kMaxOpeners);
    Layout layout;
    layout.block_shift = block_shift;
    layout.region_shift = static_cast<std::uint8_t>(22 - block_shift);  // regions of 4 MiB
    layout.openers = openers;
    layout.log_offset = kMetaBlock;
    constexpr std::uint64_t slot = kIntentBlocks * kIntentOctets;
    layout.slot_octets = static_cast<std::uint32_t>(slot);
    const auto log_end = layout.log_offset + openers * slot;
    layout.data_offset = (log_end + kAlignment - 1) / kAlignment * kAlignment;
    const auto octets = layout.data_offset + kMetaBlock + (std::uint64_t{1} << block_shift);
    if (device_octets < octets) {
        return fail(errc::refused, "the disk is too small for a shadow set");
    }
    layout.member_blocks = (second_copy_offset(device_octets) - layout.data_offset) >> block_shift;
    return layout;
}

}  // namespace quorate::shadowing
