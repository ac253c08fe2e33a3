#include "mail/auth/directory.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include "mail/auth/address.hpp"
#include "mail/auth/errc.hpp"

namespace quorate::mail::auth {
namespace {

class DirectoryTest : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  ("quorate_directory_" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
        open();
        ASSERT_TRUE(directory_->add_domain("Example.Test"));
    }
    void TearDown() override {
        directory_.reset();
        std::filesystem::remove_all(folder_);
    }
    void open() {
        directory_.reset();
        auto opened = Directory::open((folder_ / "directory.db").string());
        ASSERT_TRUE(opened) << opened.error().to_string();
        directory_ = std::move(*opened);
    }
    std::uint64_t add(const std::string& address) {
        AccountRecord record;
        record.address = address;
        record.secrets = {"{PLAIN}x"};
        const auto added = directory_->add_account(record);
        EXPECT_TRUE(added) << added.error().to_string();
        return added ? added->id : 0;
    }
    std::vector<std::string> targets(const std::string& address) {
        const auto resolution = directory_->resolve(address);
        std::vector<std::string> found;
        if (const auto* local = std::get_if<LocalRecipients>(&resolution)) {
            for (const auto& target : local->targets) {
                found.push_back(target.address +
                                (target.detail.empty() ? "" : " +" + target.detail));
            }
        }
        return found;
    }
    NoRecipient reason(const std::string& address) {
        return std::get<NoRecipient>(directory_->resolve(address));
    }

    using Found = std::vector<std::string>;
    std::filesystem::path folder_;
    std::unique_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, FindsAnAccountWhateverItsCase) {
    add("Ann@example.test");
    EXPECT_EQ(targets("aNN@EXAMPLE.test"), Found{"Ann@example.test"});
    EXPECT_EQ(targets("\"ann\"@example.test"), Found{"Ann@example.test"});
    EXPECT_EQ(reason("ben@example.test"), NoRecipient::kUnknownUser);
    EXPECT_EQ(reason("ann@example.org"), NoRecipient::kNotLocal);
}

TEST_F(DirectoryTest, KeepsEverythingOverAReopen) {
    const auto id = add("ann@example.test");
    ASSERT_TRUE(directory_->set_alias({"office@example.test", {"ann@example.test"}}));
    open();
    EXPECT_EQ(directory_->account(id)->address, "ann@example.test");
    EXPECT_EQ(targets("office@example.test"), Found{"ann@example.test"});
    EXPECT_EQ(directory_->domains().size(), 1U);
}

TEST_F(DirectoryTest, NeverGivesAnIdAgain) {
    const auto first = add("ann@example.test");
    ASSERT_TRUE(directory_->remove_account(first));
    open();
    EXPECT_GT(add("ann@example.test"), first);
}

TEST_F(DirectoryTest, PlusAddressesGoToTheAccountWithTheirDetail) {
    add("ann@example.test");
    EXPECT_EQ(targets("ann+lists.cpp@example.test"), Found{"ann@example.test +lists.cpp"});
    add("ann+vip@example.test");
    EXPECT_EQ(targets("ann+vip@example.test"), Found{"ann+vip@example.test"})
        << "the exact address wins";
}

TEST_F(DirectoryTest, TheTwoFormsOfADomainAreOneDomain) {
    ASSERT_TRUE(directory_->add_domain("B\u00fccher.example"));
    EXPECT_EQ(directory_->domains().front().name, "example.test");
    EXPECT_EQ(directory_->domains().back().name, "xn--bcher-kva.example");
    EXPECT_EQ(directory_->add_domain("xn--bcher-kva.example").error().code, errc::exists);
    EXPECT_TRUE(directory_->is_local_domain("B\u00dcCHER.EXAMPLE"));
    add("ann@b\u00fccher.example");
    ASSERT_TRUE(directory_->set_alias({"@b\u00fccher.example", {"ann@xn--bcher-kva.example"}}));
    open();
    const std::vector<std::string> ann{"ann@xn--bcher-kva.example"};
    EXPECT_EQ(targets("Ann@xn--bcher-kva.example"), ann);
    EXPECT_EQ(targets("Ann@b\u00fccher.example"), ann);
    EXPECT_EQ(targets("anybody@b\u00fccher.example"), ann);
    ASSERT_TRUE(directory_->remove_alias("@B\u00fccher.example"));
    EXPECT_EQ(directory_->remove_domain("b\u00fccher.example").error().code, errc::in_use);
    ASSERT_TRUE(directory_->remove_account(directory_->account("ann@b\u00fccher.example")->id));
    ASSERT_TRUE(directory_->remove_domain("B\u00fccher.example"));
    open();
    EXPECT_FALSE(directory_->is_local_domain("xn--bcher-kva.example"));
}

TEST_F(DirectoryTest, AliasesExpandOnceEachAndLoopsEnd) {
    add("ann@example.test");
    add("ben@example.test");
    ASSERT_TRUE(
        directory_->set_alias({"all@example.test", {"ann@example.test", "two@example.test"}}));
    ASSERT_TRUE(directory_->set_alias(
        {"two@example.test", {"ben@example.test", "ann@example.test", "all@example.test"}}));
    EXPECT_EQ(targets("all@example.test"), (Found{"ann@example.test", "ben@example.test"}));
    ASSERT_TRUE(directory_->set_alias({"@example.test", {"nobody@example.test"}}));
    EXPECT_EQ(reason("loop@example.test"), NoRecipient::kAliasLoop);
}

TEST_F(DirectoryTest, AnAliasThatCouldNeverReachAnybodyIsRefused) {
    add("ann@example.test");
    const auto set = [this](const std::string& name, std::vector<std::string> targets) {
        for (auto& target : targets) {
            target += "@example.test";
        }
        return directory_->set_alias({name + "@example.test", std::move(targets)});
    };
    EXPECT_EQ(set("self", {"self"}).error().code, errc::alias_loop);
    EXPECT_EQ(set("self", {"Self+detail", "self"}).error().code, errc::alias_loop);
    ASSERT_TRUE(set("one", {"two"}));
    ASSERT_TRUE(set("two", {"three"}));
    EXPECT_EQ(set("three", {"one", "two+x"}).error().code, errc::alias_loop);
    EXPECT_TRUE(set("three", {"one", "later"})) << "later may be created";
    EXPECT_TRUE(set("three", {"one", "ann"}));
    EXPECT_EQ(targets("one@example.test"), Found{"ann@example.test"});
}

TEST_F(DirectoryTest, TargetsMayComeLaterButNotFromElsewhere) {
    add("ann@example.test");
    EXPECT_EQ(directory_->set_alias({"a@example.test", {"ann@example.test", "b@far.example"}})
                  .error()
                  .code,
              errc::domain_unknown);
    EXPECT_TRUE(directory_->aliases({}).empty());
    EXPECT_EQ(*directory_->set_alias({"a@example.test", {"ann@example.test", "Ben@example.test"}}),
              Found{"Ben@example.test"});
    add("ben@example.test");
    EXPECT_EQ(*directory_->set_alias({"a@example.test", {"ben+x@example.test"}}), Found{});
    EXPECT_EQ(*directory_->set_alias({"@example.test", {"carl@example.test"}}),
              Found{"carl@example.test"})
        << "the catch-all before the account that it is for";
    EXPECT_EQ(*directory_->set_alias({"@example.test", {"ann@example.test"}}), Found{});
    EXPECT_EQ(*directory_->set_alias({"x@example.test", {"anybody@example.test"}}), Found{})
        << "the catch-all takes it";
}

TEST_F(DirectoryTest, AliasesThatNameEachOtherManyTimesEndSoon) {
    add("ann@example.test");
    const auto name = [](int i) { return "list" + std::to_string(i) + "@example.test"; };
    for (int i = 0; i < 9; ++i) {
        ASSERT_TRUE(directory_->set_alias({name(i), std::vector<std::string>(1000, name(i + 1))}));
    }
    EXPECT_EQ(reason(name(0)), NoRecipient::kUnknownUser);
    ASSERT_TRUE(directory_->set_alias({name(9), {"ann@example.test"}}));
    EXPECT_EQ(targets(name(0)), Found{"ann@example.test"});
    const std::vector<std::string> back(1000, name(1));
    EXPECT_EQ(directory_->set_alias({name(9), back}).error().code, errc::alias_loop);
    ASSERT_TRUE(directory_->set_alias({name(9), {"nobody@example.test"}}));
    ASSERT_TRUE(directory_->set_alias({"@example.test", back}));
    EXPECT_EQ(reason(name(0)), NoRecipient::kAliasLoop);
}

TEST_F(DirectoryTest, AliasesDeeperThanTenAreRefused) {
    add("ann@example.test");
    const auto name = [](int i) { return "deep" + std::to_string(i) + "@example.test"; };
    for (int i = 10; i > 0; --i) {
        ASSERT_TRUE(directory_->set_alias({name(i), {name(i - 1)}}));
    }
    ASSERT_TRUE(directory_->set_alias({name(0), {"ann@example.test"}}));
    EXPECT_EQ(targets(name(9)), Found{"ann@example.test"});
    EXPECT_EQ(reason(name(10)), NoRecipient::kAliasLoop);
    EXPECT_EQ(directory_->set_alias({name(11), {name(10)}}).error().code, errc::alias_loop);
}

TEST_F(DirectoryTest, AnUpdateKeepsAddressAndIdOfTheAccount) {
    const auto id = add("ann@example.test");
    auto record = *directory_->account(id);
    record.address = "ben@example.test";
    record.quota_bytes = 1000;
    record.secrets = {"{PLAIN}a", "{PLAIN}b"};
    ASSERT_TRUE(directory_->update_account(record));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(directory_->account(id)->address, "ann@example.test");
        EXPECT_EQ(directory_->account("ann@example.test")->quota_bytes, 1000U);
        EXPECT_EQ(directory_->account(id)->secrets, record.secrets);
        open();
    }
}

TEST_F(DirectoryTest, SecretsThatWouldBeReadBackAsOthersAreRefused) {
    AccountRecord record;
    record.address = "ann@example.test";
    for (const auto* secret : {"", "{PLAIN}a\n{PLAIN}b"}) {
        record.secrets = {secret};
        const auto added = directory_->add_account(record);
        ASSERT_FALSE(added);
        EXPECT_EQ(added.error().code, make_error_code(errc::bad_secret));
    }
}

TEST_F(DirectoryTest, TheCatchAllTakesOnlyWhatNobodyElseHas) {
    add("ann@example.test");
    ASSERT_TRUE(directory_->set_alias({"@example.test", {"ann@example.test"}}));
    EXPECT_EQ(targets("whoever@example.test"), Found{"ann@example.test"});
}

TEST_F(DirectoryTest, ADisabledAccountReceivesNothing) {
    const auto id = add("ann@example.test");
    auto record = *directory_->account(id);
    record.enabled = false;
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_EQ(reason("ann@example.test"), NoRecipient::kDisabled);
}

TEST_F(DirectoryTest, RefusesWhatDoesNotFit) {
    add("ann@example.test");
    AccountRecord record;
    for (const auto& [address, code] : std::vector<std::pair<std::string, errc>>{
             {"ANN@example.test", errc::exists},
             {"ann@other.test", errc::domain_unknown},
             {"no-at-sign", errc::invalid_address},
             {std::string(65, 'a') + "@example.test", errc::invalid_address},
             {"a\nb@example.test", errc::invalid_address}}) {
        record.address = address;
        const auto added = directory_->add_account(record);
        ASSERT_FALSE(added) << address;
        EXPECT_EQ(added.error().code, make_error_code(code)) << address;
    }
    EXPECT_EQ(directory_->remove_domain("example.test").error().code,
              make_error_code(errc::in_use));
    EXPECT_EQ(directory_->set_alias({"ann@example.test", {"x@example.test"}}).error().code,
              make_error_code(errc::exists));
}

TEST_F(DirectoryTest, PagesByAddressAndPattern) {
    for (int i = 0; i < 25; ++i) {
        add("user" + std::to_string(100 + i) + "@example.test");
    }
    Directory::Page page;
    page.limit = 10;
    auto rows = directory_->accounts(page);
    ASSERT_EQ(rows.size(), 10U);
    page.after = rows.back().address;
    EXPECT_EQ(directory_->accounts(page).front().address, "user110@example.test");
    page = {"user12?@*", "", 100};
    EXPECT_EQ(directory_->accounts(page).size(), 5U);
}

}  // namespace
}  // namespace quorate::mail::auth
