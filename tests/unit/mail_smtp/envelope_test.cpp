// MAIL and RCPT, and who may send to whom.

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

TEST(SmtpEnvelope, MailInATransactionIsNestedRfc5321Section4Point1Point4) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test>");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>"), "503 5.5.1 Nested MAIL command\r\n");
}

TEST(SmtpEnvelope, RcptAndDataNeedTheirPredecessorsRfc5321Section3Point3) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>"), "503 5.5.1 MAIL first\r\n");
    EXPECT_EQ(talk.say("DATA"), "503 5.5.1 MAIL first\r\n");
    talk.say("MAIL FROM:<a@b.test>");
    EXPECT_EQ(talk.say("DATA"), "503 5.5.1 No valid recipients\r\n");
    talk.resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
    talk.say("RCPT TO:<no@example.test>");
    EXPECT_EQ(talk.say("DATA"), "503 5.5.1 No valid recipients\r\n");
}

TEST(SmtpEnvelope, ARefusedMailBeginsNothing) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test> FOO").substr(0, 3), "555");
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>").substr(0, 3), "503");
}

TEST(SmtpEnvelope, RecipientsAreAnsweredAsTheyResolve) {
    const std::vector<std::pair<Resolved::Kind, std::string>> kTable{
        {Resolved::Kind::kOk, "250 2.1.5"},          {Resolved::Kind::kNotLocal, "550 5.7.1"},
        {Resolved::Kind::kUnknownUser, "550 5.1.1"}, {Resolved::Kind::kDisabled, "550 5.2.1"},
        {Resolved::Kind::kOverQuota, "452 4.2.2"},   {Resolved::Kind::kTryLater, "451 4.3.0"},
    };
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test>");
    for (const auto& [kind, answer] : kTable) {
        talk.resolve["ann@example.test"] = kind;
        EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>").substr(0, 9), answer);
    }
    talk.data("x\r\n.\r\n");
    EXPECT_EQ(talk.deliveries[0].question.recipients.size(), 1U);
}

TEST(SmtpEnvelope, ResolveIsToldTheDeclaredSizeRfc1870Section6Point1) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test> SIZE=4711");
    talk.say("RCPT TO:<ann@example.test>");
    EXPECT_EQ(talk.resolved.at(0).declared_size, 4711U);
    EXPECT_EQ(talk.resolved.at(0).address, "ann@example.test");
}

TEST(SmtpEnvelope, ADeclaredSizeAboveTheLimitIsRefusedRfc1870Section6Point1) {
    Talk talk;
    talk.options.message_bytes = 1000;
    talk.hello();
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test> SIZE=1001"),
              "552 5.3.4 Message is bigger than is taken here, see SIZE\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test> SIZE=1000"), "250 2.1.0 Sender ok\r\n");
}

TEST(SmtpEnvelope, NullReversePathIsAcceptedRfc5321Section6Point1) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("MAIL FROM:<>"), "250 2.1.0 Sender ok\r\n");
    talk.say("RCPT TO:<ann@example.test>");
    talk.data("x\r\n.\r\n");
    EXPECT_EQ(talk.deliveries[0].question.sender, "");
    EXPECT_TRUE(talk.message().starts_with("Return-Path: <>\r\n"));
}

TEST(SmtpEnvelope, PostmasterNeedsNoDomainRfc5321Section4Point5Point1) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<>");
    EXPECT_EQ(talk.say("RCPT TO:<Postmaster>"), "250 2.1.5 Recipient ok\r\n");
    EXPECT_EQ(talk.resolved.at(0).address, "postmaster");
    EXPECT_EQ(talk.say("RCPT TO:<PostMaster@example.test>").substr(0, 3), "250");
    EXPECT_EQ(talk.say("RCPT TO:<ann>").substr(0, 9), "501 5.1.3");
}

TEST(SmtpEnvelope, ASourceRouteIsIgnoredRfc5321Section3Point6Point1) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<@relay.test:a@b.test>");
    talk.say("RCPT TO:<@relay.test,@other.test:ann@example.test>");
    EXPECT_EQ(talk.resolved.at(0).address, "ann@example.test");
    talk.data("x\r\n.\r\n");
    EXPECT_EQ(talk.deliveries[0].question.sender, "a@b.test");
}

TEST(SmtpEnvelope, NonAsciiRecipientsNeedSmtpUtf8Rfc6531Section3Point4) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test>");
    EXPECT_EQ(talk.say("RCPT TO:<\xc3\xa4@example.test>").substr(0, 9), "553 5.6.7");
    talk.say("RSET");
    talk.say("MAIL FROM:<\xc3\xb6@b.test> SMTPUTF8");
    EXPECT_EQ(talk.say("RCPT TO:<\xc3\xa4@example.test>").substr(0, 3), "250");
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find(" with UTF8SMTP id "), std::string::npos);
    EXPECT_TRUE(talk.message().starts_with("Return-Path: <\xc3\xb6@b.test>\r\n"));
}

TEST(SmtpEnvelope, TooManyRecipientsAreRefusedForNowRfc5321Section4Point5Point3Point1Point10) {
    Talk talk;
    talk.options.recipients = 2;
    talk.hello();
    talk.say("MAIL FROM:<>");
    talk.say("RCPT TO:<a@example.test>");
    talk.say("RCPT TO:<b@example.test>");
    EXPECT_EQ(talk.say("RCPT TO:<c@example.test>"), "452 4.5.3 Too many recipients\r\n");
    EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(talk.deliveries[0].question.recipients.size(), 2U);
    EXPECT_EQ(talk.message().find("for <"), std::string::npos);
}

TEST(SmtpEnvelope, OneHundredRecipientsAreBufferedRfc5321Section4Point5Point3Point1Point8) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<>");
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(talk.say("RCPT TO:<u" + std::to_string(i) + "@example.test>").substr(0, 3),
                  "250");
    }
    EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(talk.deliveries[0].question.recipients.size(), 1000U);
}

TEST(SmtpEnvelope, MessagesOfASessionAreLimitedRfc9422Section4Point1) {
    Talk talk;
    talk.options.mails = 2;
    talk.envelope();
    talk.data("x\r\n.\r\n");
    talk.say("MAIL FROM:<>");
    talk.say("RSET");
    EXPECT_EQ(talk.say("MAIL FROM:<>"), "452 4.7.0 Too many messages, open another session\r\n");
}

TEST(SmtpEnvelope, DsnParametersAreKeptForTheLogRfc3461Section4) {
    Talk talk;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test> RET=HDRS ENVID=QQ+2B1");
    talk.say("RCPT TO:<ann@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann@old.test");
    talk.data("x\r\n.\r\n");
    ASSERT_EQ(talk.notes.size(), 1U);
    EXPECT_EQ(talk.notes[0].event, "message_accepted");
    EXPECT_EQ(talk.notes[0].detail,
              "from=<a@b.test> to=<ann@example.test> notify=SUCCESS,DELAY "
              "orcpt=rfc822;ann@old.test recipients=1 size=3 with=ESMTP stored_as=q7 ret=HDRS "
              "envid=QQ+1");
}

TEST(SmtpEnvelope, WhatIsLoggedIsPrintable) {
    Talk talk;
    talk.resolve["\xc3\xa4@example.test"] = Resolved::Kind::kUnknownUser;
    talk.hello();
    talk.say("MAIL FROM:<a@b.test> SMTPUTF8 ENVID=+0A+1B");
    talk.say("RCPT TO:<\xc3\xa4@example.test>");
    EXPECT_EQ(talk.notes.at(0).detail,
              "from=<a@b.test> to=<\\xc3\\xa4@example.test> reply=550 5.1.1");
    talk.say("RCPT TO:<ann@example.test>");
    talk.data("x\r\n.\r\n");
    EXPECT_TRUE(talk.notes.at(1).detail.ends_with("envid=\\x0a\\x1b"));
}

// RFC 2505 2.1: what an open relay lets through. Only what Resolve calls local is accepted,
// whatever the address looks like.
TEST(SmtpRelay, NoFormOfAForeignAddressIsAccepted) {
    Talk talk;
    talk.options.errors = 1000;
    talk.hello();
    for (const auto* address : {"<x@foreign.test>",
                                "<x%foreign.test@example.test>",
                                "<x@foreign.test@example.test>",
                                "<\"x@foreign.test\">",
                                "<\"x@foreign.test\"@example.test>",
                                "<foreign.test!x>",
                                "<foreign.test!x@example.test>",
                                "<@example.test:x@foreign.test>",
                                "<@foreign.test:x@foreign.test>",
                                "<x@[192.0.2.99]>",
                                "<x@[127.0.0.1]>",
                                "<x@localhost>",
                                "<x@example.test.foreign.test>",
                                "<x@>",
                                "<x>",
                                "<>",
                                "x@foreign.test",
                                "<x@foreign.test>,<ann@example.test>",
                                "<x@foreign.test,ann@example.test>",
                                "<\"x@foreign.test\\\"\"@example.test>",
                                "<x@foreign.test\\@example.test>",
                                "<x@foreign.test(@example.test)>"}) {
        for (const auto* sender : {"<a@foreign.test>", "<ann@example.test>", "<>"}) {
            talk.say("RSET");
            talk.say(std::string("MAIL FROM:") + sender);
            const auto asked = talk.resolved.size();
            talk.hold_resolve = true;
            auto answer = talk.say(std::string("RCPT TO:") + address);
            if (talk.resolved.size() > asked) {
                const auto what = talk.resolved.back().address;
                const bool ours = what == "ann@example.test";
                answer =
                    talk.input(Resolved{ours ? Resolved::Kind::kOk : Resolved::Kind::kNotLocal});
            }
            talk.hold_resolve = false;
            EXPECT_EQ(answer[0], '5') << address << sender;
            EXPECT_EQ(talk.say("DATA").substr(0, 3), "503") << address;
        }
    }
}

TEST(SmtpRelay, AuthenticatedUsersRelayNothingEither) {
    Talk talk(Role::kSubmission);
    talk.authenticate();
    talk.resolve["x@foreign.test"] = Resolved::Kind::kNotLocal;
    talk.say("MAIL FROM:<ann@example.test>");
    EXPECT_EQ(talk.say("RCPT TO:<x@foreign.test>").substr(0, 9), "550 5.7.1");
    EXPECT_EQ(talk.say("DATA").substr(0, 3), "503");
}

}  // namespace
}  // namespace quorate::mail::smtp
