// COPY, MOVE, EXPUNGE: RFC 3501 6.4.3, 6.4.7, 6.4.8; RFC 4315; RFC 6851.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

class ImapCopy : public ::testing::Test {
protected:
    ImapCopy() : client_(mail_) {
        mail_.fill(5);
        client_("CREATE other");
        client_("SELECT INBOX");
    }
    std::string copyuid(std::string_view sets) const {
        return "[COPYUID " + validity_ + " " + std::string(sets) + "]";
    }

    Mail mail_;
    Client client_;
    std::string validity_ = mail_.account().create("target", store::SpecialUse::kNone)
                                ? mail_.uid_validity("target")
                                : "";
};

TEST_F(ImapCopy, Rfc4315CopyuidPairsTheUids) {
    EXPECT_EQ(client_("COPY 2:3,5 target"), "a OK " + copyuid("2:3,5 1:3") + " COPY completed\r\n");
    EXPECT_EQ(client_("UID COPY 1 target"), "a OK " + copyuid("1 4") + " UID COPY completed\r\n");
}

TEST_F(ImapCopy, Rfc3501FlagsAndInternalDateAreKept) {
    client_("STORE 1 FLAGS.SILENT (\\Flagged $Kept)");
    client_("COPY 1 target");
    client_("SELECT target");
    EXPECT_EQ(client_("FETCH 1 (FLAGS INTERNALDATE)"),
              crlf("* 1 FETCH (FLAGS (\\Flagged \\Recent $Kept) INTERNALDATE "
                   "\" 9-Sep-2001 03:46:40 +0200\")\na OK FETCH completed\n"));
}

TEST_F(ImapCopy, Rfc3501AMissingDestinationIsAnsweredWithTrycreate) {
    const auto refusal = crlf("a NO [TRYCREATE] There is no such mailbox\n");
    EXPECT_EQ(client_("COPY 1 nowhere"), refusal);
    EXPECT_EQ(client_("UID MOVE 1 nowhere"), refusal);
    EXPECT_EQ(client_("UID COPY 99 nowhere"), refusal);
}

TEST_F(ImapCopy, Rfc3501AnEmptyUidCopyIsOk) {
    EXPECT_EQ(client_("UID COPY 99 target"), crlf("a OK No messages found\n"));
    EXPECT_EQ(client_("UID MOVE 99 target"), crlf("a OK No messages found\n"));
    EXPECT_EQ(client_("COPY 6 target"), crlf("a BAD The message set goes beyond the mailbox\n"));
}

TEST_F(ImapCopy, AMessageMayBeCopiedIntoItsOwnMailbox) {
    const auto validity = mail_.uid_validity("INBOX");
    EXPECT_EQ(client_("COPY 1 INBOX"),
              "* 6 EXISTS\r\n* 6 RECENT\r\na OK [COPYUID " + validity + " 1 6] COPY completed\r\n");
}

TEST_F(ImapCopy, Rfc3501WhenItFailsNothingIsCopied) {
    mail_.account().fail(store::errc::over_quota, 1);
    EXPECT_EQ(client_("COPY 1:3 target"), crlf("a NO [OVERQUOTA] The account is over its quota\n"));
    EXPECT_EQ(client_("STATUS target (MESSAGES)"),
              crlf("* STATUS target (MESSAGES 0)\na OK STATUS completed\n"));
}

TEST_F(ImapCopy, Rfc6851MoveSendsCopyuidThenExpungesThenTheTaggedOk) {
    EXPECT_EQ(client_("MOVE 2:3,5 target"), "* OK " + copyuid("2:3,5 1:3") +
                                                " Moved\r\n"
                                                "* 2 EXPUNGE\r\n"
                                                "* 2 EXPUNGE\r\n"
                                                "* 3 EXPUNGE\r\n"
                                                "* 2 RECENT\r\n"
                                                "a OK MOVE completed\r\n");
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 1 4\na OK UID SEARCH completed\n"));
}

TEST_F(ImapCopy, Rfc6851MoveDoesNotTouchOtherDeletedMessages) {
    client_("STORE 1 FLAGS.SILENT (\\Deleted)");
    client_("UID MOVE 2 target");
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 1 3 4 5\na OK UID SEARCH completed\n"));
}

TEST_F(ImapCopy, Rfc6851MoveWithinTheMailboxGivesNewUids) {
    const auto text = client_("MOVE 1 INBOX");
    EXPECT_EQ(text, "* OK [COPYUID " + mail_.uid_validity("INBOX") +
                        " 1 6] Moved\r\n* 1 EXPUNGE\r\n* 5 EXISTS\r\na OK MOVE completed\r\n");
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 2 3 4 5 6\na OK UID SEARCH completed\n"));
}

TEST_F(ImapCopy, Rfc3501ExpungeRemovesAllDeletedMessagesInOneStep) {
    client_("STORE 3,4 +FLAGS.SILENT (\\Deleted)");
    client_("STORE 1 +FLAGS.SILENT (\\Deleted)");
    EXPECT_EQ(client_("EXPUNGE"),
              crlf("* 1 EXPUNGE\n* 2 EXPUNGE\n* 2 EXPUNGE\n* 2 RECENT\na OK EXPUNGE completed\n"));
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 2 5\na OK UID SEARCH completed\n"));
}

TEST_F(ImapCopy, Rfc4315UidExpungeRemovesOnlyDeletedMessagesOfTheSet) {
    client_("STORE 1:3 +FLAGS.SILENT (\\Deleted)");
    EXPECT_EQ(client_("UID EXPUNGE 2:5"),
              crlf("* 2 EXPUNGE\n* 2 EXPUNGE\n* 3 RECENT\na OK UID EXPUNGE completed\n"));
    EXPECT_EQ(client_("UID EXPUNGE 99"), crlf("a OK UID EXPUNGE completed\n"));
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 1 4 5\na OK UID SEARCH completed\n"));
}

TEST_F(ImapCopy, Rfc5530SequenceNumbersOfExpungedMessagesRefuseTheCopy) {
    Client other(mail_);
    other("SELECT INBOX");
    other("STORE 2 FLAGS.SILENT (\\Deleted)");
    other("EXPUNGE");
    EXPECT_EQ(client_("COPY 1:3 target"),
              crlf("* 2 EXPUNGE\n* 4 RECENT\na NO [EXPUNGEISSUED] Some of the messages are "
                   "expunged\n"));
    EXPECT_EQ(client_("STATUS target (MESSAGES)"),
              crlf("* STATUS target (MESSAGES 0)\na OK STATUS completed\n"));
    EXPECT_EQ(client_("UID COPY 1:3 target"),
              "a OK " + copyuid("1,3 1:2") + " UID COPY completed\r\n");
}

}  // namespace
}  // namespace quorate::mail::imap
