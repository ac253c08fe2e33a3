#include "mail/store/errc.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

class MailboxTest : public StoreTest {
protected:
    std::vector<std::string> names(Account& of) {
        std::vector<std::string> all;
        const auto mailboxes = of.mailboxes();
        for (const auto& info : *mailboxes) {
            all.push_back(info.name);
        }
        return all;
    }
};
using Names = std::vector<std::string>;

TEST_F(MailboxTest, InboxAlwaysExistsInAnyCase) {
    auto& anna = account();
    EXPECT_EQ(names(anna), Names({"INBOX"}));
    EXPECT_EQ(anna.mailbox("inbox")->id, anna.mailbox("INBOX")->id);
    EXPECT_EQ(anna.create("InBox").error().code, errc::mailbox_exists);
    EXPECT_EQ(anna.remove("inbox").error().code, errc::inbox_is_fixed);
    EXPECT_EQ(anna.create("inbox/below")->name, "INBOX/below");
}

TEST_F(MailboxTest, CreateMakesMissingParents) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a/b/c", SpecialUse::kSent));
    EXPECT_EQ(names(anna), Names({"INBOX", "a", "a/b", "a/b/c"}));
    EXPECT_EQ(anna.mailbox("a/b")->special_use, SpecialUse::kNone);
    EXPECT_EQ(anna.mailbox("a/b/c")->special_use, SpecialUse::kSent);
}

TEST_F(MailboxTest, NamesThatAreNoneAreRefused) {
    auto& anna = account();
    for (const std::string name : {"", "/", "a/", "/a", "a//b", "a\x01", "\xff", "a\x7f"}) {
        EXPECT_EQ(anna.create(name).error().code, errc::mailbox_name_invalid) << name;
    }
    EXPECT_FALSE(anna.create(std::string(513, 'x')));
    EXPECT_TRUE(anna.create(std::string(512, 'x')));
}

TEST_F(MailboxTest, AMailboxMadeAnewHasAnotherUidvalidity) {
    auto& anna = account();
    const auto first = anna.create("a")->uid_validity;
    now_ -= 1000;  // the clock is set back
    ASSERT_TRUE(anna.remove("a"));
    const auto second = anna.create("a")->uid_validity;
    EXPECT_GT(second, first);
    flush();
    kill();
    open();
    auto& again = account();
    EXPECT_EQ(again.mailbox("a")->uid_validity, second);
    ASSERT_TRUE(again.remove("a"));
    EXPECT_GT(again.create("a")->uid_validity, second);
}

TEST_F(MailboxTest, RemoveTakesTheMessagesAndLeavesTheChildren) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a/b"));
    append(anna, "a", message("x"));
    append(anna, "a/b", message("y"));
    ASSERT_TRUE(anna.remove("a"));
    EXPECT_EQ(names(anna), Names({"INBOX", "a/b"}));
    EXPECT_EQ(anna.quota_use().messages, 1U);
    flush();
    expect_sound();
}

TEST_F(MailboxTest, ARemovedMailboxStaysReadableForItsSessions) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a"));
    append(anna, "a", message("x"));
    int woken = 0;
    auto shown = view(anna, "a", false, [&] { ++woken; });
    ASSERT_TRUE(anna.remove("a"));
    EXPECT_EQ(woken, 1);
    EXPECT_TRUE(shown->gone());
    EXPECT_TRUE(shown->expunged(0));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_EQ(body(anna, *shown, 0), message("x"));
    EXPECT_EQ(anna.expunge(*shown, std::nullopt).error().code, errc::no_such_mailbox);
    shown.reset();
    append(anna, "INBOX", message("y"));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    expect_sound();
}

TEST_F(MailboxTest, RenameTakesTheChildrenAlong) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a/b/c"));
    const auto id = anna.mailbox("a/b")->id;
    ASSERT_TRUE(anna.rename("a/b", "x/y"));
    EXPECT_EQ(names(anna), Names({"INBOX", "a", "x", "x/y", "x/y/c"}));
    EXPECT_EQ(anna.mailbox("x/y")->id, id);
}

TEST_F(MailboxTest, RenameRefusesWhatCannotBe) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a/b"));
    ASSERT_TRUE(anna.create("c"));
    EXPECT_EQ(anna.rename("a", "c").error().code, errc::mailbox_exists);
    EXPECT_EQ(anna.rename("a", "a/x").error().code, errc::mailbox_name_invalid);
    EXPECT_EQ(anna.rename("none", "x").error().code, errc::no_such_mailbox);
    EXPECT_EQ(anna.rename("c", "inbox").error().code, errc::mailbox_exists);
    ASSERT_TRUE(anna.create("x/b"));
    ASSERT_TRUE(anna.remove("x"));
    EXPECT_EQ(anna.rename("a", "x").error().code, errc::mailbox_exists) << "x/b is there";
}

// RFC 3501 6.3.5: "Renaming INBOX is permitted, and has special behavior."
TEST_F(MailboxTest, RenamingInboxMovesItsMessagesAndLeavesItEmpty) {
    auto& anna = account();
    append(anna, "INBOX", message("one"), kSeen, {"$Label"});
    append(anna, "INBOX", message("two"));
    ASSERT_TRUE(anna.rename("INBOX", "old/mail"));
    EXPECT_EQ(names(anna), Names({"INBOX", "old", "old/mail"}));
    EXPECT_EQ(anna.mailbox("INBOX")->messages, 0U);
    const auto moved = view(anna, "old/mail");
    ASSERT_EQ(moved->size(), 2U);
    EXPECT_EQ(body(anna, *moved, 0), message("one"));
    EXPECT_EQ(moved->keywords(), Names({"$Label"}));
    EXPECT_EQ(append(anna, "INBOX", message("three")), 3U) << "uids go on";
    flush();
    expect_sound();
}

TEST_F(MailboxTest, SubscriptionsMayNameWhatDoesNotExist) {
    auto& anna = account();
    ASSERT_TRUE(anna.subscribe("nowhere", true));
    ASSERT_TRUE(anna.subscribe("INBOX", true));
    EXPECT_EQ(*anna.subscriptions(), Names({"INBOX", "nowhere"}));
    EXPECT_TRUE(anna.mailbox("INBOX")->subscribed);
    ASSERT_TRUE(anna.subscribe("nowhere", false));
    EXPECT_EQ(*anna.subscriptions(), Names({"INBOX"}));
}

TEST_F(MailboxTest, CountersFollow) {
    auto& anna = account();
    append(anna, "INBOX", message("one"), kSeen);
    append(anna, "INBOX", message("two"));
    const auto info = *anna.mailbox("INBOX");
    EXPECT_EQ(info.messages, 2U);
    EXPECT_EQ(info.unseen, 1U);
    EXPECT_EQ(info.recent, 2U);
    EXPECT_EQ(info.uid_next, 3U);
    EXPECT_EQ(info.size, 2 * message("one").size());
    EXPECT_NE(info.object_id, Id128());
}

TEST_F(MailboxTest, AnAccountRemovedLeavesNothing) {
    append(account(), "INBOX", message("one"));
    append(account(kBert), "INBOX", message("two"));
    flush();
    accounts_.clear();
    ASSERT_TRUE(store_->remove_account(kAnna));
    EXPECT_TRUE(volume_->list("accounts/07")->empty());
    EXPECT_EQ(store_->verify(kAnna).error().code, errc::no_such_account);
    kill();
    open();
    EXPECT_EQ(store_->verify(kAnna).error().code, errc::no_such_account);
    expect_sound(kBert);
    EXPECT_TRUE(store_->remove_account(AccountId(99))) << "never existed: nothing to do";
}

}  // namespace
}  // namespace quorate::mail::store
