// AUTH (RFC 4954) and what only authenticated users may do (RFC 6409).

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;
using SaslKind = SaslOutcome::Kind;

struct AuthTalk : Talk {
    AuthTalk() : Talk(Role::kSubmission) {
        options.mechanisms_clear = {"SCRAM-SHA-256", "PLAIN"};
        hello();
    }
};

TEST(SmtpAuth, MailNeedsItInSubmissionRfc6409Section4Point3) {
    AuthTalk talk;
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>"), "530 5.7.0 Authentication required\r\n");
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>").substr(0, 3), "503");
    talk.authenticate();
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>").substr(0, 3), "250");
}

TEST(SmtpAuth, MailPointsAtStartTlsWhereThatComesFirstRfc3207Section4) {
    Talk talk(Role::kSubmission);
    talk.options.policy.tls_available = true;
    talk.options.mechanisms_tls = {"PLAIN"};
    talk.hello();
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>"), "530 5.7.0 Issue STARTTLS first\r\n");
}

TEST(SmtpAuth, TakesAnInitialResponseRfc4954Section4) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kSuccess, "ann@example.test", "", 1}};
    EXPECT_EQ(talk.say("auth plain AGEAYg=="), "235 2.7.0 Authentication succeeded\r\n");
    EXPECT_EQ(talk.sasl_starts.at(0).mechanism, "PLAIN");
    EXPECT_EQ(talk.sasl_starts.at(0).initial_response, std::string("\0a\0b", 4));
}

TEST(SmtpAuth, AnEqualsSignIsAnEmptyInitialResponseRfc4954Section4) {
    AuthTalk talk;
    talk.say("AUTH PLAIN =");
    EXPECT_EQ(talk.sasl_starts.at(0).initial_response, "");
    talk.say("AUTH PLAIN");
    EXPECT_EQ(talk.sasl_starts.at(1).initial_response, std::nullopt);
}

TEST(SmtpAuth, ChallengesAndResponsesAreBase64Rfc4954Section4) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kChallenge, "", "", 0},
                 {SaslKind::kChallenge, "r=1,s=2", "", 0},
                 {SaslKind::kSuccess, "ann@example.test", "", 1}};
    EXPECT_EQ(talk.say("AUTH SCRAM-SHA-256"), "334 \r\n");
    EXPECT_EQ(talk.say("bixhLA=="), "334 cj0xLHM9Mg==\r\n");
    EXPECT_EQ(talk.say(""), "235 2.7.0 Authentication succeeded\r\n");
    EXPECT_EQ(talk.sasl_responses, (std::vector<std::string>{"n,a,", ""}));
}

TEST(SmtpAuth, TheServersLastWordIsAChallengeRfc4954Section4) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kSuccess, "ann@example.test", "v=proof", 1}};
    EXPECT_EQ(talk.say("AUTH SCRAM-SHA-256 YQ=="), "334 dj1wcm9vZg==\r\n");
    EXPECT_EQ(talk.say(""), "235 2.7.0 Authentication succeeded\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "250");
}

TEST(SmtpAuth, AClientThatRejectsTheLastWordIsNotAuthenticated) {
    for (const auto& [answer, code] :
         {std::pair("*", "501 5.7.0"), std::pair("YQ==", "501 5.5.2")}) {
        AuthTalk talk;
        talk.sasl = {{SaslKind::kSuccess, "ann@example.test", "v=proof", 1}};
        talk.say("AUTH SCRAM-SHA-256 YQ==");
        EXPECT_EQ(talk.say(answer).substr(0, 9), code);
        EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "530");
        EXPECT_EQ(talk.sasl_aborts, 0U);  // the exchange was over
    }
}

TEST(SmtpAuth, AStarCancelsRfc4954Section4) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kChallenge, "x", "", 0}};
    talk.say("AUTH SCRAM-SHA-256");
    EXPECT_EQ(talk.say("*"), "501 5.7.0 Authentication cancelled\r\n");
    EXPECT_EQ(talk.sasl_aborts, 1U);
    EXPECT_EQ(talk.say("NOOP"), "250 2.0.0 Ok\r\n");
}

TEST(SmtpAuth, WhatIsNoBase64IsRefusedRfc4954Section4) {
    AuthTalk talk;
    EXPECT_EQ(talk.say("AUTH PLAIN !").substr(0, 9), "501 5.5.2");
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg= =").substr(0, 9), "501 5.5.2");
    EXPECT_TRUE(talk.sasl_starts.empty());
    talk.sasl = {{SaslKind::kChallenge, "x", "", 0}};
    talk.say("AUTH PLAIN");
    EXPECT_EQ(talk.say("a b").substr(0, 9), "501 5.5.2");
    EXPECT_EQ(talk.sasl_aborts, 1U);
    EXPECT_TRUE(talk.sasl_responses.empty());
}

TEST(SmtpAuth, FailuresAreAnsweredRfc4954Section6) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kFailure, "", "", 0}, {SaslKind::kUnavailable, "", "", 0}};
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg=="), "535 5.7.8 Authentication credentials invalid\r\n");
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg=="), "454 4.7.0 Temporary authentication failure\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "530");
}

TEST(SmtpAuth, HappensOnceAndOutsideOfTransactionsRfc4954Section4) {
    AuthTalk talk;
    talk.authenticate();
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg=="), "503 5.5.1 Already authenticated\r\n");
    Talk receive;
    receive.options.mechanisms_clear = {"PLAIN"};
    receive.envelope();
    EXPECT_EQ(receive.say("AUTH PLAIN AGEAYg=="), "503 5.5.1 Not during a mail transaction\r\n");
}

TEST(SmtpAuth, NeedsEhloAndAnOfferedMechanism) {
    Talk talk(Role::kSubmission);
    talk.options.mechanisms_clear = {"SCRAM-SHA-256"};
    talk.options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN"};
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg==").substr(0, 9), "503 5.5.1");
    talk.say("HELO a.test");
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg==").substr(0, 9), "503 5.5.1");
    talk.hello();
    EXPECT_EQ(talk.say("AUTH").substr(0, 9), "501 5.5.4");
    EXPECT_EQ(talk.say("AUTH CRAM-MD5").substr(0, 9), "504 5.5.4");
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg==").substr(0, 10), "538 5.7.11");
    EXPECT_TRUE(talk.sasl_starts.empty());
    Talk none;
    none.hello();
    EXPECT_EQ(none.say("AUTH PLAIN AGEAYg==").substr(0, 9), "502 5.5.1");
}

TEST(SmtpAuth, LinesMayHave12288OctetsRfc4954Section4) {
    const std::string fits((12288 - 2) / 4 * 4 - 12, 'A');
    AuthTalk talk;
    EXPECT_EQ(talk.say("AUTH PLAIN " + fits).substr(0, 3), "535");
    EXPECT_EQ(talk.say("AUTH PLAIN " + fits + "AAAA"),
              "500 5.5.6 Authentication exchange line is too long\r\n");
    talk.send("AUTH PLAIN " + fits);
    EXPECT_EQ(talk.send(std::string(9000, 'A')), "");
    EXPECT_EQ(talk.send("AAAA\r\n").substr(0, 9), "500 5.5.6");
    talk.sasl = {{SaslKind::kChallenge, "x", "", 0}, {SaslKind::kChallenge, "x", "", 0}};
    talk.say("AUTH PLAIN");
    EXPECT_EQ(talk.say(std::string(12284, 'A')).substr(0, 3), "334");
    EXPECT_EQ(talk.say(std::string(12288, 'A')).substr(0, 9), "500 5.5.6");
    EXPECT_EQ(talk.sasl_aborts, 1U);
    EXPECT_EQ(talk.say("NOOP").substr(0, 3), "250");
}

TEST(SmtpAuth, ABareLineFeedEndsTheExchange) {
    AuthTalk talk;
    talk.sasl = {{SaslKind::kChallenge, "x", "", 0}};
    talk.say("AUTH PLAIN");
    EXPECT_EQ(talk.send("AGEAYg==\n").substr(0, 9), "500 5.5.2");
    EXPECT_EQ(talk.sasl_aborts, 1U);
}

TEST(SmtpAuth, CommandsBehindItWaitForTheOutcome) {
    AuthTalk talk;
    talk.hold_sasl = true;
    EXPECT_EQ(talk.send("AUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.test>\r\n"), "");
    EXPECT_EQ(talk.input(SaslOutcome{SaslKind::kSuccess, "ann@example.test", "", 1}),
              "235 2.7.0 Authentication succeeded\r\n250 2.1.0 Sender ok\r\n");
}

TEST(SmtpAuth, MailMayNameAnIdentityRfc4954Section5) {
    AuthTalk talk;
    talk.authenticate();
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test> AUTH=<>").substr(0, 3), "250");
    talk.say("RSET");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test> AUTH=ann@example.test").substr(0, 3), "250");
}

TEST(SmtpSubmission, AddsMissingDateAndMessageIdRfc6409Section8) {
    AuthTalk talk;
    talk.authenticate();
    talk.envelope();
    talk.data("Subject: x\r\n\r\nDate: in the body\r\n.\r\n");
    EXPECT_EQ(talk.content(),
              "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
              "Message-ID: <1700000000000.s1.1@mx.example.test>\r\n"
              "Subject: x\r\n\r\nDate: in the body\r\n");
    talk.envelope();
    talk.data("date: d\r\nMESSAGE-ID: m\r\n\r\nx\r\n.\r\n");
    EXPECT_EQ(talk.content(), "date: d\r\nMESSAGE-ID: m\r\n\r\nx\r\n");
    EXPECT_NE(talk.message().find(" with ESMTPA id "), std::string::npos);
}

}  // namespace
}  // namespace quorate::mail::smtp
