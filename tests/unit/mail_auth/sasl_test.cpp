#include "mail/auth/sasl.hpp"

#include <gsasl.h>

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace quorate::mail::auth {
namespace {

using Kind = SaslOutcome::Kind;
using namespace std::string_literals;

class SaslTest : public ::testing::Test {
protected:
    void SetUp() override {
        folder_ =
            std::filesystem::temp_directory_path() / ("quorate_sasl_" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder_);
        directory_ = std::move(*Directory::open((folder_ / "directory.db").string()));
        ASSERT_TRUE(directory_->add_domain("example.test"));
        AccountRecord record;
        record.address = "ann@example.test";
        record.secrets = *make_secrets("pencil");
        id_ = directory_->add_account(record)->id;
        Credentials::Options options;
        options.default_domain = "example.test";
        credentials_ = std::make_unique<Credentials>(*directory_, options);
    }
    void TearDown() override {
        directory_.reset();
        std::filesystem::remove_all(folder_);
    }
    SaslOutcome plain(const std::string& message) {
        SaslExchange exchange(*credentials_, "PLAIN");
        return exchange.start(MonoTime{}, message);
    }
    // Talks SCRAM with libgsasl's client against our server.
    Kind scram(const std::string& user, const std::string& password) {
        Gsasl* library = nullptr;
        Gsasl_session* client = nullptr;
        gsasl_init(&library);
        gsasl_client_start(library, "SCRAM-SHA-256", &client);
        gsasl_property_set(client, GSASL_AUTHID, user.c_str());
        gsasl_property_set(client, GSASL_PASSWORD, password.c_str());
        SaslExchange exchange(*credentials_, "SCRAM-SHA-256");
        SaslOutcome outcome;
        std::string challenge;
        for (int round = 0; round < 4; ++round) {
            char* output = nullptr;
            std::size_t size = 0;
            const int result =
                gsasl_step(client, challenge.data(), challenge.size(), &output, &size);
            const std::string message = output == nullptr ? "" : std::string(output, size);
            std::free(output);
            if (result != GSASL_OK && result != GSASL_NEEDS_MORE) {
                break;
            }
            outcome = round == 0 ? exchange.start(MonoTime{}, message)
                                 : exchange.step(MonoTime{}, message);
            if (outcome.kind != Kind::kChallenge) {
                break;
            }
            challenge = outcome.text;
        }
        gsasl_finish(client);
        gsasl_done(library);
        return outcome.kind;
    }

    std::filesystem::path folder_;
    std::unique_ptr<Directory> directory_;
    std::unique_ptr<Credentials> credentials_;
    std::uint64_t id_ = 0;
};

TEST_F(SaslTest, PlainAdmitsTheRightPasswordOnly) {
    const auto outcome = plain("\0ann@example.test\0pencil"s);
    EXPECT_EQ(outcome.kind, Kind::kSuccess);
    EXPECT_EQ(outcome.text, "ann@example.test");
    EXPECT_EQ(outcome.account, id_);
    EXPECT_EQ(plain("\0ann@example.test\0pencils"s).kind, Kind::kFailure);
    EXPECT_EQ(plain("\0nobody@example.test\0pencil"s).kind, Kind::kFailure);
}

TEST_F(SaslTest, PlainAddsTheDefaultDomain) {
    EXPECT_EQ(plain("\0ann\0pencil"s).kind, Kind::kSuccess);
}

TEST_F(SaslTest, PlainRefusesToActForAnotherRfc4616Section2) {
    EXPECT_EQ(plain("ben@example.test\0ann@example.test\0pencil"s).kind, Kind::kFailure);
    EXPECT_EQ(plain("ann@example.test\0ann@example.test\0pencil"s).kind, Kind::kSuccess);
}

TEST_F(SaslTest, PlainTakesAnySpellingOfTheSameIdentity) {
    EXPECT_EQ(plain("ann@example.test\0ann\0pencil"s).kind, Kind::kSuccess);
    EXPECT_EQ(plain("ANN\0ann@example.test\0pencil"s).kind, Kind::kSuccess);
    EXPECT_EQ(plain("nobody\0ann\0pencil"s).kind, Kind::kFailure);
    EXPECT_EQ(plain("ann\0nobody\0pencil"s).kind, Kind::kFailure);
}

TEST_F(SaslTest, PlainRefusesNulInsideThePasswordRfc4616Section2) {
    EXPECT_EQ(plain("\0ann\0pencil\0"s).kind, Kind::kFailure);
    EXPECT_EQ(plain("\0ann\0pencil\0x"s).kind, Kind::kFailure);
}

TEST_F(SaslTest, ADisabledAccountIsRefusedByEveryMechanism) {
    auto record = *directory_->account(id_);
    record.enabled = false;
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_EQ(plain("\0ann\0pencil"s).kind, Kind::kFailure);
    EXPECT_EQ(scram("ann@example.test", "pencil"), Kind::kFailure);
}

TEST_F(SaslTest, TheNameThatWasTriedIsKnownForTheLog) {
    SaslExchange exchange(*credentials_, "PLAIN");
    exchange.start(MonoTime{}, "\0mallory\0x"s);
    EXPECT_EQ(exchange.name(), "mallory");
}

TEST_F(SaslTest, OffersOnlyWhatSendsNoPasswordInTheClear) {
    EXPECT_EQ(sasl_mechanisms(/*clear_text_allowed=*/true),
              (std::vector<std::string>{"SCRAM-SHA-256", "PLAIN", "LOGIN"}));
    EXPECT_EQ(sasl_mechanisms(/*clear_text_allowed=*/false),
              std::vector<std::string>{"SCRAM-SHA-256"});
}

TEST_F(SaslTest, PlainWithoutInitialResponseAsksForIt) {
    SaslExchange exchange(*credentials_, "PLAIN");
    EXPECT_EQ(exchange.start(MonoTime{}, std::nullopt).kind, Kind::kChallenge);
    EXPECT_EQ(exchange.step(MonoTime{}, "\0ann@example.test\0pencil"s).kind, Kind::kSuccess);
}

TEST_F(SaslTest, LoginAsksForNameAndPassword) {
    SaslExchange exchange(*credentials_, "LOGIN");
    EXPECT_EQ(exchange.start(MonoTime{}, std::nullopt).kind, Kind::kChallenge);
    EXPECT_EQ(exchange.step(MonoTime{}, "ann@example.test").kind, Kind::kChallenge);
    EXPECT_EQ(exchange.step(MonoTime{}, "pencil").kind, Kind::kSuccess);
}

TEST_F(SaslTest, LoginTakesTheNameAsInitialResponse) {
    SaslExchange exchange(*credentials_, "LOGIN");
    EXPECT_EQ(exchange.start(MonoTime{}, "ann@example.test").kind, Kind::kChallenge);
    EXPECT_EQ(exchange.step(MonoTime{}, "wrong").kind, Kind::kFailure);
}

TEST_F(SaslTest, ScramSha256WithLibgsaslsClient) {
    EXPECT_EQ(scram("ann@example.test", "pencil"), Kind::kSuccess);
    EXPECT_EQ(scram("ann@example.test", "pencils"), Kind::kFailure);
    EXPECT_EQ(scram("nobody@example.test", "pencil"), Kind::kFailure);
    EXPECT_EQ(scram("ann", "pencil"), Kind::kSuccess) << "with the default domain";
}

TEST_F(SaslTest, ScramPasswordsAreNormalizedOnBothSides) {
    auto record = *directory_->account(id_);
    for (const auto* password :
         {"pa\xc2\xadss\xe2\x85\xa8", "\xc3\xa9t\xc3\xa9", "e\xcc\x81te\xcc\x81"}) {
        record.secrets = *make_secrets(password);
        ASSERT_TRUE(directory_->update_account(record));
        EXPECT_EQ(scram("ann@example.test", password), Kind::kSuccess) << password;
    }
}

TEST_F(SaslTest, AnAccountWithoutScramSecretLooksLikeAWrongPassword) {
    auto record = *directory_->account(id_);
    record.secrets = {"{PLAIN}pencil"};
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_EQ(scram("ann@example.test", "pencil"), Kind::kFailure);
    EXPECT_EQ(plain("\0ann\0pencil"s).kind, Kind::kSuccess);
}

TEST_F(SaslTest, GarbageIsRefusedByEveryMechanism) {
    for (const auto& mechanism : {"PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5", ""}) {
        for (const auto& message :
             {""s, "\0"s, "\0\0"s, "n,,"s, "n,,n=,r="s, std::string(20000, 'x'), "\xff\xfe"s}) {
            SaslExchange exchange(*credentials_, mechanism);
            auto outcome = exchange.start(MonoTime{}, message);
            for (int i = 0; i < 3 && outcome.kind == Kind::kChallenge; ++i) {
                outcome = exchange.step(MonoTime{}, message);
            }
            EXPECT_NE(outcome.kind, Kind::kSuccess) << mechanism;
        }
    }
}

TEST_F(SaslTest, AChangedPasswordIsNotRemembered) {
    EXPECT_EQ(plain("\0ann\0pencil"s).kind, Kind::kSuccess);
    auto record = *directory_->account(id_);
    record.secrets = *make_secrets("other");
    ASSERT_TRUE(directory_->update_account(record));
    EXPECT_EQ(plain("\0ann\0pencil"s).kind, Kind::kFailure);
}

}  // namespace
}  // namespace quorate::mail::auth
