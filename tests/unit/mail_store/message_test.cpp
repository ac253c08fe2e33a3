#include "mail/store/errc.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

using MessageTest = StoreTest;
using Names = std::vector<std::string>;

FlagChange flags(FlagAction action, FlagBits bits, Names keywords = {}) {
    return {action, bits, std::move(keywords)};
}

TEST_F(MessageTest, AppendKeepsFlagsKeywordsAndDates) {
    auto& anna = account();
    append(anna, "INBOX", message("one"), kSeen | kDraft, {"$Forwarded", "$forwarded", "x"});
    const auto shown = view(anna, "INBOX");
    const auto& one = shown->at(0);
    EXPECT_EQ(one.uid, 1U);
    EXPECT_EQ(shown->keywords(), Names({"$Forwarded", "x"}));
    EXPECT_EQ(one.flags, kSeen | kDraft | (3U << kFirstKeyword));
    EXPECT_EQ(one.internal_date.seconds, 1700000000);
    EXPECT_EQ(one.internal_date.zone_minutes, 60);
    EXPECT_EQ(one.save_date, now_);
    EXPECT_EQ(one.size, message("one").size());
}

TEST_F(MessageTest, ContentIsWhatDeliveryComputed) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    const auto shown = view(anna, "INBOX");
    const auto content = anna.content(shown->at(0).body);
    ASSERT_TRUE(content);
    const auto summary = message::summarize(message("one"));
    EXPECT_EQ(content->envelope, summary.envelope);
    EXPECT_EQ(content->body_text, summary.body);
    EXPECT_EQ(content->bodystructure, summary.bodystructure);
    EXPECT_EQ(content->structure, summary.structure);
    EXPECT_NE(content->email_id, Id128());
}

TEST_F(MessageTest, ABodyIsReadInParts) {
    auto& anna = account();
    const auto text = message("one", 200'000);
    append(anna, "INBOX", text);
    flush();
    const auto shown = view(anna, "INBOX");
    const auto ref = anna.content(shown->at(0).body)->body;
    EXPECT_EQ(*anna.read_body(ref, 7, 10), text.substr(7, 10));
    EXPECT_EQ(*anna.read_body(ref, 199'000, 1 << 20), text.substr(199'000));
    EXPECT_EQ(*anna.read_body(ref, text.size(), 1), "");
}

TEST_F(MessageTest, ForEachVisitsInOrderUntilItHasEnough) {
    auto& anna = account();
    for (int i = 0; i < 5; ++i) {
        append(anna, "INBOX", message(std::to_string(i)));
    }
    const auto shown = view(anna, "INBOX");
    std::vector<BodyId> bodies;
    for (const std::uint32_t at : {3U, 0U, 4U, 1U}) {
        bodies.push_back(shown->at(at).body);
    }
    std::vector<std::string> envelopes;
    const auto use = [&](std::size_t index, std::string_view envelope) {
        EXPECT_EQ(index, envelopes.size());
        envelopes.emplace_back(envelope);
        return envelopes.size() < 3;
    };
    ASSERT_TRUE(anna.for_each(bodies, Account::Field::kEnvelope, use));
    ASSERT_EQ(envelopes.size(), 3U);
    EXPECT_EQ(envelopes[0], message::summarize(message("3")).envelope);
    EXPECT_EQ(envelopes[2], message::summarize(message("4")).envelope);
    bodies = {shown->at(0).body, shown->at(0).body, shown->at(2).body};
    envelopes.clear();
    ASSERT_TRUE(anna.for_each(bodies, Account::Field::kEnvelope, use));
    EXPECT_EQ(envelopes[1], envelopes[0]);
}

TEST_F(MessageTest, FlagsAreReplacedAddedAndRemoved) {
    auto& anna = account();
    append(anna, "INBOX", message("one"), kSeen);
    append(anna, "INBOX", message("two"), kFlagged, {"x"});
    auto shown = view(anna, "INBOX");
    const auto add =
        anna.change_flags(*shown, Positions{0, 1}, flags(FlagAction::kAdd, kFlagged, {"X"}));
    EXPECT_EQ(*add, Positions({0})) << "the second had both";
    EXPECT_EQ(shown->at(0).flags, kSeen | kFlagged | 32U);
    const auto modseq = shown->at(0).modseq;
    ASSERT_TRUE(anna.change_flags(*shown, Positions{0}, flags(FlagAction::kRemove, kSeen)));
    EXPECT_EQ(shown->at(0).flags, kFlagged | 32U);
    EXPECT_GT(shown->at(0).modseq, modseq);
    ASSERT_TRUE(anna.change_flags(*shown, Positions{0}, flags(FlagAction::kReplace, kDraft)));
    EXPECT_EQ(shown->at(0).flags, kDraft);
    EXPECT_EQ(anna.mailbox("INBOX")->unseen, 2U);
    const auto lsn = anna.last_lsn();
    EXPECT_TRUE(anna.change_flags(*shown, Positions{0}, flags(FlagAction::kAdd, kDraft))->empty());
    EXPECT_EQ(anna.last_lsn(), lsn) << "nothing changed: nothing is written";
}

TEST_F(MessageTest, KeywordsAreAtomsAndLimited) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    auto shown = view(anna, "INBOX");
    for (const std::string bad : {"", "a b", "a(b", "\\x", "a\x80", "x]"}) {
        EXPECT_EQ(
            anna.change_flags(*shown, Positions{0}, flags(FlagAction::kAdd, 0, {bad})).error().code,
            errc::keyword_invalid)
            << bad;
    }
    for (unsigned i = 0; i < kKeywordsMax; ++i) {
        ASSERT_TRUE(anna.change_flags(*shown, Positions{0},
                                      flags(FlagAction::kAdd, 0, {"k" + std::to_string(i)})));
    }
    const auto more =
        anna.change_flags(*shown, Positions{0}, flags(FlagAction::kAdd, kSeen, {"one-more"}));
    EXPECT_EQ(more.error().code, errc::too_many_keywords);
    EXPECT_EQ(shown->at(0).flags & kSeen, 0U) << "a failed call changes nothing";
}

TEST_F(MessageTest, AReadOnlyViewChangesNothing) {
    auto& anna = account();
    append(anna, "INBOX", message("one"), kDeleted);
    auto shown = view(anna, "INBOX", /*read_only=*/true);
    EXPECT_EQ(anna.change_flags(*shown, Positions{0}, flags(FlagAction::kAdd, kSeen)).error().code,
              errc::read_only);
    EXPECT_EQ(anna.expunge(*shown, std::nullopt).error().code, errc::read_only);
    const auto inbox = anna.mailbox("INBOX")->id;
    EXPECT_EQ(anna.move(*shown, Positions{0}, inbox).error().code, errc::read_only);
    EXPECT_TRUE(anna.copy(*shown, Positions{0}, inbox));
}

TEST_F(MessageTest, ExpungeTakesOnlyWhatIsMarked) {
    auto& anna = account();
    for (int i = 0; i < 4; ++i) {
        append(anna, "INBOX", message(std::to_string(i)), i % 2 == 0 ? kDeleted : 0);
    }
    auto shown = view(anna, "INBOX");
    const Positions some = {1, 2, 3};
    EXPECT_EQ(*anna.expunge(*shown, some), Uids({3}));
    EXPECT_EQ(*anna.expunge(*shown, std::nullopt), Uids({1}));
    EXPECT_TRUE(anna.expunge(*shown, std::nullopt)->empty());
    EXPECT_EQ(shown->size(), 4U) << "until it is told";
    const auto changes = shown->sync(true);
    EXPECT_EQ(changes.expunged, Positions({0, 1}));
    EXPECT_EQ(uids(*shown), Uids({2, 4}));
}

// RFC 3501 2.3.1.1: a uid is never given twice, also not when the newest messages are gone.
TEST_F(MessageTest, UidsAreNotGivenTwiceAfterAnExpunge) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    append(anna, "INBOX", message("two"));
    ASSERT_TRUE(anna.remove_messages(anna.mailbox("INBOX")->id, Uids{1, 2, 77}));
    flush();
    close();
    open();
    EXPECT_EQ(account().mailbox("INBOX")->uid_next, 3U);
    EXPECT_EQ(append(account(), "INBOX", message("three")), 3U);
}

TEST_F(MessageTest, CopyKeepsWhatBelongsToTheMessage) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a"));
    append(anna, "a", message("other"), 0, {"z"});
    append(anna, "INBOX", message("one"), kSeen, {"x", "z"});
    auto shown = view(anna, "INBOX");
    now_ += 500;
    const auto copied = anna.copy(*shown, Positions{0, 0}, anna.mailbox("a")->id);
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->source_uids, Uids({1, 1}));
    EXPECT_EQ(copied->destination_uids, Uids({2, 3}));
    const auto target = view(anna, "a");
    EXPECT_EQ(target->keywords(), Names({"z", "x"})) << "bits are of each mailbox";
    EXPECT_EQ(target->at(1).flags, kSeen | 32U | 64U);
    EXPECT_EQ(target->at(1).save_date, now_);
    EXPECT_EQ(target->at(1).internal_date.seconds, 1700000000);
    EXPECT_EQ(anna.content(target->at(1).body)->email_id,
              anna.content(shown->at(0).body)->email_id);
    EXPECT_EQ(body(anna, *target, 2), message("one"));
    flush();
    expect_sound();
}

TEST_F(MessageTest, ABodyLivesAsLongAsOneCopyDoes) {
    auto& anna = account();
    ASSERT_TRUE(anna.create("a"));
    append(anna, "INBOX", message("one"));
    {
        auto shown = view(anna, "INBOX");
        ASSERT_TRUE(anna.copy(*shown, Positions{0}, anna.mailbox("a")->id));
    }
    ASSERT_TRUE(anna.remove_messages(anna.mailbox("INBOX")->id, Uids{1}));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_EQ(body(anna, *view(anna, "a"), 0), message("one"));
    expect_sound();
    const auto ref = anna.content(view(anna, "a")->at(0).body)->body;
    const auto id = view(anna, "a")->at(0).body;
    ASSERT_TRUE(anna.remove_messages(anna.mailbox("a")->id, Uids{1}));
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_EQ(anna.content(id).error().code, errc::damaged);
    EXPECT_TRUE(anna.read_body(ref, 0, 1)) << "its octets stay until compaction";
    expect_sound();
}

TEST_F(MessageTest, MoveWithinAMailboxGivesNewUids) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    append(anna, "INBOX", message("two"));
    auto shown = view(anna, "INBOX");
    const auto moved = anna.move(*shown, Positions{0}, anna.mailbox("INBOX")->id);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->destination_uids, Uids({3}));
    shown->sync(true);
    EXPECT_EQ(uids(*shown), Uids({2, 3}));
    EXPECT_EQ(anna.quota_use().messages, 2U);
    flush();
    expect_sound();
}

TEST_F(MessageTest, QuotaIsKept) {
    QuotaLimits limits;
    limits.messages = 2;
    auto& anna = account(kAnna, limits);
    append(anna, "INBOX", message("one"));
    append(anna, "INBOX", message("two"));
    EXPECT_EQ(try_append(anna, "INBOX", message("three")).error().code, errc::over_quota);
    auto shown = view(anna, "INBOX");
    const auto inbox = anna.mailbox("INBOX")->id;
    EXPECT_EQ(anna.copy(*shown, Positions{0}, inbox).error().code, errc::over_quota);
    EXPECT_TRUE(anna.move(*shown, Positions{0}, inbox)) << "a move takes no more";
    limits = {message("one").size() * 2, 0};
    auto& again = account(kAnna, limits);
    EXPECT_EQ(again.quota_limits().bytes, limits.bytes);
    EXPECT_EQ(try_append(again, "INBOX", message("four")).error().code, errc::over_quota);
    ASSERT_TRUE(again.remove_messages(inbox, Uids{2}));
    EXPECT_TRUE(try_append(again, "INBOX", message("4")));
}

TEST_F(MessageTest, TooManyChangesWithoutAFlushAreRefusedUntilItHappens) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    auto shown = view(anna, "INBOX");
    Result<Positions> changed = Positions();
    int done = 0;
    for (; changed && done < 5000; ++done) {
        changed =
            anna.change_flags(*shown, Positions{0},
                              flags(done % 2 == 0 ? FlagAction::kAdd : FlagAction::kRemove, kSeen));
    }
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, errc::account_busy);
    flush();
    ASSERT_TRUE(store_->settle(anna));
    EXPECT_TRUE(anna.change_flags(*shown, Positions{0}, flags(FlagAction::kReplace, kDraft)));
}

TEST_F(MessageTest, RecentGoesToOneSession) {
    auto& anna = account();
    append(anna, "INBOX", message("one"));
    {
        const auto looking = view(anna, "INBOX", /*read_only=*/true);
        EXPECT_TRUE(looking->recent(0));
        const auto first = view(anna, "INBOX");
        EXPECT_TRUE(first->recent(0)) << "EXAMINE takes nothing away";
        const auto second = view(anna, "INBOX");
        EXPECT_FALSE(second->recent(0));
        append(anna, "INBOX", message("two"));
        const auto changes = first->sync(true);
        EXPECT_EQ(changes.recent, 2U);
        EXPECT_EQ(second->sync(true).recent, std::nullopt);
    }
    EXPECT_EQ(anna.mailbox("INBOX")->recent, 0U);
    append(anna, "INBOX", message("three"));
    EXPECT_EQ(*anna.claim_recent(anna.mailbox("INBOX")->id), 3U);
    close();
    open();
    EXPECT_EQ(account().mailbox("INBOX")->recent, 0U) << "and it is remembered";
}

}  // namespace
}  // namespace quorate::mail::store
