// STARTTLS (RFC 3207) and sessions inside TLS from the start (RFC 8314).

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

struct TlsTalk : Talk {
    explicit TlsTalk(Role role = Role::kReceive) : Talk(role) {
        options.policy.tls_available = true;
    }
};

TEST(SmtpStartTls, StartsTlsThenForgetsWhatWasSaidRfc3207Section4Point2) {
    TlsTalk talk;
    talk.hello();
    EXPECT_EQ(talk.say("STARTTLS"), "220 2.0.0 Ready to start TLS\r\n");
    EXPECT_EQ(talk.say("MAIL FROM:<>"), "503 5.5.1 Introduce yourself first\r\n");
    EXPECT_EQ(talk.say("STARTTLS"), "503 5.5.1 TLS is active already\r\n");
    talk.envelope();
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find(" with ESMTPS id s1.1"), std::string::npos);
    EXPECT_NE(talk.message().find("\ttls TLS_AES_256_GCM_SHA384;"), std::string::npos);
}

TEST(SmtpStartTls, WhatCameInClearTextBehindItIsDroppedRfc3207Section6) {
    TlsTalk talk;
    talk.hello();
    EXPECT_EQ(talk.send("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<e@evil.test>\r\nRC"),
              "220 2.0.0 Ready to start TLS\r\n");
    EXPECT_EQ(talk.say("NOOP"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("RCPT TO:<ann@example.test>").substr(0, 3), "503");
    talk.envelope();
    EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 3), "250");
    EXPECT_EQ(talk.deliveries[0].question.sender, "a@b.test");
}

TEST(SmtpStartTls, WhatCameBeforeItInPiecesIsDroppedToo) {
    TlsTalk talk;
    talk.hello();
    talk.send("START");
    talk.send("TLS\r\nNOOP");
    EXPECT_EQ(talk.send("\r\n"), "500 5.5.1 Command not recognized\r\n");
}

TEST(SmtpStartTls, TakesNoParametersRfc3207Section4) {
    TlsTalk talk;
    talk.hello();
    EXPECT_EQ(talk.say("STARTTLS now"), "501 5.5.4 No parameters allowed\r\n");
}

TEST(SmtpStartTls, IsNotThereUnlessOffered) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.say("STARTTLS").substr(0, 9), "502 5.5.1");
}

TEST(SmtpStartTls, IsOutOfPlaceInATransactionAndAfterAuth) {
    TlsTalk talk;
    talk.envelope();
    EXPECT_EQ(talk.say("STARTTLS").substr(0, 9), "503 5.5.1");
    TlsTalk user(Role::kSubmission);
    EXPECT_NE(user.say("EHLO client.example").find("STARTTLS"), std::string::npos);
    user.authenticate();
    EXPECT_EQ(user.say("STARTTLS").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(user.say("EHLO client.example").find("STARTTLS"), std::string::npos);
}

TEST(SmtpStartTls, AHandshakeThatFailsIsTheEnd) {
    TlsTalk talk;
    talk.hold_tls = true;
    talk.hello();
    talk.say("STARTTLS");
    EXPECT_EQ(talk.input(PeerClosed{}), "");
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpStartTls, NothingIsSaidInClearTextDuringTheHandshake) {
    for (const Input& what : {Input(Shutdown{}), Input(TimerExpired{})}) {
        TlsTalk talk;
        talk.hold_tls = true;
        talk.hello();
        talk.say("STARTTLS");
        ASSERT_TRUE(talk.session->deadline());
        talk.now = *talk.session->deadline();
        EXPECT_EQ(talk.input(what), "");
        EXPECT_TRUE(talk.closed);
    }
}

TEST(SmtpImplicitTls, IsTlsFromTheStartRfc8314Section3Point3) {
    Talk talk(Role::kSubmission);
    talk.options.policy.implicit_tls = true;
    talk.options.policy.tls_available = true;
    talk.options.mechanisms_tls = {"PLAIN"};
    talk.tls = TlsInfo{"TLSv1.3", "TLS_AES_128_GCM_SHA256"};
    const auto offered = talk.hello();
    EXPECT_EQ(offered.find("STARTTLS"), offered.npos);
    EXPECT_NE(offered.find("250-AUTH PLAIN\r\n"), offered.npos);
    EXPECT_EQ(talk.say("STARTTLS").substr(0, 9), "503 5.5.1");
    talk.sasl = {{SaslOutcome::Kind::kSuccess, "ann@example.test", "", 1}};
    EXPECT_EQ(talk.say("AUTH PLAIN AGEAYg==").substr(0, 3), "235");
    talk.envelope();
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find(" with ESMTPSA id s1.1"), std::string::npos);
    EXPECT_NE(talk.message().find("\ttls TLS_AES_128_GCM_SHA256;"), std::string::npos);
}

}  // namespace
}  // namespace quorate::mail::smtp
