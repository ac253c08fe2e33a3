// Greeting, EHLO, HELO, LHLO and the commands that change nothing.

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

TEST(SmtpHello, GreetsWith220AndItsNameRfc5321Section4Point2) {
    EXPECT_EQ(Talk().begin(), "220 mx.example.test ESMTP Quorate\r\n");
    EXPECT_EQ(Talk(Role::kLmtp).begin(), "220 mx.example.test LMTP Quorate\r\n");
}

TEST(SmtpHello, EhloListsTheExtensionsRfc5321Section4Point1Point1Point1) {
    Talk talk;
    talk.options.message_bytes = 12345;
    talk.options.mails = 7;
    talk.options.recipients = 8;
    EXPECT_EQ(talk.say("EHLO client.test"),
              "250-mx.example.test\r\n250-PIPELINING\r\n250-SIZE 12345\r\n250-8BITMIME\r\n"
              "250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
              "250 LIMITS MAILMAX=7 RCPTMAX=8\r\n");
}

TEST(SmtpHello, StartTlsAndAuthAreListedWhenTheyArePossible) {
    Talk talk;
    talk.options.policy.tls_available = true;
    talk.options.mechanisms_clear = {"SCRAM-SHA-256"};
    talk.options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN"};
    const auto before = talk.hello();
    EXPECT_NE(before.find("250-STARTTLS\r\n250-AUTH SCRAM-SHA-256\r\n"), before.npos);
    talk.say("STARTTLS");
    const auto after = talk.hello();
    EXPECT_EQ(after.find("STARTTLS"), after.npos);
    EXPECT_NE(after.find("250-AUTH SCRAM-SHA-256 PLAIN\r\n"), after.npos);
}

TEST(SmtpHello, HeloIsSupportedRfc5321Section4Point1Point1Point1) {
    Talk talk;
    EXPECT_EQ(talk.say("HELO client.test"), "250 mx.example.test\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>"), "250 2.1.0 Sender ok\r\n");
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>"), "250 2.1.5 Recipient ok\r\n");
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find(" with SMTP id "), std::string::npos);
}

TEST(SmtpHello, ArgumentIsADomainOrAnAddressLiteralRfc5321Section4Point1Point1Point1) {
    for (const auto* good : {"EHLO localhost", "EHLO [192.0.2.1]", "EHLO [IPv6:::1]", "HELO a_b.c",
                             "ehlo  two.spaces "}) {
        EXPECT_EQ(Talk().say(good).substr(0, 3), "250") << good;
    }
    for (const auto* bad : {"EHLO", "HELO", "EHLO a b", "EHLO <a>", "EHLO [1.2.3]", "EHLO a..b",
                            "EHLO b\xc3\xbc.test", "EHLO (comment)"}) {
        EXPECT_EQ(Talk().say(bad), "501 5.5.4 Say a host name or an address literal\r\n") << bad;
    }
}

TEST(SmtpHello, LmtpHasLhloOnlyRfc2033Section4Point1) {
    Talk lmtp(Role::kLmtp);
    EXPECT_EQ(lmtp.say("EHLO a.test").substr(0, 9), "500 5.5.1");
    EXPECT_EQ(lmtp.say("HELO a.test").substr(0, 9), "500 5.5.1");
    const auto answer = lmtp.say("LHLO a.test");
    EXPECT_NE(answer.find("250-PIPELINING\r\n"), answer.npos);           // section 5: MUST
    EXPECT_NE(answer.find("250-ENHANCEDSTATUSCODES\r\n"), answer.npos);  // section 5: MUST
    EXPECT_EQ(Talk().say("LHLO a.test").substr(0, 9), "500 5.5.1");
}

TEST(SmtpHello, EhloEndsATransactionRfc5321Section4Point1Point4) {
    Talk talk;
    talk.envelope();
    talk.hello();
    EXPECT_EQ(talk.say("DATA").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("MAIL FROM:<c@d.test>").substr(0, 3), "250");
}

TEST(SmtpHello, MailNeedsAnIntroductionRfc5321Section4Point1Point4) {
    EXPECT_EQ(Talk().say("MAIL FROM:<a@b.test>"), "503 5.5.1 Introduce yourself first\r\n");
}

TEST(SmtpHello, SomeCommandsNeedNoIntroductionRfc5321Section4Point1Point4) {
    Talk talk;
    for (const auto* line : {"NOOP", "HELP", "VRFY ann", "RSET"}) {
        EXPECT_EQ(talk.say(line)[0], '2') << line;
    }
    EXPECT_EQ(talk.say("QUIT").substr(0, 3), "221");
}

TEST(SmtpCommands, NoopRsetHelpAndVrfyRfc5321Section4Point1Point1) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("NOOP"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("NOOP whatever"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("RSET"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("RSET now").substr(0, 9), "501 5.5.4");
    EXPECT_EQ(talk.say("HELP").substr(0, 9), "214 2.0.0");
    EXPECT_EQ(talk.say("HELP MAIL").substr(0, 9), "214 2.0.0");
    EXPECT_EQ(talk.say("VRFY ann").substr(0, 9), "252 2.5.2");
    EXPECT_EQ(talk.say("VRFY").substr(0, 9), "501 5.5.4");
    EXPECT_EQ(talk.say("EXPN staff").substr(0, 9), "502 5.5.1");
    EXPECT_EQ(talk.say("TURN").substr(0, 9), "502 5.5.1");
    EXPECT_EQ(talk.say("FOO").substr(0, 9), "500 5.5.1");
    EXPECT_EQ(talk.say("").substr(0, 9), "500 5.5.1");
    EXPECT_TRUE(talk.resolved.empty());
}

TEST(SmtpCommands, QuitIsAnsweredThenTheConnectionClosedRfc5321Section4Point1Point1Point10) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("QUIT x").substr(0, 9), "501 5.5.4");
    EXPECT_FALSE(talk.closed);
    EXPECT_EQ(talk.say("QUIT"), "221 2.0.0 mx.example.test closing connection\r\n");
    EXPECT_TRUE(talk.closed);
    EXPECT_EQ(talk.say("NOOP"), "");
    EXPECT_FALSE(talk.session->deadline());
}

TEST(SmtpCommands, RsetForgetsTheTransactionRfc5321Section4Point1Point1Point5) {
    Talk talk;
    talk.envelope();
    talk.say("RSET");
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>").substr(0, 3), "250");
    EXPECT_EQ(talk.say("DATA").substr(0, 9), "503 5.5.1");
}

TEST(SmtpCommands, ABareLineFeedIsRefusedAndTheSessionGoesOn) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.send("NOOP\n"), "500 5.5.2 Lines end with CR LF\r\n");
    EXPECT_EQ(talk.send("MAIL FROM:<a@b.test>\r\n"), "500 5.5.2 Lines end with CR LF\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<a@b.test>"), "250 2.1.0 Sender ok\r\n");
    EXPECT_EQ(talk.say("RCPT TO:<a\rb@c>"), "500 5.5.2 Not a command: invalid characters\r\n");
}

TEST(SmtpCommands, ALineThatIsTooLongIsRefusedAndTheSessionGoesOnRfc5321Section4Point5Point3) {
    Talk talk;
    EXPECT_EQ(talk.say("NOOP " + std::string(4096 - 7, 'x')), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("NOOP " + std::string(4096 - 6, 'x')), "500 5.5.2 Line too long\r\n");
    EXPECT_EQ(talk.say("NOOP " + std::string(1'000'000, 'x')), "500 5.5.2 Line too long\r\n");
    EXPECT_EQ(talk.say("NOOP"), "250 2.0.0 Ok\r\n");
}

}  // namespace
}  // namespace quorate::mail::smtp
