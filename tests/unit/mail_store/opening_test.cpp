#include "fault_volume.hpp"
#include "schema.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

// What the first session after a restart waits for.
class OpeningTest : public ::testing::Test {
protected:
    static constexpr AccountId kAnna{7};

    void SetUp() override {
        open();
        inbox_ = anna_->mailbox("INBOX")->id;
    }
    void open() {
        StoreOptions options;
        options.now = [] { return std::int64_t{1'750'000'000}; };
        auto opened = StoreImpl::open(volume_, options, /*threaded=*/false, Logger());
        ASSERT_TRUE(opened) << opened.error().to_string();
        store_ = std::move(*opened);
        anna_ = std::move(*store_->account(kAnna, {}));
    }
    void close() {
        anna_.reset();
        ASSERT_TRUE(store_->close());
        store_.reset();
    }
    void fill(int messages) {
        const std::string text = "Subject: x\r\n\r\nx\r\n";
        const auto summary = message::summarize(text);
        const std::vector<AccountId> owners = {kAnna};
        NewMessage added;
        added.summary = &summary;
        for (int i = 0; i < messages; ++i) {
            const auto body = store_->put_body({text}, owners);
            ASSERT_TRUE(body);
            added.body = *body;
            ASSERT_TRUE(anna_->append(inbox_, added));
            if (i % 500 == 499) {
                settle();
            }
        }
        settle();
    }
    void settle() {
        while (store_->flush_journal()) {
        }
        ASSERT_TRUE(store_->settle(*anna_));
    }

    FaultVolume volume_{{}};
    std::unique_ptr<StoreImpl> store_;
    std::shared_ptr<Account> anna_;
    MailboxId inbox_;
    const std::string database_ = account_database(kAnna);
};

TEST_F(OpeningTest, AClosedStoreLeavesNoLongWalToRead) {
    fill(1000);
    ASSERT_GT(volume_.content(database_ + "-wal").size(), 64U * 4096);
    close();
    EXPECT_EQ(volume_.content(database_ + "-wal"), "");
}

TEST_F(OpeningTest, APageOfALargeMailboxIsAnnouncedBeforeItIsRead) {
    fill(5000);
    close();
    open();
    const auto before = volume_.reads(database_);
    const auto view = anna_->open(inbox_, true, {});
    ASSERT_TRUE(view);
    EXPECT_EQ((*view)->size(), 5000U);
    const auto after = volume_.reads(database_);
    const auto pages = after.all - before.all;
    EXPECT_GT(pages, 10U);
    EXPECT_LE(pages - (after.announced - before.announced), 3U) << "the pages above them";
}

TEST_F(OpeningTest, ASmallMailboxNeedsNoHints) {
    fill(10);
    close();
    open();
    ASSERT_TRUE(anna_->open(inbox_, true, {}));
    EXPECT_EQ(volume_.reads(database_).announced, 0U);
}

}  // namespace
}  // namespace quorate::mail::store
