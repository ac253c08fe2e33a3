// STORE and UID STORE: RFC 3501 6.4.6, 6.4.8, 2.3.2.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

class ImapStore : public ::testing::Test {
protected:
    ImapStore() : client_(mail_) {
        mail_.fill(3);
        client_("SELECT INBOX");
        client_("STORE 1:* FLAGS.SILENT ()");
    }

    Mail mail_;
    Client client_;
};

TEST_F(ImapStore, Rfc3501TheNewFlagsAreReturned) {
    EXPECT_EQ(client_("STORE 2:3 +FLAGS (\\Deleted)"),
              crlf("* 2 FETCH (FLAGS (\\Deleted \\Recent))\n"
                   "* 3 FETCH (FLAGS (\\Deleted \\Recent))\n"
                   "a OK STORE completed\n"));
}

TEST_F(ImapStore, Rfc3501SilentReturnsNothing) {
    EXPECT_EQ(client_("STORE 1 +FLAGS.SILENT (\\Seen)"), crlf("a OK STORE completed\n"));
    EXPECT_EQ(client_("FETCH 1 FLAGS"),
              crlf("* 1 FETCH (FLAGS (\\Seen \\Recent))\na OK FETCH completed\n"));
}

TEST_F(ImapStore, Rfc3501FlagsReplacesAndMinusRemoves) {
    client_("STORE 1 FLAGS.SILENT (\\Seen \\Flagged)");
    EXPECT_EQ(client_("STORE 1 FLAGS (\\Answered)"),
              crlf("* 1 FETCH (FLAGS (\\Answered \\Recent))\na OK STORE completed\n"));
    EXPECT_EQ(client_("STORE 1 +FLAGS \\Draft"),
              crlf("* 1 FETCH (FLAGS (\\Answered \\Draft \\Recent))\na OK STORE completed\n"));
    EXPECT_EQ(client_("STORE 1 -FLAGS (\\Answered \\Seen)"),
              crlf("* 1 FETCH (FLAGS (\\Draft \\Recent))\na OK STORE completed\n"));
}

TEST_F(ImapStore, Rfc3501UidCommandsReturnTheUid) {
    EXPECT_EQ(client_("UID STORE 2 +FLAGS (\\Seen)"),
              crlf("* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\na OK UID STORE completed\n"));
}

TEST_F(ImapStore, Rfc3501UidsThatAreNotThereAreIgnored) {
    EXPECT_EQ(client_("UID STORE 99 +FLAGS (\\Seen)"), crlf("a OK UID STORE completed\n"));
}

TEST_F(ImapStore, Rfc3501SequenceNumbersBeyondTheMailboxAreBad) {
    const auto bad = crlf("a BAD The message set goes beyond the mailbox\n");
    EXPECT_EQ(client_("STORE 4 +FLAGS (\\Seen)"), bad);
    EXPECT_EQ(client_("STORE 1:4 +FLAGS (\\Seen)"), bad);
    EXPECT_EQ(client_("FETCH 1 FLAGS"),
              crlf("* 1 FETCH (FLAGS (\\Recent))\na OK FETCH completed\n"));
}

TEST_F(ImapStore, Rfc3501TheLastMessageIsAStarAndRangesMayBeReversed) {
    EXPECT_TRUE(client_.ok("STORE *:2 +FLAGS.SILENT (\\Seen)"));
    EXPECT_EQ(client_("SEARCH SEEN"), crlf("* SEARCH 2 3\na OK SEARCH completed\n"));
    EXPECT_TRUE(client_.ok("UID STORE *:100 +FLAGS.SILENT (\\Flagged)"));
    EXPECT_EQ(client_("SEARCH FLAGGED"), crlf("* SEARCH 3\na OK SEARCH completed\n"));
}

TEST_F(ImapStore, Rfc3501ANewKeywordIsAnnouncedBeforeItIsUsed) {
    EXPECT_EQ(
        client_("STORE 1 +FLAGS ($Junk)"),
        crlf("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\n"
             "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)] "
             "Flags permitted\n"
             "* 1 FETCH (FLAGS (\\Recent $Junk))\n"
             "a OK STORE completed\n"));
    EXPECT_EQ(client_("STORE 1 -FLAGS ($junk)"),
              crlf("* 1 FETCH (FLAGS (\\Recent))\na OK STORE completed\n"));
}

TEST_F(ImapStore, RemovingAnUnknownKeywordMakesNone) {
    EXPECT_EQ(client_("STORE 1 -FLAGS (unknown)"),
              crlf("* 1 FETCH (FLAGS (\\Recent))\na OK STORE completed\n"));
    EXPECT_EQ(client_("SELECT INBOX").find("unknown"), std::string::npos);
}

TEST_F(ImapStore, Rfc5530TooManyKeywordsAreALimit) {
    for (unsigned i = 0; i < store::kKeywordsMax; ++i) {
        EXPECT_TRUE(client_.ok("STORE 1 +FLAGS.SILENT (k" + std::to_string(i) + ")"));
    }
    EXPECT_EQ(client_("STORE 1 +FLAGS.SILENT (onemore)"),
              crlf("a NO [LIMIT] Too many different keywords in this mailbox\n"));
    EXPECT_TRUE(client_.ok("STORE 2 +FLAGS (K7)"));
}

TEST_F(ImapStore, LongReportsComeInBoundedPieces) {
    mail_.fill(500);
    Client client(mail_, {.piece_bytes = 1024});
    client("SELECT INBOX");
    const auto text = client("STORE 1:* +FLAGS (\\Seen)");
    EXPECT_GT(client.pieces(), 10U);
    EXPECT_LT(client.largest_piece(), 1200U);
    EXPECT_NE(text.find("* 503 FETCH (FLAGS (\\Seen"), std::string::npos);
}

}  // namespace
}  // namespace quorate::mail::imap
