#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "mail/message/summary.hpp"
#include "mail/store/store.hpp"
#include "store_impl.hpp"

namespace quorate::mail::store {

// A store without threads on a local folder: the journal is flushed when a test says so.
class StoreTest : public ::testing::Test {
protected:
    static constexpr AccountId kAnna{7};
    static constexpr AccountId kBert{8};

    void SetUp() override {
        const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
        folder_ = std::filesystem::temp_directory_path() /
                  ("quorate_store_" + std::to_string(::getpid()) + "_" + test->name());
        std::filesystem::remove_all(folder_);
        options_.random_seed = 1;
        options_.segment_bytes = 1 << 20;
        options_.now = [this] { return now_; };
        open();
    }
    void TearDown() override {
        close();
        std::filesystem::remove_all(folder_);
    }

    void open() {
        auto volume = open_local_volume(folder_.string());
        ASSERT_TRUE(volume) << volume.error().to_string();
        volume_ = std::move(*volume);
        auto opened = StoreImpl::open(*volume_, options_, /*threaded=*/false, Logger());
        ASSERT_TRUE(opened) << opened.error().to_string();
        store_ = std::move(*opened);
    }
    // As a killed process: what waits for the journal is lost, nothing is settled.
    void kill() {
        accounts_.clear();
        store_.reset();
        volume_.reset();
    }
    void close() {
        if (store_) {
            accounts_.clear();
            EXPECT_TRUE(store_->close());
        }
        kill();
    }
    void flush() {
        while (store_->flush_journal()) {
        }
    }

    Account& account(AccountId id = kAnna, QuotaLimits limits = {}) {
        auto found = store_->account(id, limits);
        EXPECT_TRUE(found) << found.error().to_string();
        accounts_.push_back(*found);
        return **found;
    }
    static std::string message(const std::string& subject, std::size_t size = 0) {
        return "From: a@example.test\r\nSubject: " + subject + "\r\n\r\n" + std::string(size, 'x') +
               "\r\n";
    }
    Result<Appended> try_append(Account& to, const std::string& mailbox, const std::string& text,
                                FlagBits flags = 0, std::vector<std::string> keywords = {}) {
        const std::vector<AccountId> owners = {to.id()};
        QUORATE_TRY(const auto body, store_->put_body({text}, owners));
        const auto summary = message::summarize(text);
        NewMessage added;
        added.body = body;
        added.system_flags = flags;
        added.keywords = std::move(keywords);
        added.internal_date = {1700000000, 60};
        added.summary = &summary;
        QUORATE_TRY(const auto box, to.mailbox(mailbox));
        return to.append(box.id, added);
    }
    Uid append(Account& to, const std::string& mailbox, const std::string& text, FlagBits flags = 0,
               std::vector<std::string> keywords = {}) {
        const auto appended = try_append(to, mailbox, text, flags, std::move(keywords));
        EXPECT_TRUE(appended) << appended.error().to_string();
        return appended ? appended->uid : 0;
    }
    std::unique_ptr<View> view(Account& of, const std::string& mailbox, bool read_only = false,
                               std::function<void()> on_change = {}) {
        const auto box = of.mailbox(mailbox);
        EXPECT_TRUE(box) << box.error().to_string();
        auto opened = of.open(box->id, read_only, std::move(on_change));
        EXPECT_TRUE(opened) << opened.error().to_string();
        return std::move(*opened);
    }
    static std::string body(Account& of, const View& view, std::uint32_t position) {
        const auto content = of.content(view.at(position).body);
        if (!content) {
            return content.error().to_string();
        }
        const auto bytes = of.read_body(content->body, 0, content->body.size);
        return bytes ? *bytes : bytes.error().to_string();
    }
    static std::vector<Uid> uids(const View& view) {
        std::vector<Uid> all;
        for (std::uint32_t i = 0; i < view.size(); ++i) {
            all.push_back(view.at(i).uid);
        }
        return all;
    }
    void expect_sound(AccountId id = kAnna) {
        const auto report = store_->verify(id);
        ASSERT_TRUE(report) << report.error().to_string();
        EXPECT_EQ(report->problems, std::vector<std::string>());
    }

    std::int64_t now_ = 1'750'000'000;
    StoreOptions options_;
    std::filesystem::path folder_;
    std::unique_ptr<Volume> volume_;
    std::unique_ptr<StoreImpl> store_;
    std::vector<std::shared_ptr<Account>> accounts_;
};

using Positions = std::vector<std::uint32_t>;
using Uids = std::vector<Uid>;

}  // namespace quorate::mail::store
