// Pipelining, time, errors, and the end of sessions.

#include <algorithm>

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using std::chrono::seconds;
using testing::Talk;

TEST(SmtpPipelining, CommandsInOnePieceAreAnsweredInOrderRfc2920Section3Point2) {
    Talk talk;
    talk.hello();
    talk.resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
    EXPECT_EQ(talk.send("MAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\n"
                        "RCPT TO:<no@example.test>\r\nRCPT TO:<ben@example.test>\r\nDATA\r\n"),
              "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n550 5.1.1 No such mailbox here\r\n"
              "250 2.1.5 Recipient ok\r\n354 End the message with CR LF . CR LF\r\n");
    EXPECT_EQ(talk.send("x\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n"),
              "250 2.0.0 Ok: stored as q7\r\n250 2.1.0 Sender ok\r\n"
              "221 2.0.0 mx.example.test closing connection\r\n");
    EXPECT_EQ(talk.deliveries[0].question.recipients.size(), 2U);
}

TEST(SmtpPipelining, RepliesThatWaitForNothingAreSentTogetherRfc2920Section3Point2) {
    Talk talk;
    talk.hello();
    const auto before = talk.sends;
    talk.send("NOOP\r\nRSET\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\n");
    EXPECT_EQ(talk.sends, before + 1);
}

TEST(SmtpPipelining, CommandsBehindAQuestionWaitForItsAnswer) {
    Talk talk;
    talk.hold_resolve = true;
    talk.hold_delivery = true;
    talk.hello();
    EXPECT_EQ(talk.send("MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nRCPT TO:<x@y.test>\r\nDATA"
                        "\r\nx\r\n.\r\nNOOP\r\n"),
              "250 2.1.0 Sender ok\r\n");
    EXPECT_EQ(talk.input(Resolved{Resolved::Kind::kOk}), "250 2.1.5 Recipient ok\r\n");
    EXPECT_EQ(talk.input(Resolved{Resolved::Kind::kNotLocal}).substr(0, 3), "550");
    ASSERT_EQ(talk.deliveries.size(), 1U);
    EXPECT_EQ(talk.input(Delivered{{Delivered::Kind::kOk}, "q1"}),
              "250 2.0.0 Ok: stored as q1\r\n250 2.0.0 Ok\r\n");
}

TEST(SmtpPipelining, DataAfterOnlyRefusedRecipientsIsRefusedRfc2920Section3Point1) {
    Talk talk;
    talk.hello();
    talk.resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
    EXPECT_EQ(talk.send("MAIL FROM:<>\r\nRCPT TO:<no@example.test>\r\nDATA\r\nRSET\r\n"),
              "250 2.1.0 Sender ok\r\n550 5.1.1 No such mailbox here\r\n"
              "503 5.5.1 No valid recipients\r\n250 2.0.0 Ok\r\n");
}

TEST(SmtpTime, ASilentClientIsSentAwayRfc5321Section4Point5Point3Point2) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(300));
    talk.now += seconds(299);
    EXPECT_EQ(talk.input(TimerExpired{}), "");
    talk.now += seconds(1);
    EXPECT_EQ(talk.input(TimerExpired{}),
              "421 4.4.2 mx.example.test timeout, closing connection\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpTime, OctetsWithoutALineEndDoNotMoveTheDeadline) {
    Talk talk;
    talk.hello();
    const auto before = talk.session->deadline();
    talk.now += seconds(100);
    talk.send("NOO");
    EXPECT_EQ(talk.session->deadline(), before);
    talk.send("P\r\n");
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(300));
}

TEST(SmtpTime, EveryPieceOfAMessageMovesTheDeadlineRfc5321Section4Point5Point3Point2Point5) {
    Talk talk;
    talk.envelope();
    talk.say("DATA");
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(600));
    talk.now += seconds(599);
    talk.send("x");
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(600));
    talk.now += seconds(600);
    EXPECT_EQ(talk.input(TimerExpired{}).substr(0, 9), "421 4.4.2");
    EXPECT_EQ(talk.discards, 1U);
}

TEST(SmtpTime, ThereIsNoDeadlineWhileTheServerWorks) {
    Talk talk;
    talk.hold_resolve = true;
    talk.hello();
    talk.say("MAIL FROM:<>");
    talk.say("RCPT TO:<ann@example.test>");
    EXPECT_FALSE(talk.session->deadline());
    talk.now += seconds(10'000);
    EXPECT_EQ(talk.input(TimerExpired{}), "");
    talk.input(Resolved{});
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(300));
}

TEST(SmtpTime, SubmissionIsAuthenticatedInTimeOrEnds) {
    Talk talk(Role::kSubmission);
    talk.options.mechanisms_clear = {"PLAIN"};
    talk.hello();
    const auto due = talk.now + seconds(60);
    talk.now += seconds(50);
    talk.say("NOOP");
    EXPECT_EQ(talk.session->deadline(), due);
    talk.authenticate();
    EXPECT_EQ(talk.session->deadline(), talk.now + seconds(300));
}

TEST(SmtpErrors, RefusedCommandsAreCountedThen421) {
    Talk talk;
    for (int i = 1; i < 20; ++i) {
        ASSERT_EQ(talk.say("FOO").substr(0, 3), "500");
    }
    EXPECT_EQ(talk.say("FOO"),
              "500 5.5.1 Command not recognized\r\n"
              "421 4.7.0 mx.example.test too many errors, closing connection\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpErrors, RecipientsThatDoNotExistAreCounted) {
    Talk talk;
    talk.options.errors = 3;
    talk.resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
    talk.resolve["full@example.test"] = Resolved::Kind::kOverQuota;
    talk.hello();
    talk.say("MAIL FROM:<>");
    for (int i = 0; i < 10; ++i) {
        talk.say("RCPT TO:<full@example.test>");
    }
    talk.say("RCPT TO:<no@example.test>");
    talk.say("RCPT TO:<no@example.test>");
    EXPECT_FALSE(talk.closed);
    talk.say("RCPT TO:<no@example.test>");
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpErrors, PasswordsThatAreWrongAreCounted) {
    Talk talk(Role::kSubmission);
    talk.options.mechanisms_clear = {"PLAIN"};
    talk.options.errors = 3;
    talk.hello();
    talk.say("AUTH PLAIN AGEAYg==");
    talk.say("AUTH PLAIN AGEAYg==");
    EXPECT_NE(talk.say("AUTH PLAIN AGEAYg==").find("\r\n421 4.7.0"), std::string::npos);
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpErrors, AMessageThatIsAcceptedClearsTheCount) {
    Talk talk;
    talk.options.errors = 3;
    for (int i = 0; i < 5; ++i) {
        talk.say("FOO");
        talk.say("FOO");
        talk.envelope();
        talk.data("x\r\n.\r\n");
    }
    EXPECT_FALSE(talk.closed);
}

TEST(SmtpErrors, ARefusedMailWithAllItsRecipientsPipelinedIsOneError) {
    Talk talk;
    talk.hello();
    std::string batch = "MAIL FROM:<a@b.test> FOO\r\n";
    for (int i = 0; i < 1000; ++i) {
        batch += "RCPT TO:<ann@example.test>\r\n";
    }
    talk.send(batch + "DATA\r\n");
    EXPECT_FALSE(talk.closed);
    talk.envelope();
    EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 3), "250");
}

TEST(SmtpErrors, ButIdleCommandsAreNotFreeForEver) {
    Talk talk;
    talk.options.recipients = 100;
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(talk.say("NOOP"), "250 2.0.0 Ok\r\n");
    }
    for (int i = 0; i < 19; ++i) {
        talk.say("NOOP");
    }
    EXPECT_FALSE(talk.closed);
    EXPECT_NE(talk.say("NOOP").find("421 4.7.0"), std::string::npos);
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpEnd, ShutdownIsAnnouncedRfc5321Section3Point8) {
    Talk talk;
    talk.envelope();
    talk.say("DATA");
    talk.send("x\r\n");
    EXPECT_EQ(talk.input(Shutdown{}),
              "421 4.3.2 mx.example.test shutting down, come back soon\r\n");
    EXPECT_TRUE(talk.closed);
    EXPECT_EQ(talk.discards, 1U);
}

TEST(SmtpEnd, WhoEndsASessionElseIsTold) {
    const std::pair<Shutdown::Why, const char*> reasons[] = {
        {Shutdown::Why::kOperator, "421 4.3.2 mx.example.test the operator ended this session\r\n"},
        {Shutdown::Why::kAccountClosed,
         "421 4.7.0 mx.example.test your account was disabled or removed\r\n"}};
    for (const auto& [why, text] : reasons) {
        Talk talk;
        talk.hello();
        EXPECT_EQ(talk.input(Shutdown{why}), text);
        EXPECT_TRUE(talk.closed);
        Talk busy;
        busy.hold_delivery = true;
        busy.envelope();
        busy.data("x\r\n.\r\n");
        busy.input(Shutdown{why});
        EXPECT_EQ(busy.input(Delivered{{Delivered::Kind::kOk}, "q1"}),
                  std::string("250 2.0.0 Ok: stored as q1\r\n") + text);
    }
}

TEST(SmtpEnd, AMessageThatIsBeingStoredIsAnsweredBeforeTheShutdown) {
    Talk talk;
    talk.hold_delivery = true;
    talk.envelope();
    talk.data("x\r\n.\r\nNOOP\r\n");
    EXPECT_EQ(talk.input(Shutdown{}), "");
    EXPECT_FALSE(talk.closed);
    EXPECT_EQ(talk.input(Delivered{{Delivered::Kind::kOk}, "q1"}),
              "250 2.0.0 Ok: stored as q1\r\n"
              "421 4.3.2 mx.example.test shutting down, come back soon\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(SmtpEnd, ShutdownDuringAnExchangeDropsIt) {
    Talk talk(Role::kSubmission);
    talk.options.mechanisms_clear = {"PLAIN"};
    talk.hold_sasl = true;
    talk.hello();
    talk.say("AUTH PLAIN AGEAYg==");
    EXPECT_EQ(talk.input(Shutdown{}).substr(0, 9), "421 4.3.2");
    EXPECT_EQ(talk.sasl_aborts, 1U);
    EXPECT_EQ(talk.input(SaslOutcome{SaslOutcome::Kind::kSuccess, "a@b", "", 1}), "");
}

TEST(SmtpEnd, APeerThatIsGoneIsToldNothing) {
    Talk talk;
    talk.envelope();
    talk.say("DATA");
    talk.send("x\r\n");
    EXPECT_EQ(talk.input(PeerClosed{}), "");
    EXPECT_TRUE(talk.closed);
    EXPECT_EQ(talk.body, "");
    EXPECT_TRUE(talk.deliveries.empty());
}

TEST(SmtpEnd, AMessageThatIsBeingStoredWhenThePeerGoesIsNotDiscarded) {
    Talk talk;
    talk.hold_delivery = true;
    talk.envelope();
    talk.data("x\r\n.\r\n");
    EXPECT_EQ(talk.input(PeerClosed{}), "");
    EXPECT_EQ(talk.discards, 0U);
    EXPECT_EQ(talk.input(Delivered{{Delivered::Kind::kOk}, "q1"}), "");
}

TEST(SmtpEnd, AnswersToNoQuestionAreIgnored) {
    Talk talk;
    talk.hello();
    for (const Input& stray :
         {Input(Resolved{}), Input(Delivered{}), Input(SaslOutcome{}), Input(TlsStarted{})}) {
        EXPECT_EQ(talk.input(stray), "");
    }
    talk.envelope();
    EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 3), "250");
}

}  // namespace
}  // namespace quorate::mail::smtp
