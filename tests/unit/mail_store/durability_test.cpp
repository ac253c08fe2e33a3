#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

using DurabilityTest = StoreTest;

TEST_F(DurabilityTest, AMessageIsThereAfterACleanStop) {
    append(account(), "INBOX", message("one"));
    close();
    open();
    auto& anna = account();
    const auto shown = view(anna, "INBOX");
    ASSERT_EQ(uids(*shown), Uids({1}));
    EXPECT_EQ(body(anna, *shown, 0), message("one"));
    expect_sound();
}

TEST_F(DurabilityTest, AFlushedMessageSurvivesAKillBeforeItIsSettled) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    flush();
    EXPECT_EQ(store_->durable(), anna.last_lsn());
    kill();
    open();
    auto& again = account();
    const auto shown = view(again, "INBOX");
    ASSERT_EQ(uids(*shown), Uids({1}));
    EXPECT_EQ(body(again, *shown, 0), message("one"));
    expect_sound();
}

TEST_F(DurabilityTest, WhatWasNotFlushedIsGoneAfterAKillAndItsUidToo) {
    append(account(), "INBOX", message("one"));
    flush();
    append(account(), "INBOX", message("two"));
    kill();
    open();
    EXPECT_EQ(uids(*view(account(), "INBOX")), Uids({1}));
    EXPECT_EQ(append(account(), "INBOX", message("three")), 2U) << "nobody was told of uid 2";
    expect_sound();
}

TEST_F(DurabilityTest, ABodyIsReadableBeforeItIsFlushed) {
    auto& anna = account();
    append(anna, "INBOX", message("one", 100'000));
    const auto shown = view(anna, "INBOX");
    EXPECT_EQ(body(anna, *shown, 0), message("one", 100'000));
    flush();
    EXPECT_EQ(body(anna, *shown, 0), message("one", 100'000));
}

TEST_F(DurabilityTest, ChangesOfEveryKindAreRedone) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("Work/Deep", SpecialUse::kArchive));
    for (int i = 0; i < 5; ++i) {
        append(anna, "INBOX", message(std::to_string(i)), i == 0 ? kSeen : 0, {"$Label"});
    }
    auto shown = view(anna, "INBOX");
    FlagChange change;
    change.system_flags = kFlagged;
    change.keywords = {"later"};
    ASSERT_TRUE(anna.change_flags(*shown, Positions{1, 2}, change));
    ASSERT_TRUE(anna.copy(*shown, Positions{1}, anna.mailbox("Work")->id));
    ASSERT_TRUE(anna.move(*shown, Positions{3, 4}, anna.mailbox("Work/Deep")->id));
    change = {FlagAction::kAdd, kDeleted, {}};
    ASSERT_TRUE(anna.change_flags(*shown, Positions{0}, change));
    ASSERT_TRUE(anna.expunge(*shown, std::nullopt));
    ASSERT_TRUE(anna.rename("Work", "Job"));
    ASSERT_TRUE(anna.subscribe("Job", true));
    ASSERT_TRUE(anna.create("Gone"));
    append(anna, "Gone", message("gone"));
    ASSERT_TRUE(anna.remove("Gone"));
    const auto before = *anna.mailboxes();
    const auto used = anna.quota_use();
    flush();
    shown.reset();
    kill();
    open();
    auto& again = account();
    const auto after = *again.mailboxes();
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(after[i].name, before[i].name);
        EXPECT_EQ(after[i].uid_validity, before[i].uid_validity);
        EXPECT_EQ(after[i].uid_next, before[i].uid_next);
        EXPECT_EQ(after[i].highest_modseq, before[i].highest_modseq);
        EXPECT_EQ(after[i].messages, before[i].messages);
        EXPECT_EQ(after[i].unseen, before[i].unseen);
        EXPECT_EQ(after[i].size, before[i].size);
        EXPECT_EQ(after[i].object_id, before[i].object_id);
        EXPECT_EQ(after[i].special_use, before[i].special_use);
        EXPECT_EQ(after[i].subscribed, before[i].subscribed);
        EXPECT_EQ(after[i].keywords, before[i].keywords);
    }
    EXPECT_EQ(again.quota_use().bytes, used.bytes);
    EXPECT_EQ(again.quota_use().messages, used.messages);
    const auto inbox = view(again, "INBOX");
    EXPECT_EQ(uids(*inbox), Uids({2, 3}));
    EXPECT_EQ(inbox->at(0).flags, kFlagged | 32U | 64U);
    EXPECT_EQ(inbox->at(0).internal_date.zone_minutes, 60);
    EXPECT_EQ(body(again, *view(again, "Job/Deep"), 1), message("4"));
    expect_sound();
}

TEST_F(DurabilityTest, RedoAfterACheckpointBeginsThere) {
    append(account(), "INBOX", message("one"));
    ASSERT_TRUE(store_->checkpoint());
    append(account(), "INBOX", message("two"));
    flush();
    kill();
    open();
    EXPECT_EQ(store_->statistics().replayed, 1U);
    EXPECT_EQ(uids(*view(account(), "INBOX")), Uids({1, 2}));
    expect_sound();
}

TEST_F(DurabilityTest, AMessageSettledAndRedoneIsThereOnce) {
    append(account(), "INBOX", message("one"));
    ASSERT_TRUE(store_->checkpoint());
    append(account(), "INBOX", message("two"));
    flush();
    ASSERT_TRUE(store_->settle(account()));
    kill();
    open();
    EXPECT_EQ(uids(*view(account(), "INBOX")), Uids({1, 2}));
    expect_sound();
}

TEST_F(DurabilityTest, ABodyMayBeSharedByTwoAccounts) {
    const auto text = message("to both");
    const std::vector<AccountId> owners = {kAnna, kBert};
    const auto body_ref = store_->put_body({text}, owners);
    ASSERT_TRUE(body_ref);
    const auto summary = message::summarize(text);
    NewMessage added;
    added.body = *body_ref;
    added.summary = &summary;
    for (const auto id : owners) {
        auto& to = account(id);
        ASSERT_TRUE(to.append(to.mailbox("INBOX")->id, added));
    }
    flush();
    kill();
    open();
    for (const auto id : owners) {
        auto& of = account(id);
        EXPECT_EQ(body(of, *view(of, "INBOX"), 0), text);
    }
}

TEST_F(DurabilityTest, ALargeBodyComesInPieces) {
    auto large = store_->begin_large_body();
    ASSERT_TRUE(large) << large.error().to_string();
    std::string text;
    for (int i = 0; i < 100; ++i) {
        const auto piece = message(std::to_string(i), 10'000);
        ASSERT_TRUE((*large)->write(piece));
        text += piece;
    }
    auto& anna = account();
    const std::vector<AccountId> owners = {kAnna};
    const auto ref = (*large)->finish(owners);
    ASSERT_TRUE(ref) << ref.error().to_string();
    const auto summary = message::summarize(text);
    NewMessage added;
    added.body = *ref;
    added.summary = &summary;
    ASSERT_TRUE(anna.append(anna.mailbox("INBOX")->id, added));
    flush();
    large->reset();
    kill();
    open();
    auto& again = account();
    EXPECT_EQ(body(again, *view(again, "INBOX"), 0), text);
    expect_sound();
}

TEST_F(DurabilityTest, AnUnfinishedLargeBodyLeavesNoFile) {
    auto large = store_->begin_large_body();
    ASSERT_TRUE(large);
    ASSERT_TRUE((*large)->write(std::string(1 << 20, 'x')));
    EXPECT_FALSE(volume_->list("large")->empty());
    large->reset();
    EXPECT_TRUE(volume_->list("large")->empty());
}

}  // namespace
}  // namespace quorate::mail::store
