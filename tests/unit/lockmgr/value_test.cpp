#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::block;
using testing::Node;
constexpr LockMode kAll[] = {NL, CR, CW, PR, PW, EX};

// dlm.md 2.5. A second lock in NL keeps the resource.
class ValueBlocks : public testing::OneNode {
protected:
    LockId keeper(std::string_view name) { return node.lock(9, name, NL).lock; }
    // What a reader is told, and whether it may believe it.
    std::string read(std::string_view name) {
        const auto lock = node.lock(8, name, CR, flag::VALBLK);
        const auto text = std::string(lock.value.data()) + (lock.value_valid ? "" : "?");
        node.unlock(8, lock.lock);
        return text;
    }
    void write(std::string_view name, std::string_view text) {
        const auto lock = node.lock(7, name, PW);
        node.unlock(7, lock.lock, flag::VALBLK, block(text));
    }
};

TEST_F(ValueBlocks, ConversionsReadOrWriteAsTheTableSays) {
    for (const auto from : kAll) {
        for (const auto to : kAll) {
            const auto name = std::string(name_of(from)) + std::string(name_of(to));
            keeper(name);
            write(name, "old");
            const auto lock = node.lock(1, name, from);
            const auto done = node.convert(1, lock.lock, to, flag::VALBLK, block("new"));
            ASSERT_EQ(done.status, kGranted) << name;
            const auto effect = value_effect(from, to);
            EXPECT_EQ(done.has_value, effect == ValueEffect::kRead) << name;
            if (done.has_value) {
                EXPECT_STREQ(done.value.data(), "old") << name;
            }
            node.unlock(1, lock.lock);
            EXPECT_EQ(read(name), effect == ValueEffect::kWrite ? "new" : "old") << name;
        }
    }
}

TEST_F(ValueBlocks, NothingIsCopiedWithoutTheFlag) {
    keeper("r");
    write("r", "old");
    const auto lock = node.lock(1, "r", EX);
    EXPECT_FALSE(lock.has_value);
    node.convert(1, lock.lock, NL, 0, block("new"));
    EXPECT_EQ(read("r"), "old");
}

TEST_F(ValueBlocks, AShortWriterLeavesTheOtherHalf) {
    keeper("r");
    const std::string first(kShortBlockSize, 'a');
    const std::string second(kShortBlockSize, 'b');
    const auto other = std::string(kShortBlockSize, 'c') + std::string(kShortBlockSize, 'd');
    const auto content = [&] {
        const auto lock = node.lock(8, "r", CR, flag::VALBLK);
        node.unlock(8, lock.lock);
        return std::string(lock.value.begin(), lock.value.end());
    };
    write("r", first + second);
    // Neither has read the block.
    const auto lock = node.lock(1, "r", EX);
    node.convert(1, lock.lock, CR, flag::VALBLK | flag::SHORTBLK, block(other));
    EXPECT_EQ(content(), other.substr(0, kShortBlockSize) + second);
    write("r", first + second);
    const auto again = node.lock(1, "r", PW);
    node.unlock(1, again.lock, flag::VALBLK | flag::SHORTBLK, block(other));
    EXPECT_EQ(content(), other.substr(0, kShortBlockSize) + second);
}

// What Linux leaves to the mode that comes of it: a program that asks to read has nothing to write.
TEST_F(ValueBlocks, WhoAskedToReadWritesNothingWithTheAlternative) {
    for (const auto& [alternative, mode] : {std::pair(flag::ALTPR, PR), {flag::ALTCW, CW}}) {
        const std::string name(name_of(mode));
        node.lock(9, name, CR);  // forbids EX
        write(name, "old");
        const auto lock = node.lock(1, name, PW);
        for (const auto doubt : {0U, flag::IVVALBLK}) {
            const auto flags = alternative | flag::VALBLK | doubt;
            const auto done = node.convert(1, lock.lock, EX, flags, block("new"));
            ASSERT_EQ(done.status, kGranted) << name;
            EXPECT_EQ(done.mode, mode);
            EXPECT_TRUE(done.alternative) << name;
            EXPECT_TRUE(done.has_value) << name;
            EXPECT_STREQ(done.value.data(), "old") << name;
            EXPECT_EQ(read(name), "old") << name;
            node.convert(1, lock.lock, PW);
        }
    }
}

TEST_F(ValueBlocks, TheFirstContentIsValidAndZero) {
    const auto lock = node.lock(1, "r", CR, flag::VALBLK);
    EXPECT_TRUE(lock.has_value);
    EXPECT_TRUE(lock.value_valid);
    EXPECT_EQ(lock.value, ValueBlock{});
}

TEST_F(ValueBlocks, ReleasesWriteFromPwAndExOnly) {
    for (const auto held : kAll) {
        const std::string name(name_of(held));
        keeper(name);
        write(name, "old");
        const auto lock = node.lock(1, name, held);
        node.unlock(1, lock.lock, flag::VALBLK, block("new"));
        EXPECT_EQ(read(name), writes_value(held) ? "new" : "old") << name;
    }
}

TEST_F(ValueBlocks, InvalidStaysUntilSomebodyWritesAndKeepsTheContent) {
    keeper("r");
    write("r", "old");
    const auto lock = node.lock(1, "r", EX);
    node.unlock(1, lock.lock, flag::IVVALBLK);
    EXPECT_EQ(read("r"), "old?");
    EXPECT_EQ(read("r"), "old?");
    write("r", "new");
    EXPECT_EQ(read("r"), "new");
}

TEST_F(ValueBlocks, OnlyAWriterInvalidates) {
    for (const auto held : kAll) {
        const std::string name(name_of(held));
        keeper(name);
        write(name, "old");
        const auto lock = node.lock(1, name, held);
        node.unlock(1, lock.lock, flag::IVVALBLK);
        EXPECT_EQ(read(name), writes_value(held) ? "old?" : "old") << name;
    }
}

// dlm.md 2.14.
TEST_F(ValueBlocks, AWriterThatDiesLeavesItInvalid) {
    for (const auto held : kAll) {
        const std::string name(name_of(held));
        keeper(name);
        write(name, "old");
        node.lock(1, name, held);
        node.give(ClientGone{ClientId(1)});
        node.open(1);
        EXPECT_EQ(read(name), writes_value(held) ? "old?" : "old") << name;
    }
}

TEST_F(ValueBlocks, GoWithTheLastLock) {
    write("r", "old");
    EXPECT_EQ(read("r"), "");
}

}  // namespace
}  // namespace quorate::lockmgr
