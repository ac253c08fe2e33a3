#include "fault_volume.hpp"
#include "mail/store/errc.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

// A volume that is full, and what compaction gives back.
class SpaceTest : public ::testing::Test {
protected:
    static constexpr AccountId kAnna{7};
    static constexpr std::uint64_t kSegment = 64 << 10;

    void SetUp() override { open(); }
    void open() {
        StoreOptions options;
        options.segment_bytes = kSegment;
        options.checkpoint_bytes = 1 << 20;
        options.random_seed = seed_++;
        options.now = [] { return std::int64_t{1'750'000'000}; };
        Logger::set_level(LogLevel::kError);
        auto opened = StoreImpl::open(volume_, options, /*threaded=*/false, Logger());
        ASSERT_TRUE(opened) << opened.error().to_string();
        store_ = std::move(*opened);
        anna_ = std::move(*store_->account(kAnna, {}));
        inbox_ = anna_->mailbox("INBOX")->id;
    }
    void restart(FaultVolume::Crash how) {
        anna_.reset();
        store_.reset();
        volume_.crash(how);
        open();
    }
    static std::string text(std::size_t size) {
        return "Subject: x\r\n\r\n" + std::string(size, 'x') + "\r\n";
    }
    Result<Appended> append(std::size_t size) {
        const std::vector<AccountId> owners = {kAnna};
        QUORATE_TRY(const auto ref, store_->put_body({text(size)}, owners));
        const auto summary = message::summarize(text(size));
        NewMessage added;
        added.body = ref;
        added.summary = &summary;
        return anna_->append(inbox_, added);
    }
    void settle() {
        while (store_->flush_journal()) {
        }
        ASSERT_TRUE(store_->settle(*anna_));
    }
    void compact() {
        for (int steps = 0; steps < 1000; ++steps) {
            const auto more = store_->compact_step();
            ASSERT_TRUE(more) << more.error().to_string();
            while (store_->flush_journal()) {
            }
            if (!*more) {
                return;
            }
        }
        FAIL() << "compaction does not end";
    }
    std::uint64_t held() const {
        std::uint64_t sum = 0;
        for (const auto& path : volume_.paths()) {
            if (path.ends_with(".seg") || path.ends_with(".body")) {
                sum += volume_.content(path).size();
            }
        }
        return sum;
    }
    Uids all_uids() {
        Uids uids;
        const auto view = std::move(*anna_->open(inbox_, true, {}));
        for (std::uint32_t i = 0; i < view->size(); ++i) {
            uids.push_back(view->at(i).uid);
        }
        return uids;
    }
    void expect_sound() {
        const auto report = store_->verify(kAnna);
        ASSERT_TRUE(report);
        EXPECT_EQ(report->problems, std::vector<std::string>());
    }

    FaultVolume volume_{{}};
    std::uint64_t seed_ = 1;
    std::unique_ptr<StoreImpl> store_;
    std::shared_ptr<Account> anna_;
    MailboxId inbox_;
};

TEST_F(SpaceTest, AFullVolumeRefusesMailAndTakesDeletions) {
    settle();
    volume_.set_capacity(700 << 10);
    Status last;
    while (last) {
        const auto appended = append(5000);
        last = appended ? Status() : Status(tl::unexpected(appended.error()));
        settle();
    }
    EXPECT_EQ(last.error().code, errc::volume_full);
    const auto before = all_uids();
    ASSERT_GT(before.size(), 10U);
    expect_sound();
    // Everything is there after a crash; what was refused is not.
    restart(FaultVolume::Crash::kPower);
    EXPECT_EQ(all_uids(), before);
    ASSERT_TRUE(anna_->remove_messages(inbox_, before)) << "deletions have the reserve";
    settle();
    EXPECT_TRUE(all_uids().empty());
    ASSERT_TRUE(store_->checkpoint());
    compact();
    EXPECT_LT(held(), 3 * kSegment);
    EXPECT_TRUE(append(5000)) << "and then there is room again";
    settle();
    expect_sound();
}

TEST_F(SpaceTest, MailIsTakenAgainWhenSpaceReturns) {
    settle();
    const auto full = volume_.space()->total - volume_.space()->free;
    volume_.set_capacity(full);
    while (append(5000)) {
    }
    EXPECT_EQ(append(5000).error().code, errc::volume_full);
    auto large = std::move(*store_->begin_large_body());
    EXPECT_EQ(large->write(text(1 << 20)).error().code, errc::volume_full);
    large.reset();
    EXPECT_TRUE(volume_.list("large")->empty());
    volume_.set_capacity(full + (1 << 20));
    EXPECT_TRUE(append(5000));
    settle();
    expect_sound();
}

// What a client does who comes while the volume is full, and when there is room again.
TEST_F(SpaceTest, ANewAccountIsReadableWhileItsDatabaseHasNoRoom) {
    ASSERT_TRUE(append(3000));
    ASSERT_TRUE(append(3000));
    while (store_->flush_journal()) {
    }
    volume_.set_capacity(0);
    EXPECT_EQ(store_->settle(*anna_).error().code, errc::volume_full);
    EXPECT_EQ(all_uids(), Uids({1, 2}));
    {
        const auto view = std::move(*anna_->open(inbox_, false, {}));
        const std::vector<std::uint32_t> first = {0};
        ASSERT_TRUE(anna_->change_flags(*view, first, {FlagAction::kAdd, kSeen, {}}));
        EXPECT_EQ(anna_->content(view->at(1).body)->body.size, text(3000).size());
    }
    expect_sound();
    EXPECT_FALSE(volume_.exists("accounts/07/7/mail.db.new").value()) << "keeps what room there is";
    // A start on the full volume finds it too, and it is as readable.
    while (store_->flush_journal()) {
    }
    restart(FaultVolume::Crash::kPower);
    EXPECT_EQ(all_uids(), Uids({1, 2}));
    expect_sound();
    EXPECT_EQ(store_->settle(*anna_).error().code, errc::volume_full);

    volume_.set_capacity(4 << 20);
    settle();
    EXPECT_TRUE(volume_.exists("accounts/07/7/mail.db").value());
    ASSERT_TRUE(append(3000));
    settle();
    EXPECT_EQ(all_uids(), Uids({1, 2, 3}));
    EXPECT_EQ(anna_->mailbox("INBOX")->unseen, 2U);
    expect_sound();
    ASSERT_TRUE(store_->checkpoint());
    restart(FaultVolume::Crash::kPower);
    EXPECT_EQ(all_uids(), Uids({1, 2, 3}));
    expect_sound();
}

TEST_F(SpaceTest, CompactionMovesWhatLivesAndRemovesTheFile) {
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(append(3000));
        settle();
    }
    auto uids = all_uids();
    auto reader = std::move(*anna_->open(inbox_, true, {}));
    const auto kept = anna_->content(reader->at(9).body)->body;
    std::erase_if(uids, [](Uid uid) { return uid % 10 == 0; });
    reader.reset();
    ASSERT_TRUE(anna_->remove_messages(inbox_, uids));
    settle();
    ASSERT_TRUE(store_->checkpoint());
    const auto before = held();
    compact();
    EXPECT_LT(held(), before / 2);
    EXPECT_EQ(all_uids(), Uids({10, 20, 30, 40, 50, 60, 70, 80, 90, 100}));
    auto moved = std::move(*anna_->open(inbox_, true, {}));
    EXPECT_NE(anna_->content(moved->at(0).body)->body.segment, kept.segment);
    EXPECT_EQ(*anna_->read_body(kept, 0, 1 << 20), text(3000)) << "who looked earlier finds it too";
    expect_sound();
    moved.reset();
    restart(FaultVolume::Crash::kPower);
    EXPECT_EQ(all_uids().size(), 10U);
    expect_sound();
}

TEST_F(SpaceTest, ADeadLargeBodyIsRemoved) {
    auto large = std::move(*store_->begin_large_body());
    ASSERT_TRUE(large->write(text(300'000)));
    const std::vector<AccountId> owners = {kAnna};
    NewMessage added;
    added.body = *large->finish(owners);
    const auto summary = message::summarize(text(300'000));
    added.summary = &summary;
    ASSERT_TRUE(anna_->append(inbox_, added));
    settle();
    ASSERT_TRUE(store_->checkpoint());
    compact();
    EXPECT_EQ(volume_.list("large")->size(), 1U);
    ASSERT_TRUE(anna_->remove_messages(inbox_, Uids{1}));
    settle();
    compact();
    EXPECT_TRUE(volume_.list("large")->empty());
}

TEST_F(SpaceTest, ASegmentWithADamagedBodyIsLeftAlone) {
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(append(3000));
        settle();
    }
    auto uids = all_uids();
    std::erase(uids, 3U);
    ASSERT_TRUE(anna_->remove_messages(inbox_, uids));
    settle();
    ASSERT_TRUE(store_->checkpoint());
    const auto view = std::move(*anna_->open(inbox_, true, {}));
    const auto ref = anna_->content(view->at(0).body)->body;
    auto content = volume_.content(segment_path(ref.segment));
    content[ref.offset + 50] = '?';
    volume_.set_content(segment_path(ref.segment), content);
    compact();
    EXPECT_EQ(volume_.content(segment_path(ref.segment)), content);
    EXPECT_EQ(anna_->read_body(ref, 0, 10).error().code, errc::damaged);
}

TEST_F(SpaceTest, TheJournalThatRedoNeedsStaysBounded) {
    for (int i = 0; i < 600; ++i) {
        ASSERT_TRUE(append(3000));
        settle();
        if (i % 50 == 0) {
            ASSERT_TRUE(anna_->remove_messages(inbox_, all_uids()));
            settle();
            ASSERT_TRUE(store_->checkpoint());
            compact();
        }
    }
    EXPECT_LT(held(), 10 * kSegment);
}

TEST_F(SpaceTest, AFailedFlushAcknowledgesNothingMore) {
    ASSERT_TRUE(append(100));
    settle();
    const auto durable = store_->durable();
    bool failed = false;
    store_->on_durable([&](Lsn, bool bad) { failed = bad; });
    volume_.fail_one_in(1);
    ASSERT_TRUE(append(100));
    store_->flush_journal();
    EXPECT_TRUE(failed);
    EXPECT_EQ(store_->durable(), durable);
    volume_.fail_one_in(0);
    EXPECT_EQ(append(100).error().code, errc::journal_failed) << "until the next start";
    restart(FaultVolume::Crash::kKill);
    EXPECT_TRUE(append(100));
    settle();
    expect_sound();
}

}  // namespace
}  // namespace quorate::mail::store
