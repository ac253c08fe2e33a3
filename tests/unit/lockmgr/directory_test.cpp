#include "directory.hpp"

#include <map>

#include <gtest/gtest.h>

#include "node.hpp"
#include "table.hpp"

namespace quorate::lockmgr {
namespace {

using testing::view_of;

// dlm.md 2.11, with rendezvous hashing in place of the table of weights.
constexpr std::uint64_t kRoots = 20'000;

std::map<std::uint32_t, std::uint64_t> shares(const std::vector<cluster::Member>& members) {
    std::map<std::uint32_t, std::uint64_t> shares;
    for (std::uint64_t root = 0; root < kRoots; ++root) {
        ++shares[directory_of(members, mix(root + 1)).value()];
    }
    return shares;
}

TEST(Directory, EqualWeightsShareEvenly) {
    for (const auto& [node, share] : shares(view_of(1, {1, 2, 3, 4}).members)) {
        EXPECT_NEAR(static_cast<double>(share), kRoots / 4.0, kRoots / 50.0) << node;
    }
}

TEST(Directory, SharesFollowTheWeights) {
    auto view = view_of(1, {1, 2, 3});
    view.members[0].directory_weight = 0;
    view.members[2].directory_weight = 3;
    auto found = shares(view.members);
    EXPECT_EQ(found[1], 0U);
    EXPECT_NEAR(static_cast<double>(found[3]), kRoots * 0.75, kRoots / 50.0);
}

TEST(Directory, AllWeightsZeroCountAsOneEach) {
    auto view = view_of(1, {1, 2});
    for (auto& member : view.members) {
        member.directory_weight = 0;
    }
    EXPECT_NEAR(static_cast<double>(shares(view.members)[1]), kRoots / 2.0, kRoots / 50.0);
}

TEST(Directory, ANodeThatGoesMovesItsOwnShareOnly) {
    const auto before = view_of(1, {1, 2, 3, 4}).members;
    const auto after = view_of(2, {1, 2, 4}).members;
    for (std::uint64_t root = 0; root < kRoots; ++root) {
        const auto was = directory_of(before, mix(root + 1));
        if (was != NodeId(3)) {
            ASSERT_EQ(directory_of(after, mix(root + 1)), was);
        }
    }
}

// A lost life may have mastered a root unless this node has kept the root's entry all the while.
TEST(History, ProvesARootFreeOnlyIfThisNodeKeptItsEntrySinceTheLifeWasThere) {
    const auto both = view_of(1, {1, 2});
    const cluster::MemberId lost{NodeId(2), cluster::Incarnation(200)};
    for (std::uint64_t root = 0; root < 50; ++root) {
        const auto hash = mix(root + 1);
        const bool ours = directory_of(both.members, hash) == NodeId(1);
        History history;
        history.add(both);
        EXPECT_FALSE(history.proves_free(NodeId(1), hash, lost)) << "not everybody has spoken";
        history.completed();
        history.add(view_of(2, {1}, {lost}));
        EXPECT_EQ(history.proves_free(NodeId(1), hash, lost), ours);
        history.clear();
        EXPECT_FALSE(history.proves_free(NodeId(1), hash, lost));
    }
}

}  // namespace
}  // namespace quorate::lockmgr
