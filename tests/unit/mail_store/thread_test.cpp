#include <condition_variable>
#include <mutex>
#include <thread>

#include "mail/store/errc.hpp"
#include "store_test.hpp"

namespace quorate::mail::store {
namespace {

// The store with its threads, several callers at once: for TSan above all.
class ThreadTest : public ::testing::Test {
protected:
    static constexpr int kAccounts = 6;
    static constexpr int kMessages = 60;

    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  ("quorate_store_threads_" + std::to_string(::getpid()));
        std::filesystem::remove_all(folder_);
        volume_ = std::move(*open_local_volume(folder_.string()));
        options_.segment_bytes = 256 << 10;
        options_.checkpoint_bytes = 512 << 10;
        options_.open_accounts = 3;
        store_ = std::move(*Store::open(*volume_, options_, Logger()));
        store_->on_durable([this](Lsn durable, bool) {
            std::lock_guard lock(mutex_);
            durable_ = durable;
            progress_.notify_all();
        });
    }
    void TearDown() override {
        store_.reset();
        volume_.reset();
        std::filesystem::remove_all(folder_);
    }
    void wait_durable(Lsn lsn) {
        std::unique_lock lock(mutex_);
        progress_.wait(lock, [&] { return durable_ >= lsn; });
    }
    // What a delivery and an IMAP session do, on their account's strand.
    void work(int number) {
        const AccountId id(static_cast<std::uint64_t>(number) + 1);
        for (int i = 0; i < kMessages; ++i) {
            std::lock_guard strand(strands_[static_cast<std::size_t>(number)]);
            const auto account = std::move(*store_->account(id, {}));
            const auto inbox = account->mailbox("INBOX")->id;
            const auto text = "Subject: " + std::to_string(i) + "\r\n\r\n" +
                              std::string(2000 + static_cast<std::size_t>(i) * 10, 'x');
            const auto summary = message::summarize(text);
            NewMessage added;
            added.body = *store_->put_body({text}, {&id, 1});
            added.summary = &summary;
            ASSERT_TRUE(account->append(inbox, added));
            auto view = std::move(*account->open(inbox, false, {}));
            view->sync(true);
            const auto last = view->size() - 1;
            const auto content = account->content(view->at(last).body);
            ASSERT_TRUE(content);
            EXPECT_EQ(*account->read_body(content->body, 0, text.size()), text);
            if (i % 7 == 6) {
                const Positions some = {0, 1};
                ASSERT_TRUE(account->change_flags(*view, some, {FlagAction::kAdd, kDeleted, {}}));
                ASSERT_TRUE(account->expunge(*view, std::nullopt));
            }
            if (i % 5 == 0) {
                wait_durable(account->last_lsn());
            }
        }
    }
    void settle_due(bool all) {
        for (int i = 0; i < 10 || all; ++i) {
            const auto due = store_->unsettled();
            for (const auto& account : due) {
                std::lock_guard strand(strands_[account->id().value() - 1]);
                static_cast<void>(store_->settle(*account));
            }
            if (all && i > 10) {
                return;
            }
        }
    }

    std::filesystem::path folder_;
    StoreOptions options_;
    std::unique_ptr<Volume> volume_;
    std::unique_ptr<Store> store_;
    std::array<std::mutex, kAccounts> strands_;
    std::mutex mutex_;
    std::condition_variable progress_;
    Lsn durable_;
};

TEST_F(ThreadTest, SessionsOfDifferentAccountsDoNotDisturbEachOther) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kAccounts; ++i) {
        threads.emplace_back([this, i] { work(i); });
    }
    std::thread settling([&] {
        while (!stop) {
            settle_due(/*all=*/false);
            std::this_thread::yield();
        }
    });
    std::thread compacting([&] {
        while (!stop) {
            const auto more = store_->compact_step();
            EXPECT_TRUE(more || more.error().code == errc::account_busy)
                << more.error().to_string();
            std::this_thread::yield();
        }
    });
    for (auto& thread : threads) {
        thread.join();
    }
    stop = true;
    settling.join();
    compacting.join();
    ASSERT_TRUE(store_->close());
    store_.reset();
    store_ = std::move(*Store::open(*volume_, options_, Logger()));
    for (int i = 0; i < kAccounts; ++i) {
        const auto report = store_->verify(AccountId(static_cast<std::uint64_t>(i) + 1));
        ASSERT_TRUE(report);
        EXPECT_EQ(report->problems, std::vector<std::string>());
        EXPECT_EQ(report->messages, kMessages - 2U * (kMessages / 7));
    }
}

}  // namespace
}  // namespace quorate::mail::store
