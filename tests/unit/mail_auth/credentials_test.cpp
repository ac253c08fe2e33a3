#include "mail/auth/credentials.hpp"

#include <ctime>

#include <algorithm>

#include <gtest/gtest.h>

namespace quorate::mail::auth {
namespace {

using namespace std::chrono_literals;

// CPU time of this thread: the load of the machine does not count.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class CredentialsTest : public ::testing::Test {
protected:
    CredentialsTest() {
        EXPECT_TRUE(directory_->add_domain("example.test"));
        Credentials::Options options;
        options.default_domain = "example.test";
        credentials_ = std::make_unique<Credentials>(*directory_, options);
    }

    std::uint64_t add(const std::string& address, std::vector<std::string> secrets) {
        AccountRecord record;
        record.address = address;
        record.secrets = std::move(secrets);
        return directory_->add_account(record)->id;
    }
    bool verify(std::string_view name, std::string_view password, MonoTime now = MonoTime{}) {
        return credentials_->verify(name, password, now).has_value();
    }
    // The middle one of three wrong attempts.
    double cost_of_failure(std::string_view name) {
        std::vector<double> costs;
        for (int i = 0; i < 3; ++i) {
            const auto start = cpu_seconds();
            EXPECT_FALSE(verify(name, "wrong" + std::to_string(i)));
            costs.push_back(cpu_seconds() - start);
        }
        std::sort(costs.begin(), costs.end());
        return costs[1];
    }

    std::unique_ptr<Directory> directory_ = std::move(*Directory::open(":memory:"));
    std::unique_ptr<Credentials> credentials_;
};

TEST_F(CredentialsTest, FindsAccountsByAnySpellingOfTheirName) {
    const auto id = add("ann@example.test", {"{PLAIN}pencil"});
    for (const auto* name : {"ann", "Ann", "ann@example.test", "ANN@EXAMPLE.TEST"}) {
        ASSERT_TRUE(credentials_->find(name)) << name;
        EXPECT_EQ(credentials_->find(name)->id, id);
        EXPECT_TRUE(verify(name, "pencil")) << name;
    }
    for (const auto* name : {"", "ben", "ann@", "@example.test", "ann@example.org", "a\nb"}) {
        EXPECT_FALSE(credentials_->find(name)) << name;
        EXPECT_FALSE(verify(name, "pencil")) << name;
    }
}

TEST_F(CredentialsTest, WithoutDefaultDomainNamesAreWholeAddresses) {
    add("ann@example.test", {"{PLAIN}pencil"});
    Credentials credentials(*directory_, {});
    EXPECT_TRUE(credentials.verify("ann@example.test", "pencil", MonoTime{}));
    EXPECT_FALSE(credentials.verify("ann", "pencil", MonoTime{}));
}

TEST_F(CredentialsTest, AccountsThatAreDisabledOrHaveNoSecretAreRefused) {
    const auto id = add("ann@example.test", {"{PLAIN}pencil"});
    ASSERT_TRUE(verify("ann", "pencil"));
    auto record = *directory_->account(id);
    record.enabled = false;
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_FALSE(verify("ann", "pencil")) << "though it was remembered";
    add("ben@example.test", {});
    EXPECT_FALSE(verify("ben", ""));
    EXPECT_FALSE(verify("ben", "decoy"));
    EXPECT_FALSE(verify("nobody", "decoy"));
}

TEST_F(CredentialsTest, AnUnknownNameCostsAsMuchAsAWrongPassword) {
    add("ann@example.test", *make_secrets("pencil"));
    add("sha@example.test", {"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="});
    add("none@example.test", {});
    const auto id = add("off@example.test", *make_secrets("pencil"));
    auto record = *directory_->account(id);
    record.enabled = false;
    ASSERT_TRUE(directory_->update_account(record));
    const auto known = cost_of_failure("ann");
    for (const auto* name : {"nobody", "nobody@example.org", "sha", "none", "off"}) {
        const auto cost = cost_of_failure(name);
        EXPECT_GT(cost, known / 2) << name;
        EXPECT_LT(cost, known * 2) << name;
    }
}

TEST_F(CredentialsTest, WhatWasRightIsRememberedForAMinute) {
    add("ann@example.test", *make_secrets("pencil"));
    const MonoTime start{1h};
    ASSERT_TRUE(verify("ann", "pencil", start));
    const auto cost = [&](MonoTime now) {
        const auto before = cpu_seconds();
        EXPECT_TRUE(verify("ann", "pencil", now));
        return cpu_seconds() - before;
    };
    const auto remembered = cost(start + 59s);
    EXPECT_GT(cost(start + 61s), remembered * 5) << "forgotten";
    EXPECT_FALSE(verify("ann", "pencils", start));
}

TEST_F(CredentialsTest, AChangedSecretIsForgottenAtOnce) {
    const auto id = add("ann@example.test", {"{PLAIN}pencil"});
    ASSERT_TRUE(verify("ann", "pencil"));
    auto record = *directory_->account(id);
    record.secrets = {"{PLAIN}brush"};
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_FALSE(verify("ann", "pencil"));
    EXPECT_TRUE(verify("ann", "brush"));
}

// RFC 5802 section 9.
TEST_F(CredentialsTest, ScramSecretsOfNobodyLookLikeAnybodys) {
    add("ann@example.test", *make_secrets("pencil"));
    const auto ann = credentials_->scram("ann");
    const auto ben = credentials_->scram("ben");
    EXPECT_EQ(ben.iterations, ann.iterations);
    EXPECT_EQ(ben.salt.size(), ann.salt.size());
    EXPECT_NE(ben.salt, credentials_->scram("cleo").salt);
    for (const auto* spelling : {"ben", "BEN", "ben@example.test", "Ben@Example.TEST"}) {
        EXPECT_EQ(credentials_->scram(spelling).salt, ben.salt)
            << "as the spellings of an account have one salt";
    }
    for (const auto* spelling : {"ann", "ANN", "ann@example.test"}) {
        EXPECT_EQ(credentials_->scram(spelling).salt, ann.salt);
    }
}

}  // namespace
}  // namespace quorate::mail::auth
