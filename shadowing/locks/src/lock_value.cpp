#include "shadowing/locks/lock_value.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace quorate::shadowing {

std::string lock_name(Id128 set, const LockName& lock) {
    const auto prefix = set.to_hex();
    switch (lock.kind) {
        case LockKind::kMembership:
            return prefix + "/members";
        case LockKind::kSlot:
            return fmt::format("{}/slot/{}", prefix, lock.number);
        case LockKind::kStall:
            return prefix + "/stall";
        case LockKind::kMember:
            return fmt::format("{}/disk/{:016x}", prefix, lock.number);
        case LockKind::kCopy:
            return prefix + "/copy";
        case LockKind::kScrub:
            return prefix + "/scrub";
        case LockKind::kExpand:
            break;
    }
    return prefix + "/expand";
}

lockmgr::LockMode mode_of(Hold hold) {
    switch (hold) {
        case Hold::kShared:
            return lockmgr::LockMode::CR;
        case Hold::kWork:
            return lockmgr::LockMode::PW;
        case Hold::kExclusive:
            return lockmgr::LockMode::EX;
        case Hold::kNone:
        case Hold::kNull:
            break;
    }
    return lockmgr::LockMode::NL;
}

lockmgr::ValueBlock encode_value(const WitnessWord& word) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u64(word.lineage.high);
    out.u64(word.lineage.low);
    out.u64(word.generation.number);
    out.u64(word.generation.id);
    lockmgr::ValueBlock block{};
    QUORATE_ASSERT(bytes.size() <= block.size());
    std::ranges::copy(bytes, block.begin());
    return block;
}

SetValue decode_value(const lockmgr::ValueBlock& block, bool valid) {
    ByteReader in({block.data(), block.size()});
    SetValue value;
    value.word.lineage.high = in.u64();
    value.word.lineage.low = in.u64();
    value.word.generation.number = in.u64();
    value.word.generation.id = in.u64();
    if (!valid) {
        value.state = ValueState::kInvalid;
    } else if (value.word.generation.number != 0) {
        value.state = ValueState::kValid;
    }
    return value;
}

}  // namespace quorate::shadowing
