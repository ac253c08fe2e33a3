#include "mail/auth/password.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace quorate::mail::auth {
namespace {

// Hashes of "secret", made by other programs, in Dovecot's layouts.
TEST(Password, VerifiesEverySchemeThatDovecotWrites) {
    const char* secrets[] = {
        "{PLAIN}secret",
        "{CLEARTEXT}secret",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SHA.HEX}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    };
    for (const auto* secret : secrets) {
        EXPECT_TRUE(is_known_secret(secret)) << secret;
        EXPECT_TRUE(verify_secret(secret, "secret")) << secret;
        EXPECT_FALSE(verify_secret(secret, "Secret")) << secret;
        EXPECT_FALSE(verify_secret(secret, "")) << secret;
    }
}

TEST(Password, WhatItMakesItVerifies) {
    const auto secrets = make_secrets("correct horse", {0, 4096});
    ASSERT_TRUE(secrets);
    ASSERT_EQ(secrets->size(), 2U);
    EXPECT_TRUE(secrets->at(0).starts_with("{CRYPT}$y$"));
    for (const auto& secret : *secrets) {
        EXPECT_TRUE(verify_secret(secret, "correct horse")) << secret;
        EXPECT_FALSE(verify_secret(secret, "correct horsf")) << secret;
    }
    EXPECT_NE(*make_secrets("correct horse"), *secrets) << "every hash has its own salt";
}

TEST(Password, TakesAHashAsItIs) {
    EXPECT_EQ(*make_secrets("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
              std::vector<std::string>{"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="});
}

TEST(Password, RefusesWhatCannotBeAPassword) {
    EXPECT_FALSE(make_secrets(""));
    EXPECT_FALSE(make_secrets(std::string("a\0b", 3)));
    EXPECT_FALSE(make_secrets(std::string(1025, 'x')));
}

TEST(Password, GarbageSecretsAdmitNobody) {
    for (const auto* secret :
         {"", "{", "{}", "{NOPE}x", "{SHA}", "{SHA}!!!!", "{SSHA}c2hvcnQ=", "{SHA.HEX}zz",
          "{SCRAM-SHA-256}1,2,3", "{CRYPT}", "{CRYPT}*0", "plain"}) {
        EXPECT_FALSE(verify_secret(secret, "secret")) << secret;
        EXPECT_FALSE(verify_secret(secret, "")) << secret;
    }
}

// RFC 7677 section 3: user "user", password "pencil".
TEST(Scram, DerivesTheKeysOfRfc7677Section3) {
    const auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
    const auto secret = make_scram_secret("pencil", *salt, 4096);
    EXPECT_EQ(
        secret,
        "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    EXPECT_TRUE(verify_secret(secret, "pencil"));
}

}  // namespace
}  // namespace quorate::mail::auth
