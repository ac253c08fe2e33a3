#include "mail/store/errc.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

class ViewTest : public StoreTest {
protected:
    void SetUp() override {
        StoreTest::SetUp();
        for (int i = 1; i <= 5; ++i) {
            append(account(), "INBOX", message(std::to_string(i)));
        }
    }
    void remove(Account& of, Uids uids) {
        ASSERT_TRUE(of.remove_messages(of.mailbox("INBOX")->id, uids));
    }
};

TEST_F(ViewTest, NumbersChangeOnlyAtSync) {
    auto& anna = account();
    int woken = 0;
    auto shown = view(anna, "INBOX", false, [&] { ++woken; });
    remove(anna, {2, 4});
    append(anna, "INBOX", message("6"));
    EXPECT_EQ(woken, 2);
    EXPECT_EQ(uids(*shown), Uids({1, 2, 3, 4, 5}));
    EXPECT_TRUE(shown->has_changes());
    EXPECT_TRUE(shown->expunged(1));
    EXPECT_FALSE(shown->expunged(2));
    const auto changes = shown->sync(true);
    EXPECT_EQ(changes.expunged, Positions({1, 2})) << "each counts after those before it";
    EXPECT_EQ(changes.exists, 4U);
    EXPECT_EQ(uids(*shown), Uids({1, 3, 5, 6}));
    EXPECT_FALSE(shown->has_changes());
}

// RFC 3501 7.4.1: no EXPUNGE while a FETCH, STORE or SEARCH is in progress.
TEST_F(ViewTest, ExpungesCanWait) {
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    remove(anna, {1});
    append(anna, "INBOX", message("6"));
    auto changes = shown->sync(false);
    EXPECT_TRUE(changes.expunged.empty());
    EXPECT_EQ(changes.exists, 6U);
    EXPECT_TRUE(shown->has_changes());
    EXPECT_EQ(uids(*shown), Uids({1, 2, 3, 4, 5, 6}));
    changes = shown->sync(true);
    EXPECT_EQ(changes.expunged, Positions({0}));
    EXPECT_EQ(shown->size(), 5U);
}

TEST_F(ViewTest, WhatCameAndWentBetweenTwoSyncsIsNotMentioned) {
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    append(anna, "INBOX", message("6"));
    append(anna, "INBOX", message("7"));
    remove(anna, {6});
    const auto changes = shown->sync(true);
    EXPECT_TRUE(changes.expunged.empty());
    EXPECT_EQ(changes.exists, 6U);
    EXPECT_EQ(uids(*shown), Uids({1, 2, 3, 4, 5, 7}));
}

TEST_F(ViewTest, AnExpungedMessageIsReadableUntilSync) {
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    remove(anna, {2});
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_EQ(body(anna, *shown, 1), message("2"));
    EXPECT_TRUE(anna.change_flags(*shown, Positions{1}, {FlagAction::kAdd, kSeen, {}})->empty());
    EXPECT_TRUE(anna.copy(*shown, Positions{1}, anna.mailbox("INBOX")->id)->source_uids.empty());
    const auto id = shown->at(1).body;
    shown->sync(true);
    append(anna, "INBOX", message("6"));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_FALSE(anna.content(id));
    expect_sound();
}

TEST_F(ViewTest, TwoViewsLearnAtTheirOwnTime) {
    auto& anna = account();
    auto first = view(anna, "INBOX");
    auto second = view(anna, "INBOX");
    remove(anna, {1, 3});
    EXPECT_EQ(first->sync(true).expunged, Positions({0, 1}));
    EXPECT_EQ(uids(*first), Uids({2, 4, 5}));
    EXPECT_EQ(uids(*second), Uids({1, 2, 3, 4, 5}));
    EXPECT_EQ(body(anna, *second, 2), message("3"));
    remove(anna, {2});
    EXPECT_EQ(second->sync(true).expunged, Positions({0, 0, 0}));
    EXPECT_EQ(uids(*second), Uids({4, 5}));
    EXPECT_EQ(first->sync(true).expunged, Positions({0}));
    auto third = view(anna, "INBOX");
    EXPECT_EQ(uids(*third), Uids({4, 5}));
}

TEST_F(ViewTest, FlagsOfOthersAreReportedAndOnesOwnAreNot) {
    auto& anna = account();
    auto mine = view(anna, "INBOX");
    int woken = 0;
    auto other = view(anna, "INBOX", false, [&] { ++woken; });
    ASSERT_TRUE(anna.change_flags(*mine, Positions{1, 3}, {FlagAction::kAdd, kFlagged, {}}));
    EXPECT_TRUE(mine->sync(true).flags.empty());
    EXPECT_EQ(woken, 1);
    remove(anna, {1});
    const auto changes = other->sync(true);
    EXPECT_EQ(changes.expunged, Positions({0}));
    EXPECT_EQ(changes.flags, Positions({0, 2})) << "positions after the expunge";
    EXPECT_EQ(other->at(0).flags, kFlagged);
}

TEST_F(ViewTest, NewKeywordsAreReportedToAllOnce) {
    auto& anna = account();
    auto mine = view(anna, "INBOX");
    auto other = view(anna, "INBOX");
    ASSERT_TRUE(anna.change_flags(*mine, Positions{0}, {FlagAction::kAdd, 0, {"new"}}));
    EXPECT_TRUE(mine->sync(true).keywords);
    EXPECT_TRUE(other->sync(true).keywords);
    ASSERT_TRUE(anna.change_flags(*mine, Positions{1}, {FlagAction::kAdd, 0, {"NEW"}}));
    EXPECT_FALSE(mine->sync(true).keywords);
    EXPECT_FALSE(other->sync(true).keywords);
}

TEST_F(ViewTest, UidsAreFoundByOrder) {
    auto& anna = account();
    remove(anna, {2, 4});
    auto shown = view(anna, "INBOX");
    EXPECT_EQ(shown->lower_bound(1), 0U);
    EXPECT_EQ(shown->lower_bound(2), 1U);
    EXPECT_EQ(shown->lower_bound(3), 1U);
    EXPECT_EQ(shown->lower_bound(5), 2U);
    EXPECT_EQ(shown->lower_bound(6), shown->size());
}

TEST_F(ViewTest, TheFirstUnseenFollows) {
    auto& anna = account();
    auto shown = view(anna, "INBOX");
    const auto seen = [&](Positions positions, FlagAction action) {
        ASSERT_TRUE(anna.change_flags(*shown, positions, {action, kSeen, {}}));
    };
    EXPECT_EQ(shown->first_unseen(), 0U);
    seen({0, 1, 3}, FlagAction::kAdd);
    EXPECT_EQ(shown->first_unseen(), 2U);
    remove(anna, {1});
    EXPECT_EQ(shown->first_unseen(), 2U);
    shown->sync(true);
    EXPECT_EQ(shown->first_unseen(), 1U);
    seen({0, 1, 2, 3}, FlagAction::kAdd);
    EXPECT_EQ(shown->first_unseen(), std::nullopt);
    seen({2}, FlagAction::kRemove);
    EXPECT_EQ(shown->first_unseen(), 2U);
    append(anna, "INBOX", message("6"));
    seen({2}, FlagAction::kAdd);
    EXPECT_EQ(shown->first_unseen(), std::nullopt) << "the new one is not shown yet";
    shown->sync(true);
    EXPECT_EQ(shown->first_unseen(), 4U);
}

TEST_F(ViewTest, OutlivesTheLastOtherHolderOfTheAccount) {
    auto shown = view(account(), "INBOX");
    accounts_.clear();
    EXPECT_EQ(shown->size(), 5U);
    shown.reset();
}

}  // namespace
}  // namespace quorate::mail::store
