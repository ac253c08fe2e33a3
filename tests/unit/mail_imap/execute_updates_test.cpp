// What one session sees of another's changes: RFC 3501 5.2, 5.5, 7.3, 7.4.1; RFC 2180; RFC 2177.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

class ImapUpdates : public ::testing::Test {
protected:
    ImapUpdates() : watcher_(mail_), actor_(mail_) {
        mail_.fill(4);
        watcher_("SELECT INBOX");
        actor_("SELECT INBOX");
    }
    void expunge(std::string_view set) {
        actor_("STORE " + std::string(set) + " +FLAGS.SILENT (\\Deleted)");
        actor_("EXPUNGE");
    }

    Mail mail_;
    Client watcher_;
    Client actor_;
};

TEST_F(ImapUpdates, Rfc3501NoopReportsNewMessages) {
    mail_.deliver("x");
    EXPECT_EQ(watcher_("NOOP"), crlf("* 5 EXISTS\n* 5 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("CHECK"), crlf("a OK CHECK completed\n"));
}

TEST_F(ImapUpdates, Rfc3501OnlyTheFirstToHearOfAMessageSeesItRecent) {
    mail_.deliver("x");
    EXPECT_EQ(actor_("NOOP"), crlf("* 5 EXISTS\n* 1 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("NOOP"), crlf("* 5 EXISTS\na OK NOOP completed\n"));
}

TEST_F(ImapUpdates, Rfc3501FlagChangesOfOthersAreReported) {
    actor_("STORE 2,4 +FLAGS.SILENT (\\Seen)");
    EXPECT_EQ(watcher_("NOOP"), crlf("* 2 FETCH (FLAGS (\\Seen \\Recent))\n"
                                     "* 4 FETCH (FLAGS (\\Seen \\Recent))\n"
                                     "a OK NOOP completed\n"));
    EXPECT_EQ(watcher_("NOOP"), crlf("a OK NOOP completed\n"));
    EXPECT_EQ(actor_("NOOP"), crlf("a OK NOOP completed\n"));
}

TEST_F(ImapUpdates, Rfc3501AnExternalChangeIsReportedEvenIfTheOwnStoreIsSilent) {
    actor_("STORE 3 +FLAGS.SILENT (\\Seen)");
    EXPECT_EQ(watcher_("STORE 1 +FLAGS.SILENT (\\Draft)"),
              crlf("* 3 FETCH (FLAGS (\\Seen \\Recent))\na OK STORE completed\n"));
}

TEST_F(ImapUpdates, Rfc3501UpdatesDuringAUidCommandHaveTheUid) {
    actor_("STORE 3 +FLAGS.SILENT (\\Seen)");
    EXPECT_EQ(watcher_("UID STORE 1 +FLAGS.SILENT (\\Draft)"),
              crlf("* 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))\na OK UID STORE completed\n"));
}

TEST_F(ImapUpdates, Rfc3501KeywordsOfOthersAreAnnouncedBeforeTheyAreUsed) {
    actor_("STORE 1 +FLAGS.SILENT ($New)");
    const auto keywords = crlf(
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New)\n"
        "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $New \\*)] Flags "
        "permitted\n");
    const auto flags = crlf("* 1 FETCH (FLAGS (\\Recent $New))\n");
    EXPECT_EQ(watcher_("FETCH 1 FLAGS"), keywords + flags + flags + crlf("a OK FETCH completed\n"));
    EXPECT_EQ(watcher_("NOOP"), crlf("a OK NOOP completed\n"));
}

TEST_F(ImapUpdates, Rfc3501NoExpungeDuringFetchStoreAndSearch) {
    expunge("2");
    EXPECT_EQ(watcher_("FETCH 3 UID"), crlf("* 3 FETCH (UID 3)\na OK FETCH completed\n"));
    EXPECT_EQ(watcher_("STORE 3 +FLAGS.SILENT (\\Seen)"), crlf("a OK STORE completed\n"));
    EXPECT_EQ(watcher_("SEARCH SEEN"), crlf("* SEARCH 3\na OK SEARCH completed\n"));
    EXPECT_EQ(watcher_("NOOP"), crlf("* 2 EXPUNGE\n* 3 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("SEARCH SEEN"), crlf("* SEARCH 2\na OK SEARCH completed\n"));
}

TEST_F(ImapUpdates, Rfc3501UidCommandsMayReportExpunges) {
    expunge("2");
    EXPECT_EQ(watcher_("UID FETCH 3 FLAGS"),
              crlf("* 3 FETCH (UID 3 FLAGS (\\Recent))\n* 2 EXPUNGE\n* 3 RECENT\n"
                   "a OK UID FETCH completed\n"));
    expunge("2");
    EXPECT_EQ(watcher_("UID SEARCH ALL"),
              crlf("* SEARCH 1 3 4\n* 2 EXPUNGE\n* 2 RECENT\na OK UID SEARCH completed\n"));
}

TEST_F(ImapUpdates, Rfc3501NewMessagesAreReportedThoughExpungesWait) {
    expunge("1");
    mail_.deliver("x");
    EXPECT_EQ(watcher_("FETCH 4 UID"),
              crlf("* 4 FETCH (UID 4)\n* 5 EXISTS\n* 5 RECENT\na OK FETCH completed\n"));
    EXPECT_EQ(watcher_("FETCH 5 UID"), crlf("* 5 FETCH (UID 5)\na OK FETCH completed\n"));
    EXPECT_EQ(watcher_("NOOP"), crlf("* 1 EXPUNGE\n* 4 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("FETCH 4 UID"), crlf("* 4 FETCH (UID 5)\na OK FETCH completed\n"));
}

TEST_F(ImapUpdates, Rfc2180ExpungedMessagesCanBeFetchedUntilTheyAreReported) {
    expunge("2");
    EXPECT_EQ(watcher_("FETCH 2 (UID BODY.PEEK[TEXT])"),
              crlf("* 2 FETCH (UID 2 BODY[TEXT] {6}\ntext\n)\na OK FETCH completed\n"));
    EXPECT_EQ(watcher_("FETCH 2 BODY[TEXT]"),
              crlf("* 2 FETCH (BODY[TEXT] {6}\ntext\n)\na OK FETCH completed\n"));
}

TEST_F(ImapUpdates, Rfc5530StoreSaysThatMessagesAreExpunged) {
    expunge("2");
    EXPECT_EQ(watcher_("STORE 1:3 +FLAGS (\\Seen)"),
              crlf("* 1 FETCH (FLAGS (\\Seen \\Recent))\n"
                   "* 3 FETCH (FLAGS (\\Seen \\Recent))\n"
                   "a OK [EXPUNGEISSUED] Some of the messages are expunged\n"));
    EXPECT_EQ(watcher_("STORE 2 +FLAGS (\\Seen)"),
              crlf("a OK [EXPUNGEISSUED] Some of the messages are expunged\n"));
}

TEST_F(ImapUpdates, Rfc3501SeveralExpungesAreNumberedOneAfterTheOther) {
    expunge("1,3:4");
    EXPECT_EQ(watcher_("NOOP"),
              crlf("* 1 EXPUNGE\n* 2 EXPUNGE\n* 2 EXPUNGE\n* 1 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("FETCH 1 UID"), crlf("* 1 FETCH (UID 2)\na OK FETCH completed\n"));
}

TEST_F(ImapUpdates, AMessageThatCameAndWentIsNeverShown) {
    mail_.deliver("x");
    actor_("NOOP");
    expunge("5");
    mail_.deliver("y");
    EXPECT_EQ(watcher_("NOOP"), crlf("* 5 EXISTS\n* 5 RECENT\na OK NOOP completed\n"));
    EXPECT_EQ(watcher_("FETCH 5 UID"), crlf("* 5 FETCH (UID 6)\na OK FETCH completed\n"));
}

TEST_F(ImapUpdates, Rfc2177IdleHearsOfEverything) {
    actor_("STORE 1 +FLAGS.SILENT (\\Seen)");
    expunge("2");
    mail_.deliver("x");
    EXPECT_GT(watcher_.wake_ups(), 0U);
    EXPECT_EQ(watcher_.poll(), crlf("* 2 EXPUNGE\n* 4 EXISTS\n"
                                    "* 1 FETCH (FLAGS (\\Seen \\Recent))\n"));
    EXPECT_EQ(watcher_.poll(), "");
}

TEST_F(ImapUpdates, TheOwnChangesWakeNobodyUpButTheOthers) {
    const auto before = watcher_.wake_ups();
    watcher_("STORE 1 +FLAGS.SILENT (\\Seen)");
    EXPECT_EQ(watcher_.wake_ups(), before);
    EXPECT_GT(actor_.wake_ups(), 0U);
}

TEST_F(ImapUpdates, CommandsOfOtherMailboxesReportToo) {
    expunge("2");
    EXPECT_EQ(
        watcher_("STATUS INBOX (MESSAGES)"),
        crlf("* STATUS INBOX (MESSAGES 3)\n* 2 EXPUNGE\n* 3 RECENT\na OK STATUS completed\n"));
}

TEST_F(ImapUpdates, ADeletedMailboxEndsTheSessionThatHasItSelected) {
    actor_("CREATE x");
    watcher_("SELECT x");
    EXPECT_EQ(actor_("DELETE x"), crlf("a OK DELETE completed\n"));
    EXPECT_EQ(watcher_("NOOP"), "");
    EXPECT_EQ(watcher_.executed().bye, "The selected mailbox was deleted");
}

TEST_F(ImapUpdates, ADeletedMailboxEndsIdleToo) {
    actor_("CREATE x");
    watcher_("SELECT x");
    const auto before = watcher_.wake_ups();
    actor_("DELETE x");
    EXPECT_GT(watcher_.wake_ups(), before);
    EXPECT_EQ(watcher_.poll(), "");
    EXPECT_FALSE(watcher_.executed().bye.empty());
}

TEST_F(ImapUpdates, ADeletedMailboxMayBeLeftForAnother) {
    actor_("CREATE x");
    watcher_("SELECT x");
    actor_("DELETE x");
    EXPECT_TRUE(watcher_.ok("SELECT INBOX"));
    actor_("CREATE x");
    watcher_("SELECT x");
    actor_("DELETE x");
    EXPECT_EQ(watcher_("CLOSE"), crlf("a OK CLOSE completed\n"));
}

TEST_F(ImapUpdates, LongReportsComeInBoundedPieces) {
    mail_.fill(500);
    Client client(mail_, {.piece_bytes = 1024});
    client("SELECT INBOX");
    actor_("NOOP");
    actor_("STORE 1:* +FLAGS.SILENT (\\Seen)");
    expunge("1:250");
    const auto text = client("NOOP");
    EXPECT_GT(client.pieces(), 10U);
    EXPECT_LT(client.largest_piece(), 1200U);
    EXPECT_NE(text.find("* 254 FETCH (FLAGS (\\Seen"), std::string::npos);
    EXPECT_TRUE(text.ends_with("a OK NOOP completed\r\n"));
}

}  // namespace
}  // namespace quorate::mail::imap
