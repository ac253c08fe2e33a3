#include "pair.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;

// A view comes, and the next one, or the end of a tree, before a node has looked at all its trees.
class ShortEpoch : public testing::Pair {};

// In the epoch between the second node was not the directory of some roots, and forgot them.
TEST_F(ShortEpoch, ADirectoryThatHasForgottenIsToldAgain) {
    view(1, {1, 2});
    first.open(1);
    second.open(1);
    settle();
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        first.lock(1, name(root), EX);
        exchange();
    }
    settle();
    view(2, {1, 2, 3});
    view(3, {1, 2});
    settle();
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        second.lock(1, name(root), EX, flag::NOQUEUE);
        settle();
    }
    EXPECT_EQ(first.manager().counts().trees_mastered, kRoots);
    EXPECT_EQ(second.manager().counts().trees_mastered, 0U);
}

TEST_F(ShortEpoch, TheNewDirectoryHearsOfTheTokensOfATreeThatEndedAtOnce) {
    first.alone();
    first.open(1);
    std::vector<Completion> held;
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        held.push_back(first.lock(1, name(root), NL));
    }
    view(2, {1, 2});
    second.open(1);
    std::vector<Token> tokens;
    for (const auto& lock : held) {
        tokens.push_back(first.convert(1, lock.lock, EX).token);
        first.unlock(1, lock.lock);
    }
    settle();
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        second.lock(1, name(root), EX);
        if (const auto lock = second.last(); lock.status == kGranted) {  // it is the directory
            EXPECT_GT(lock.token, tokens[root]) << name(root);
        }
        settle();
    }
    EXPECT_GT(second.manager().counts().trees_mastered, 0U);
}

}  // namespace
}  // namespace quorate::lockmgr
