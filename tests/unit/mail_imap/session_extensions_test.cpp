#include <gtest/gtest.h>

#include "session_talk.hpp"

// What the extensions ask of the conversation.
namespace quorate::mail::imap {
namespace {

using Commands = std::vector<std::string>;

TEST(ImapRfc2177, IdleIsInvitedAndEndsWithDone) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.line("a IDLE"), "+ idling\r\n");
    EXPECT_EQ(talk.line("DONE"), "a OK IDLE completed\r\n");
}

TEST(ImapRfc2177, ChangesAreToldAtOnceAndWhenTheyHappen) {
    Talk talk;
    talk.login();
    talk.select();
    talk.line("a IDLE");
    EXPECT_EQ(talk.executed.back(), "poll");
    const auto before = talk.executed.size();
    talk.give(Changed{});
    EXPECT_EQ(talk.executed.size(), before + 1);
    EXPECT_EQ(talk.executed.back(), "poll");
}

TEST(ImapRfc2177, ChangesOutsideIdleWaitForTheNextCommand) {
    Talk talk;
    talk.login();
    talk.select();
    const auto before = talk.executed.size();
    talk.give(Changed{});
    EXPECT_EQ(talk.executed.size(), before);
}

TEST(ImapRfc2177, WhatChangesDuringAPollIsPolledAgainUnlessDoneIsThere) {
    Talk talk;
    talk.login();
    talk.select();
    talk.hold = true;
    talk.line("a IDLE");
    talk.give(Changed{});
    talk.give(Changed{});
    const auto before = talk.executed.size();
    talk.give(talk.done());
    EXPECT_EQ(talk.executed.size(), before + 1);
    talk.give(talk.done());
    EXPECT_EQ(talk.executed.size(), before + 1);
    talk.line("DONE");

    talk.say("b IDLE\r\nDONE\r\n");
    talk.give(Changed{});
    EXPECT_EQ(talk.give(talk.done()), "b OK IDLE completed\r\n");
    EXPECT_EQ(talk.executed.size(), before + 2);
}

TEST(ImapRfc2177, AnIdleSessionIsLoggedOutAfterThirtyMinutes) {
    Talk talk;
    talk.login();
    talk.select();
    talk.line("a IDLE");
    EXPECT_EQ(talk.pass(std::chrono::minutes(29)), "");
    EXPECT_EQ(talk.pass(std::chrono::minutes(1)), "* BYE Idle for too long\r\n");
}

TEST(ImapRfc2342, ThePersonalNamespaceIsTheRoot) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.line("a NAMESPACE"),
              "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\na OK NAMESPACE completed\r\n");
}

TEST(ImapRfc2971, IdIsValidInAnyStateAndSaysLessBeforeLogin) {
    Talk talk;
    EXPECT_EQ(talk.line("a ID NIL"), "* ID (\"name\" \"Quorate\")\r\na OK ID completed\r\n");
    talk.login();
    EXPECT_EQ(talk.line("b ID NIL"),
              "* ID (\"name\" \"Quorate\" \"version\" \"0.1\")\r\nb OK ID completed\r\n");
}

TEST(ImapRfc2971, AServerWithoutANameAnswersNil) {
    auto options = talk_options();
    options.implementation.clear();
    Talk talk(options);
    EXPECT_EQ(talk.line("a ID NIL"), "* ID NIL\r\na OK ID completed\r\n");
}

TEST(ImapRfc2971Section33, AtMostThirtyPairs) {
    const auto command = [](int pairs) {
        std::string text = "a ID (\"n\" \"v\"";
        for (int i = 1; i < pairs; ++i) {
            text += " \"n\" NIL";
        }
        return text + ")";
    };
    Talk talk;
    EXPECT_TRUE(talk.line(command(30)).ends_with("a OK ID completed\r\n"));
    EXPECT_TRUE(talk.line(command(31)).starts_with("a BAD ID: more than 30 fields"));
}

TEST(ImapRfc2971, TheNameOfTheClientIsLoggedInPrintableForm) {
    Talk talk;
    talk.say("a ID (\"name\" {3+}\r\nx\r\n)\r\n");
    EXPECT_EQ(talk.notes.back(), "client_id name=\"x\\x0d\\x0a\"");
}

TEST(ImapRfc3691, UnselectDoesNotExpunge) {
    Talk talk;
    talk.login();
    talk.select();
    talk.line("a UNSELECT");
    EXPECT_EQ(talk.executed.back(), "unselect");
    talk.select();
    talk.line("a CLOSE");
    EXPECT_EQ(talk.executed.back(), "close");
}

TEST(ImapRfc4315Section21, UidExpungeTakesASet) {
    Talk talk;
    talk.login();
    talk.select();
    talk.line("a UID EXPUNGE 3000:3002,*");
    EXPECT_EQ(talk.executed.back(), "expunge uid:3000:3002,*");
}

TEST(ImapRfc4422Section36, TheLastWordOfTheServerIsAcknowledgedBeforeOk) {
    Talk talk;
    talk.next_answer = SaslOutcome{SaslOutcome::Kind::kSuccess, "bob@example.test", "v=x", 1};
    EXPECT_EQ(talk.line("a AUTHENTICATE SCRAM-SHA-256 biws"), "+ dj14\r\n");
    EXPECT_TRUE(talk.line("").starts_with("a OK "));
}

TEST(ImapRfc4959, AnInitialResponseOfOneEqualsSignIsEmpty) {
    Talk talk;
    talk.line("a AUTHENTICATE PLAIN =");
    EXPECT_EQ(talk.sasl, Commands{"PLAIN "});
}

TEST(ImapRfc4959, WithoutInitialResponseThereIsNone) {
    Talk talk;
    talk.line("a AUTHENTICATE PLAIN");
    EXPECT_EQ(talk.sasl, Commands{"PLAIN -"});
}

TEST(ImapRfc4959, SaslIrIsOfferedBeforeLogin) {
    Talk talk;
    EXPECT_NE(talk.greeting.find(" SASL-IR "), std::string::npos);
}

TEST(ImapRfc5161Section31, EnableIgnoresWhatItDoesNotKnow) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.line("a ENABLE CONDSTORE X-GOOD-IDEA"),
              "* ENABLED\r\na OK ENABLE completed\r\n");
}

TEST(ImapRfc5161Section31, EnableNeedsALogin) {
    Talk talk;
    EXPECT_EQ(talk.line("a ENABLE CONDSTORE"), "a BAD ENABLE: not valid before login, octet 3\r\n");
}

TEST(ImapRfc5530, AuthenticationThatIsNotPossibleNowIsUnavailable) {
    Talk talk;
    talk.next_answer = SaslOutcome{SaslOutcome::Kind::kUnavailable, {}, {}, 0};
    EXPECT_EQ(talk.line("a LOGIN bob secret"),
              "a NO [UNAVAILABLE] Authentication is not possible now\r\n");
}

TEST(ImapRfc6851, MoveTakesSequenceNumbersAndUids) {
    Talk talk;
    talk.login();
    talk.select();
    talk.say("a MOVE 1 Trash\r\nb UID MOVE 1:* Trash\r\n");
    EXPECT_EQ(talk.executed[1], "move 1 \"Trash\"");
    EXPECT_EQ(talk.executed[2], "move uid:1:* \"Trash\"");
}

TEST(ImapRfc7888Section4, TheServerDoesNotInviteANonSynchronizingLiteral) {
    Talk talk;
    const auto answer = talk.say("a LOGIN {3+}\r\nbob {6+}\r\nsecret\r\n");
    EXPECT_TRUE(answer.starts_with("a OK ")) << answer;
}

TEST(ImapRfc7888Section4, OctetsOfARefusedCommandAreNeverTakenForCommands) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.say("a XYZZY {12+}\r\nb CREATE x\r\n {12+}\r\nc CREATE y\r\n\r\nd NOOP\r\n"),
              "a BAD unknown command, octet 3\r\nd OK NOOP completed\r\n");
    EXPECT_EQ(talk.executed, Commands{});
}

TEST(ImapRfc7888Section4, WhatIsTooLargeToSwallowEndsTheSession) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.line("a CREATE {4294967295+}"),
              "a BAD CREATE: literal is too large\r\n"
              "* BYE [TOOBIG] Literal is too large to be read and thrown away\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(ImapRfc7889Section3, TheLimitIsAdvertisedAndMeant) {
    auto options = talk_options();
    options.append_bytes = 1000;
    Talk talk(options);
    EXPECT_NE(talk.line("a LOGIN bob secret").find(" APPENDLIMIT=1000]"), std::string::npos);
    EXPECT_EQ(talk.line("b APPEND INBOX {1001}"),
              "b NO [TOOBIG] Message is larger than APPENDLIMIT\r\n");
    EXPECT_EQ(talk.line("c APPEND INBOX {1000}"), "+ OK\r\n");
}

TEST(ImapCapabilities, AfterLoginTheyAreThoseOfTheMailboxes) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.line("a CAPABILITY"),
              "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE CHILDREN SPECIAL-USE "
              "CREATE-SPECIAL-USE "
              "UNSELECT UIDPLUS MOVE STATUS=SIZE APPENDLIMIT=52428800\r\n"
              "a OK CAPABILITY completed\r\n");
}

}  // namespace
}  // namespace quorate::mail::imap
