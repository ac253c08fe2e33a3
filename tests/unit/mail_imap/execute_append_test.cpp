// APPEND: RFC 3501 6.3.11; RFC 4315 (APPENDUID); RFC 7889 (APPENDLIMIT); RFC 5530.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

const std::string kMessage = crlf("Subject: appended\n\nbody\n");

TEST(ImapAppendRfc4315, TheUidOfTheNewMessageIsTold) {
    Mail mail;
    mail.fill(1);
    Client client(mail);
    EXPECT_EQ(client.append("INBOX ", kMessage),
              "a OK [APPENDUID " + mail.uid_validity("INBOX") + " 2] APPEND completed\r\n");
}

TEST(ImapAppendRfc3501, FlagsAndDateAreKept) {
    Mail mail;
    Client client(mail);
    client.append("INBOX (\\Seen \\Draft $Mine) \"17-Jul-1996 02:44:25 -0700\" ", kMessage);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)"),
              crlf("* 1 FETCH (FLAGS (\\Seen \\Draft \\Recent $Mine) INTERNALDATE "
                   "\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 27)\na OK FETCH completed\n"));
}

TEST(ImapAppendRfc3501, WithoutADateItIsNow) {
    Mail mail;
    Client client(mail);
    client.append("INBOX ", kMessage);
    client("SELECT INBOX");
    EXPECT_EQ(client("FETCH 1 INTERNALDATE"),
              crlf("* 1 FETCH (INTERNALDATE \"14-Nov-2023 22:13:20 +0000\")\n"
                   "a OK FETCH completed\n"));
}

TEST(ImapAppendRfc3501, TheSelectedMailboxShowsTheMessageAtOnce) {
    Mail mail;
    Client client(mail);
    client("SELECT INBOX");
    EXPECT_EQ(client.append("INBOX ($New) ", kMessage),
              crlf("* 1 EXISTS\n* 1 RECENT\n"
                   "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)\n"
                   "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New \\*)] "
                   "Flags permitted\n"
                   "a OK [APPENDUID " +
                   mail.uid_validity("INBOX") + " 1] APPEND completed\n"));
}

TEST(ImapAppendRfc3501, AMissingMailboxIsAnsweredWithTrycreate) {
    Mail mail;
    Client client(mail);
    const auto refusal = crlf("a NO [TRYCREATE] There is no such mailbox\n");
    EXPECT_EQ(client.append_check("nowhere", 10), refusal);
    EXPECT_FALSE(client.executed().ok);
    EXPECT_EQ(client.append("nowhere ", kMessage), refusal);
    EXPECT_FALSE(mail.account().mailbox("nowhere").has_value());
}

TEST(ImapAppend, AnAcceptedCheckSaysNothing) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client.append_check("INBOX", 10), "");
    EXPECT_TRUE(client.executed().ok);
}

TEST(ImapAppendRfc7889, AMessageOverTheLimitIsTooBig) {
    Mail mail;
    Client client(mail, {.append_bytes = 100});
    EXPECT_EQ(client.append_check("INBOX", 100), "");
    EXPECT_EQ(client.append_check("INBOX", 101), crlf("a NO [TOOBIG] The message is too large\n"));
}

TEST(ImapAppendRfc5530, OverQuotaIsToldBeforeTheOctetsAndAfter) {
    Mail mail({.bytes = 30, .messages = 2});
    Client client(mail);
    const auto refusal = crlf("a NO [OVERQUOTA] The account is over its quota\n");
    EXPECT_EQ(client.append_check("INBOX", 31), refusal);
    EXPECT_EQ(client.append_check("INBOX", 30), "");
    EXPECT_TRUE(client.append("INBOX ", "0123456789").starts_with("a OK [APPENDUID "));
    EXPECT_EQ(client.append_check("INBOX", 21), refusal);
    EXPECT_TRUE(client.append("INBOX ", "x").starts_with("a OK [APPENDUID "));
    EXPECT_EQ(client.append_check("INBOX", 1), refusal);
}

TEST(ImapAppend, WhatTheStoreRefusesIsNotThere) {
    Mail mail;
    Client client(mail);
    const std::pair<store::errc, std::string> cases[] = {
        {store::errc::over_quota, "a NO [OVERQUOTA] The account is over its quota\r\n"},
        {store::errc::volume_full,
         "a NO [UNAVAILABLE] No space to store mail, try again later\r\n"},
        {store::errc::too_large, "a NO [TOOBIG] The message is too large\r\n"},
        {store::errc::journal_failed,
         "a NO [UNAVAILABLE] Mail cannot be stored, try again later\r\n"},
    };
    for (const auto& [error, answer] : cases) {
        // The check and the command ask for the mailbox, then comes append().
        mail.account().fail(error, 2);
        EXPECT_EQ(client.append("INBOX ", kMessage), answer);
        EXPECT_FALSE(client.executed().ok);
    }
    EXPECT_EQ(client("STATUS INBOX (MESSAGES)"),
              crlf("* STATUS INBOX (MESSAGES 0)\na OK STATUS completed\n"));
}

TEST(ImapAppend, ABusyAccountIsTriedAgain) {
    Mail mail;
    Client client(mail);
    mail.account().fail(store::errc::account_busy, 2, 3);
    EXPECT_TRUE(client.append("INBOX ", kMessage).starts_with("a OK [APPENDUID "));
    EXPECT_EQ(client("STATUS INBOX (MESSAGES)"),
              crlf("* STATUS INBOX (MESSAGES 1)\na OK STATUS completed\n"));
}

TEST(ImapAppend, TheMessageComesBackAsItWas) {
    Mail mail;
    Client client(mail);
    std::string message = crlf("Subject: octets\n\n");
    for (int c = 1; c < 256; ++c) {
        message.push_back(static_cast<char>(c));
    }
    client.append("INBOX ", message);
    client("SELECT INBOX");
    EXPECT_EQ(client("FETCH 1 BODY.PEEK[]"), "* 1 FETCH (BODY[] {" +
                                                 std::to_string(message.size()) + "}\r\n" +
                                                 message + ")\r\na OK FETCH completed\r\n");
}

}  // namespace
}  // namespace quorate::mail::imap
