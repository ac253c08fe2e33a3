#include <gtest/gtest.h>

#include "session_talk.hpp"

// What RFC 3501 asks of the server's side of the conversation, sentence by sentence.
namespace quorate::mail::imap {
namespace {

using Commands = std::vector<std::string>;

std::string first_line(const std::string& text) { return text.substr(0, text.find("\r\n")); }

bool has_word(std::string_view text, std::string_view word) {
    return (" " + std::string(text) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

std::string capabilities(Talk& talk) {
    const auto answer = talk.line("c CAPABILITY");
    EXPECT_TRUE(answer.ends_with("\r\nc OK CAPABILITY completed\r\n")) << answer;
    return first_line(answer);
}

TEST(ImapRfc3501Section221, EachResponseCarriesTheTagOfItsCommand) {
    Talk talk;
    EXPECT_EQ(talk.line("A1/x.]~ NOOP"), "A1/x.]~ OK NOOP completed\r\n");
}

TEST(ImapRfc3501Section221, ATagWithPlusOrOtherSpecialsIsNone) {
    for (const auto* tag : {"+1", "a+b", "(", "a\"b", "*", "%", "a\\", "{1"}) {
        Talk talk;
        EXPECT_TRUE(talk.line(std::string(tag) + " NOOP").find(" BAD ") != std::string::npos)
            << tag;
    }
}

TEST(ImapRfc3501Section222, ThereIsNoTagInAnswersToWhatHasNone) {
    Talk talk;
    EXPECT_EQ(talk.line(""), "* BAD tag expected, octet 1\r\n");
    EXPECT_EQ(talk.line(std::string(256, 't') + " NOOP"),
              "* BAD tag longer than 255 octets, octet 1\r\n");
}

TEST(ImapRfc3501Section3, CommandsOfAnotherStateAreRefusedAndNotExecuted) {
    Talk talk;
    EXPECT_EQ(talk.line("a SELECT INBOX"), "a BAD SELECT: not valid before login, octet 3\r\n");
    talk.login();
    EXPECT_EQ(talk.line("b UID FETCH 1 ALL"),
              "b BAD UID FETCH: no mailbox is selected, octet 3\r\n");
    EXPECT_EQ(talk.line("c LOGIN bob secret"), "c BAD LOGIN: not valid after login, octet 3\r\n");
    EXPECT_EQ(talk.executed, Commands{});
}

TEST(ImapRfc3501Section43, ASynchronizingLiteralIsInvitedOnceItsAnnouncementIsWhole) {
    Talk talk;
    EXPECT_EQ(talk.say("a LOGIN {3}"), "");
    EXPECT_EQ(talk.say("\r\n"), "+ OK\r\n");
    EXPECT_EQ(talk.say("bo"), "");
    EXPECT_EQ(talk.say("b {6}\r\n"), "+ OK\r\n");
    EXPECT_EQ(first_line(talk.say("secret\r\n")).substr(0, 4), "a OK");
}

TEST(ImapRfc3501Section43, ALiteralMayHoldLineEndsAndWhatLooksLikeACommand) {
    Talk talk;
    talk.login();
    talk.say("a CREATE {11+}\r\na\r\nb LOGOUT\r\nc NOOP\r\n");
    EXPECT_EQ(talk.executed, Commands{});
    EXPECT_FALSE(talk.closed);
}

TEST(ImapRfc3501Section43, ALiteralOfNoOctetsIsFollowedByTheRestOfTheLine) {
    Talk talk;
    talk.say("a LOGIN bob {0}\r\n\r\n");
    EXPECT_EQ(talk.sasl, Commands{std::string("PLAIN \0bob\0", 11)});
}

TEST(ImapRfc3501Section43, NulIsNoOctetOfALiteral) {
    Talk talk;
    const std::string octets("a LOGIN bob {3+}\r\nx\0y\r\n", 24);
    EXPECT_EQ(talk.say(octets.substr(0, 23)), "a BAD LOGIN: NUL octet in a literal, octet 20\r\n");
}

TEST(ImapRfc3501Section51, InboxIsMatchedWithoutCase) {
    Talk talk;
    talk.login();
    talk.say("a SELECT iNbOx\r\nb STATUS \"inbox\" (MESSAGES)\r\nc SELECT inboxes\r\n");
    EXPECT_EQ(talk.executed,
              (Commands{"select \"INBOX\"", "status \"INBOX\" items 1", "select \"inboxes\""}));
}

TEST(ImapRfc3501Section513, NamesAreDecodedFromModifiedUtf7) {
    Talk talk;
    talk.login();
    talk.line("a SELECT ~peter/mail/&U,BTFw-/&ZeVnLIqe-");
    EXPECT_EQ(talk.executed, Commands{"select \"~peter/mail/\\xe5\\x8f\\xb0\\xe5\\x8c\\x97/"
                                      "\\xe6\\x97\\xa5\\xe6\\x9c\\xac\\xe8\\xaa\\x9e\""});
    EXPECT_EQ(talk.line("b CREATE &U,BTFw-&ZeVnLIqe-"),
              "b NO [CANNOT] CREATE: mailbox name is not valid modified UTF-7, octet 28\r\n");
}

TEST(ImapRfc3501Section54, TheAutologoutTimerIsAtLeastThirtyMinutes) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.pass(std::chrono::minutes(30) - std::chrono::milliseconds(1)), "");
    EXPECT_FALSE(talk.closed);
    EXPECT_EQ(talk.pass(std::chrono::milliseconds(1)), "* BYE Idle for too long\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(ImapRfc3501Section54, AnyCommandResetsTheTimer) {
    Talk talk;
    talk.login();
    talk.pass(std::chrono::minutes(29));
    talk.line("a NOOP");
    EXPECT_EQ(talk.pass(std::chrono::minutes(29)), "");
    EXPECT_FALSE(talk.closed);
}

TEST(ImapRfc3501Section55, CommandsThatCameTogetherAreExecutedInOrderOneByOne) {
    Talk talk;
    talk.login();
    talk.hold = true;
    talk.say("a SELECT INBOX\r\nb FETCH 1 FLAGS\r\nc NOOP\r\nd LOGOUT\r\n");
    EXPECT_EQ(talk.executed.size(), 1U);
    talk.give(talk.done());
    EXPECT_EQ(talk.executed.size(), 2U);
    talk.give(talk.done());
    EXPECT_EQ(talk.executed.size(), 3U);
    EXPECT_EQ(talk.give(talk.done()), "* BYE Logging out\r\nd OK LOGOUT completed\r\n");
}

TEST(ImapRfc3501Section611, CapabilityNamesImap4rev1InEveryState) {
    Talk talk;
    EXPECT_TRUE(has_word(capabilities(talk), "IMAP4rev1"));
    talk.login();
    EXPECT_TRUE(has_word(capabilities(talk), "IMAP4rev1"));
    talk.select();
    EXPECT_TRUE(has_word(capabilities(talk), "IMAP4rev1"));
}

TEST(ImapRfc3501Section611, MechanismsAreListedWhileTheyCanBeUsed) {
    Talk talk;
    EXPECT_TRUE(has_word(capabilities(talk), "AUTH=PLAIN"));
    EXPECT_TRUE(has_word(capabilities(talk), "AUTH=SCRAM-SHA-256"));
    talk.login();
    EXPECT_EQ(capabilities(talk).find("AUTH="), std::string::npos);
}

TEST(ImapRfc3501Section612, NoopAlwaysSucceeds) {
    Talk talk;
    EXPECT_EQ(talk.line("a NOOP"), "a OK NOOP completed\r\n");
    talk.login();
    EXPECT_EQ(talk.line("b NOOP"), "b OK NOOP completed\r\n");
    talk.select();
    talk.line("c NOOP");
    EXPECT_EQ(talk.executed.back(), "noop");
}

TEST(ImapRfc3501Section613, ByeComesBeforeTheOkOfLogout) {
    Talk talk;
    EXPECT_EQ(talk.line("a LOGOUT"), "* BYE Logging out\r\na OK LOGOUT completed\r\n");
    EXPECT_TRUE(talk.closed);
    EXPECT_EQ(talk.line("b NOOP"), "");
}

Options clear_options() {
    auto options = talk_options();
    options.policy.implicit_tls = false;
    options.policy.tls_available = true;
    return options;
}

TEST(ImapRfc3501Section621, CapabilitiesDifferAfterStarttls) {
    Talk talk(clear_options());
    EXPECT_TRUE(has_word(capabilities(talk), "STARTTLS"));
    EXPECT_EQ(talk.line("a STARTTLS"), "a OK Begin TLS negotiation now\r\n");
    EXPECT_FALSE(has_word(capabilities(talk), "STARTTLS"));
    EXPECT_EQ(talk.line("b STARTTLS"), "b BAD TLS is active already\r\n");
}

TEST(ImapRfc3501Section621, WhatCameInTheClearBehindStarttlsIsDropped) {
    Talk talk(clear_options());
    EXPECT_EQ(talk.say("a STARTTLS\r\nb LOGIN mallory secret\r\nc CAPA"),
              "a OK Begin TLS negotiation now\r\n");
    EXPECT_EQ(talk.line("d NOOP"), "d OK NOOP completed\r\n");
    EXPECT_TRUE(talk.sasl.empty());
}

TEST(ImapRfc3501Section622, AnUnsupportedMechanismIsANo) {
    Talk talk;
    EXPECT_EQ(talk.line("a AUTHENTICATE KERBEROS_V4"),
              "a NO [CANNOT] Unsupported authentication mechanism\r\n");
}

TEST(ImapRfc3501Section622, AnAsteriskCancelsAndIsAnsweredBad) {
    Talk talk;
    talk.next_answer = SaslOutcome{SaslOutcome::Kind::kChallenge, "", {}, 0};
    EXPECT_EQ(talk.line("a AUTHENTICATE PLAIN"), "+ \r\n");
    EXPECT_EQ(talk.line("*"), "a BAD AUTHENTICATE was cancelled\r\n");
    EXPECT_EQ(talk.sasl.back(), "abort");
    EXPECT_EQ(talk.line("b NOOP"), "b OK NOOP completed\r\n");
}

TEST(ImapRfc3501Section622, ChallengesAndResponsesAreBase64) {
    Talk talk;
    talk.next_answer = SaslOutcome{SaslOutcome::Kind::kChallenge, "a\r\nb", {}, 0};
    EXPECT_EQ(talk.line("a AUTHENTICATE LOGIN"), "+ YQ0KYg==\r\n");
    talk.line("AAEC");
    EXPECT_EQ(talk.sasl.back(), std::string("\0\1\2", 3));
}

TEST(ImapRfc3501Section623, LogindisabledIsToldAndMeant) {
    Talk talk(clear_options());
    EXPECT_TRUE(has_word(capabilities(talk), "LOGINDISABLED"));
    EXPECT_EQ(talk.line("a LOGIN bob secret"), "a NO [PRIVACYREQUIRED] Start TLS first\r\n");
    talk.line("b STARTTLS");
    EXPECT_FALSE(has_word(capabilities(talk), "LOGINDISABLED"));
    EXPECT_EQ(talk.line("c LOGIN bob secret").substr(0, 4), "c OK");
}

TEST(ImapRfc3501Section623, WithLogindisabledThePasswordIsNotInvited) {
    Talk talk(clear_options());
    EXPECT_EQ(talk.line("a LOGIN {3}"), "a NO [PRIVACYREQUIRED] Start TLS first\r\n");
}

TEST(ImapRfc3501Section623, ALoginThatIsRefusedLeavesTheState) {
    Talk talk;
    talk.next_answer = SaslOutcome{SaslOutcome::Kind::kFailure, {}, {}, 0};
    EXPECT_EQ(talk.line("a LOGIN bob wrong"),
              "a NO [AUTHENTICATIONFAILED] Authentication failed\r\n");
    EXPECT_EQ(talk.line("b LIST \"\" *"), "b BAD LIST: not valid before login, octet 3\r\n");
}

TEST(ImapRfc3501Section631, ASelectThatFailsLeavesNoMailboxSelected) {
    Talk talk;
    talk.login();
    talk.select();
    talk.next_answer = Executed{Executed::Selected::kNone, /*ok=*/false, {}};
    talk.line("a SELECT nowhere");
    EXPECT_EQ(talk.line("b FETCH 1 FLAGS"), "b BAD FETCH: no mailbox is selected, octet 3\r\n");
}

TEST(ImapRfc3501Section633, TheSeparatorAtTheEndOfANewNameIsNotPartOfIt) {
    Talk talk;
    talk.login();
    talk.line("a CREATE owatagusiam/");
    EXPECT_EQ(talk.executed, Commands{"create \"owatagusiam\""});
}

TEST(ImapRfc3501Section6311, TheMessageIsInvitedAfterTheMailboxWasAsked) {
    Talk talk;
    talk.login();
    talk.hold = true;
    EXPECT_EQ(talk.line("a APPEND saved (\\Seen) {3}"), "");
    EXPECT_EQ(talk.executed, Commands{"append-check \"saved\" size 3"});
    EXPECT_EQ(talk.give(talk.done()), "+ OK\r\n");
    talk.say("abc");
    EXPECT_EQ(talk.executed.size(), 1U);
    talk.say("\r\n");
    EXPECT_EQ(talk.executed.back(), "append \"saved\" (\\Seen)");
    EXPECT_EQ(talk.body, "abc");
}

TEST(ImapRfc3501Section6311, TheMessageIsHandedOnAsItArrives) {
    Talk talk;
    talk.login();
    talk.line("a APPEND saved {1000000}");
    for (int i = 0; i < 1000; ++i) {
        talk.say(std::string(1000, static_cast<char>('a' + i % 26)));
        ASSERT_EQ(talk.body.size(), 1000U * static_cast<unsigned>(i + 1));
    }
    talk.say("\r\n");
    EXPECT_EQ(talk.executed.back(), "append \"saved\" ()");
}

TEST(ImapRfc3501Section644, AnUnknownCharsetIsRefusedWithBadcharset) {
    Talk talk;
    talk.login();
    talk.select();
    EXPECT_EQ(talk.line("a SEARCH CHARSET X-NONE SUBJECT x"),
              "a NO [BADCHARSET (US-ASCII UTF-8)] SEARCH: charset is not known, octet 24\r\n");
}

TEST(ImapRfc3501Section71, TheGreetingAndTheLoginTellTheCapabilities) {
    Talk talk;
    EXPECT_TRUE(talk.greeting.starts_with("* OK [CAPABILITY IMAP4rev1 ")) << talk.greeting;
    EXPECT_TRUE(talk.line("a LOGIN bob secret").starts_with("a OK [CAPABILITY IMAP4rev1 "));
}

TEST(ImapRfc3501Section713, BadSaysWhatIsWrongAndAtWhichOctet) {
    Talk talk;
    talk.login();
    talk.select();
    EXPECT_EQ(talk.line("a FETCH 1 (FLAGS"), "a BAD FETCH: space or ) expected, octet 17\r\n");
    EXPECT_EQ(talk.line("a FETCH 1(FLAGS)"), "a BAD FETCH: space expected, octet 10\r\n");
    EXPECT_EQ(talk.line("a UIDFETCH"), "a BAD unknown command, octet 3\r\n");
}

TEST(ImapRfc3501Section715, ByeWhenTheServerStops) {
    Talk talk;
    talk.login();
    EXPECT_EQ(talk.give(Shutdown{}), "* BYE [UNAVAILABLE] Server is shutting down\r\n");
    EXPECT_TRUE(talk.closed);
}

TEST(ImapRfc3501Section715, ByeSaysWhoElseEndsTheSession) {
    Talk kicked;
    kicked.login();
    EXPECT_EQ(kicked.give(Shutdown{Shutdown::Why::kOperator}),
              "* BYE The operator ended this session\r\n");
    EXPECT_TRUE(kicked.closed);
    Talk disabled;
    disabled.login();
    EXPECT_EQ(disabled.give(Shutdown{Shutdown::Why::kAccountClosed}),
              "* BYE [CONTACTADMIN] Your account was disabled or removed\r\n");
    EXPECT_TRUE(disabled.closed);
}

TEST(ImapRfc3501Section9, KeywordsOfTheGrammarAreMatchedWithoutCase) {
    Talk talk;
    talk.login();
    talk.select();
    talk.line("a uId fEtCh 1:* (bOdY.pEeK[hEaDeR.fIeLdS (x)] rFc822.SiZe)");
    EXPECT_EQ(talk.executed.back(),
              "fetch uid:1:* uid peek BODY[HEADER.FIELDS (x)]=[header these \"x\"] size");
}

// RFC 3501 6.3.11: the argument is a message of RFC 2822, whose lines end in CRLF.
TEST(ImapRfc3501Section6311, ALineFeedAloneIsStoredAsCrlfHoweverTheOctetsArrive) {
    const std::string text = "\nA: b\r\nC: d\n\r\n\r\r\n\n\rx\r";
    const std::string stored = "\r\nA: b\r\nC: d\r\n\r\n\r\r\n\r\n\rx\r";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        Talk talk;
        talk.login();
        talk.line("a APPEND saved {" + std::to_string(text.size()) + "}");
        for (std::size_t at = 0; at < text.size(); at += piece) {
            talk.say(text.substr(at, piece));
        }
        EXPECT_EQ(talk.body, stored) << "in pieces of " << piece;
        talk.line("");
        EXPECT_EQ(talk.executed.back(), "append \"saved\" ()");
    }
}

}  // namespace
}  // namespace quorate::mail::imap
