#include "mail/auth/password.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace quorate::mail::auth {
namespace {

// Hashes of "secret", made by `doveadm pw`; the last ones by sha1sum and sha256sum.
const char* const kSecrets[] = {
    "{PLAIN}secret",
    "{CLEARTEXT}secret",
    "{plain}secret",
    "{PLAIN.B64}c2VjcmV0",
    "{PLAIN.HEX}736563726574",
    "{SHA512-CRYPT}$6$Te1Z53TOul6mwAFD$z1.8Yq/Hf7OuUsSa34W8.GgZ9BqN/x1bXZQOY8sJwqJmieaSZOLna0."
    "6OatcG3qYC8m9QKSKo1yr9v3dvykOz.",
    "{SHA256-CRYPT}$5$CTFIJSPNoM0kYYFR$/apUgNYYGhzMVHvdQRRBzvDqntFQ/k7O0c9vg2NfcXA",
    "{BLF-CRYPT}$2y$05$V1XXWLYLgvHtjafyj2JpIeymYL.jDZJUgOWyHlLp/MXUvAihkOeca",
    "{MD5-CRYPT}$1$fSp65MNd$bYZ2PUrMod/l/q1mYK5xW0",
    "{MD5-CRYPT.B64}JDEkQVExelFEN1AkLzdySExDSnEwMnBMSE1kZlQwUU0vMQ==",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SHA1}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SSHA}nqG2NbwSR7jK3WxHaYW6+55f0IdDSy3H",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SSHA256}qtHEWbBlYN5KkFaFUjQAmkhNwa/6E9360qUU0dr3NzXejOCN",
    "{SSHA256.HEX}560a4237c5319668e9c941bd4dcc9e598154bf634df31f7ec9ca6a3b3fade081e0848fb0",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/"
    "isg==",
    "{SHA512.B64}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayr"
    "W/isg==",
    "{SSHA512}xHRrfY1hAA8U1GNoNCegoexmdQMJOfNRm76E/bIoui49EW6BX3NnXOkvGMq8Nj4dldSdtZJEdpLqnFJa9GqW"
    "FiRbnBs=",
    "{SCRAM-SHA-256}4096,g+JWBc/7tQnBmA0q4vGJmQ==,ffpPX4bqKbCwGg2kJyyuc8e7yIcY2JEguNMT+BAV9bc=,"
    "MkaxtJMLfQMDibRONGriJ5LfOt1zx7zEvG9sSCnQoeE=",
    "{SHA.HEX}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
    "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
    "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "{SHA256}2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B",
    "$1$fSp65MNd$bYZ2PUrMod/l/q1mYK5xW0",
    "{CRYPT}$5$CTFIJSPNoM0kYYFR$/apUgNYYGhzMVHvdQRRBzvDqntFQ/k7O0c9vg2NfcXA",
};

TEST(Password, VerifiesEverySchemeThatDovecotWrites) {
    for (const auto* secret : kSecrets) {
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

TEST(Password, TakesEveryKnownHashAsItIs) {
    for (const auto* secret : kSecrets) {
        EXPECT_EQ(*make_secrets(secret), std::vector<std::string>{secret});
    }
}

TEST(Password, APasswordThatOnlyLooksLikeAHashIsHashed) {
    for (const auto* password : {"$ecret", "$", "$y$", "$6$salt", "$1$fSp65MNd$short", "{x}",
                                 "{SHA}", "{SHA}secret", "{CRYPT}secret", "{SSHA512}c2hvcnQ=",
                                 "{PLAIN}", "{PLAIN.HEX}xyz", "{SCRAM-SHA-256}1,2,3,4"}) {
        EXPECT_FALSE(is_known_secret(password)) << password;
        const auto secrets = make_secrets(password, {1, 1});
        ASSERT_TRUE(secrets) << password;
        ASSERT_EQ(secrets->size(), 2U) << password;
        EXPECT_TRUE(verify_secret(secrets->front(), password)) << password;
    }
}

TEST(Password, RefusesWhatCannotBeAPassword) {
    EXPECT_FALSE(make_secrets(""));
    EXPECT_FALSE(make_secrets(std::string("a\0b", 3)));
    EXPECT_FALSE(make_secrets("a\nb"));
    EXPECT_FALSE(make_secrets(std::string(512, 'x')));
    const std::string longest(511, 'x');
    const auto secrets = make_secrets(longest, {1, 1});
    ASSERT_TRUE(secrets);
    EXPECT_TRUE(verify_secret(secrets->front(), longest));
    EXPECT_FALSE(verify_secret(secrets->front(), longest.substr(1)));
    EXPECT_FALSE(verify_secret(secrets->front(), longest + "x"));
}

TEST(Password, OnlyHashesOfCryptAreSlow) {
    EXPECT_TRUE(is_slow_secret(make_secrets("x", {1, 1})->front()));
    EXPECT_TRUE(is_slow_secret("$1$fSp65MNd$bYZ2PUrMod/l/q1mYK5xW0"));
    EXPECT_FALSE(is_slow_secret("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="));
    EXPECT_FALSE(is_slow_secret("{PLAIN}secret"));
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

// RFC 4013 section 3: soft hyphens vanish, compatibility characters are decomposed.
TEST(Scram, Rfc5802Section22NormalizesThePassword) {
    const auto plain = make_scram_secret("IX", "salt", 1);
    EXPECT_EQ(make_scram_secret("I\xc2\xadX", "salt", 1), plain);
    EXPECT_EQ(make_scram_secret("\xe2\x85\xa8", "salt", 1), plain);
    EXPECT_NE(make_scram_secret("ix", "salt", 1), plain);
}

TEST(Scram, RefusesMalformedSecrets) {
    const std::string key = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=";
    EXPECT_TRUE(parse_scram_secret("{SCRAM-SHA-256}4096,c2FsdA==," + key + "," + key));
    for (const auto& secret :
         {"{SCRAM-SHA-256}0,c2FsdA==," + key + "," + key,
          "{SCRAM-SHA-256}1000001,c2FsdA==," + key + "," + key,
          "{SCRAM-SHA-256}x,c2FsdA==," + key + "," + key,
          "{SCRAM-SHA-256}4096,c2FsdA," + key + "," + key,
          "{SCRAM-SHA-256}4096,c2FsdA==,c2FsdA==," + key, "{SCRAM-SHA-256}4096,c2FsdA==," + key,
          "{SCRAM-SHA-1}4096,c2FsdA==," + key + "," + key}) {
        EXPECT_FALSE(parse_scram_secret(secret)) << secret;
    }
}

}  // namespace
}  // namespace quorate::mail::auth
