#include "shadowing/locks/lock_value.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

const WitnessWord kWord{{0, 0x11}, {7, 0xabcd}};

TEST(LockValue, TheDocumentedExample) {
    const auto block = encode_value(kWord);
    const std::string lineage("\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0", 16);
    const std::string generation("\x07\0\0\0\0\0\0\0\xcd\xab\0\0\0\0\0\0", 16);
    EXPECT_EQ(std::string(block.data(), block.size()),
              lineage + generation + std::string(32, '\0'));
}

TEST(LockValue, IsReadAsItWasWritten) {
    const auto value = decode_value(encode_value(kWord), true);
    EXPECT_EQ(value.state, ValueState::kValid);
    EXPECT_EQ(value.word, kWord);
}

TEST(LockValue, ZerosMeanThatNobodyHasTheSetMounted) {
    EXPECT_EQ(decode_value({}, true).state, ValueState::kFresh);
}

TEST(LockValue, AWriterThatDiedLeavesItInvalidWhateverItHas) {
    EXPECT_EQ(decode_value(encode_value(kWord), false).state, ValueState::kInvalid);
    EXPECT_EQ(decode_value({}, false).state, ValueState::kInvalid);
}

TEST(LockValue, NamesFitTheLockManager) {
    const Id128 set{UINT64_MAX, UINT64_MAX};
    const auto hex = std::string(32, 'f');
    EXPECT_EQ(lock_name(set, {}), hex + "/members");
    EXPECT_EQ(lock_name(set, {LockKind::kSlot, 127}), hex + "/slot/127");
    EXPECT_EQ(lock_name(set, {LockKind::kStall, 0}), hex + "/stall");
    EXPECT_EQ(lock_name(set, {LockKind::kMember, 0xab}), hex + "/disk/00000000000000ab");
    EXPECT_EQ(lock_name(set, {LockKind::kCopy, 0}), hex + "/copy");
    EXPECT_LE(lock_name(set, {LockKind::kMember, UINT64_MAX}).size(), lockmgr::kMaxName);
}

TEST(LockValue, OneWhoMergesASlotExcludesTheNextButNotWhoLooks) {
    using lockmgr::compatible;
    EXPECT_FALSE(compatible(mode_of(Hold::kWork), mode_of(Hold::kWork)));
    EXPECT_TRUE(compatible(mode_of(Hold::kShared), mode_of(Hold::kWork)));
    EXPECT_FALSE(compatible(mode_of(Hold::kShared), mode_of(Hold::kExclusive)));
    EXPECT_TRUE(compatible(mode_of(Hold::kNull), mode_of(Hold::kExclusive)));
}

}  // namespace
}  // namespace quorate::shadowing
