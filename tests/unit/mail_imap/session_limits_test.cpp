#include <malloc.h>

#include <gtest/gtest.h>

#include "session_talk.hpp"

namespace quorate::mail::imap {
namespace {

TEST(ImapLimits, AnIdleAuthenticatedSessionCostsLessThanTwoKibibytes) {
    constexpr std::size_t kSessions = 1000;
    const auto options = talk_options();
    const MonoTime now{std::chrono::hours(1)};
    std::vector<Session> sessions;
    sessions.reserve(kSessions);
    const auto before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < kSessions; ++i) {
        auto& session = sessions.emplace_back(options, Peer{}, now);
        session.start(now);
        session.step(now, Received{"a LOGIN bob secret\r\n"});
        session.step(now, SaslOutcome{SaslOutcome::Kind::kSuccess, "bob@example.test", {}, 1});
        const std::string large(40'000, 'x');
        session.step(now, Received{"b SELECT " + large});
        session.step(now, Received{"\r\n"});
        session.step(now, Executed{Executed::Selected::kReadWrite, /*ok=*/true, {}});
        session.step(now, Received{"c IDLE\r\n"});
        session.step(now, Executed{Executed::Selected::kReadWrite, /*ok=*/true, {}});
    }
    EXPECT_LT((mallinfo2().uordblks - before) / kSessions, 2048U);
}

TEST(ImapLimits, SixtySecondsUntilLoggedInWhateverTheClientDoes) {
    Talk talk;
    for (int i = 0; i < 59; ++i) {
        ASSERT_EQ(talk.pass(std::chrono::seconds(1)), "");
        talk.line("a NOOP");
    }
    EXPECT_EQ(talk.pass(std::chrono::seconds(1)), "* BYE Login took too long\r\n");
}

TEST(ImapLimits, AHundredCommandsBeforeLogin) {
    Talk talk;
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(talk.line("a NOOP"), "a OK NOOP completed\r\n");
    }
    EXPECT_EQ(talk.line("a NOOP"), "* BYE Too many commands before login\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(ImapLimits, FiftyBadCommandsInARow) {
    Talk talk;
    talk.login();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 49; ++i) {
            ASSERT_EQ(talk.line("a"), "a BAD space expected, octet 2\r\n");
        }
        talk.line("b NOOP");
    }
    for (int i = 0; i < 49; ++i) {
        talk.line("a");
    }
    EXPECT_EQ(talk.line("a"), "a BAD space expected, octet 2\r\n* BYE Too many errors\r\n");
}

TEST(ImapLimits, TheSessionEndsInTheMiddleOfAnythingThatIsRefusedTooOften) {
    auto options = talk_options();
    options.errors = 1;
    for (const auto* octets : {"a XYZZY {5+}\r\nhello\r\n", "a CREATE {70000+}\r\n",
                               "a APPEND INBOX {3+}\r\nabcd\r\n", "a IDLE\r\nNOOP\r\n"}) {
        Talk talk(options);
        talk.login();
        EXPECT_TRUE(talk.say(octets).ends_with("* BYE Too many errors\r\n")) << octets;
        EXPECT_TRUE(talk.closed);
    }
}

TEST(ImapLimits, ACommandOfSixtyFourKibibytesIsExecutedAndOneOctetMoreIsNot) {
    const std::string frame = "a SELECT \"\"\r\n";
    const std::string name(64 * 1024 - frame.size(), 'n');
    Talk talk;
    talk.login();
    talk.line("a SELECT \"" + name + '"');
    EXPECT_EQ(talk.executed.size(), 1U);
    EXPECT_EQ(talk.line("a SELECT \"n" + name + '"'), "a BAD command is too long\r\n");
    EXPECT_EQ(talk.line("b NOOP").substr(0, 1), "");
    EXPECT_EQ(talk.executed.back(), "noop");
}

TEST(ImapLimits, BeforeLoginCommandsAreShorter) {
    Talk talk;
    EXPECT_EQ(talk.line("a LOGIN bob " + std::string(8 * 1024, 'p')),
              "a BAD command is too long\r\n");
    EXPECT_EQ(talk.line("b LOGIN bob {8192}"), "b BAD LOGIN: literal is too large\r\n");
    EXPECT_EQ(talk.line("c NOOP"), "c OK NOOP completed\r\n");
}

TEST(ImapLimits, ALiteralThatStopsComingEndsTheSession) {
    Talk talk;
    talk.login();
    talk.line("a APPEND INBOX {100}");
    EXPECT_EQ(talk.pass(std::chrono::seconds(299)), "");
    talk.say("x");
    EXPECT_EQ(talk.pass(std::chrono::seconds(299)), "");
    EXPECT_EQ(talk.pass(std::chrono::seconds(1)), "* BYE Idle for too long\r\n");
    EXPECT_EQ(talk.discarded, 1);
}

TEST(ImapLimits, WhileACommandRunsNoTimerDoes) {
    Talk talk;
    talk.login();
    talk.hold = true;
    talk.line("a SELECT INBOX");
    EXPECT_EQ(talk.session.deadline(), std::nullopt);
}

TEST(ImapLimits, ATimerThatWentOffTooEarlyChangesNothing) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.give(TimerExpired{}), "");
    EXPECT_FALSE(talk.closed);
}

TEST(ImapLimits, WhenThePeerIsGoneNothingIsSent) {
    Talk talk;
    talk.login();
    talk.say("a APPEND INBOX {10}\r\nabc");
    EXPECT_EQ(talk.give(PeerClosed{}), "");
    EXPECT_TRUE(talk.closed);
    EXPECT_EQ(talk.discarded, 1);
    EXPECT_EQ(talk.give(Shutdown{}), "");
}

}  // namespace
}  // namespace quorate::mail::imap
