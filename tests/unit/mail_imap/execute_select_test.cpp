// SELECT, EXAMINE, CLOSE, UNSELECT: RFC 3501 6.3.1, 6.3.2, 6.4.2, 7.1; RFC 3691.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

using Selected = Executed::Selected;

TEST(ImapSelectRfc3501, AnEmptyMailboxIsDescribedWhole) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("SELECT inbox"),
              crlf("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\n"
                   "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] "
                   "Flags permitted\n"
                   "* 0 EXISTS\n"
                   "* 0 RECENT\n"
                   "* OK [UIDVALIDITY " +
                   mail.uid_validity("INBOX") +
                   "] UIDs valid\n"
                   "* OK [UIDNEXT 1] Predicted next UID\n"
                   "a OK [READ-WRITE] SELECT completed\n"));
    EXPECT_EQ(client.executed().selected, Selected::kReadWrite);
}

TEST(ImapSelectRfc3501, UnseenNamesTheFirstMessageWithoutSeen) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kSeen, {}, {}});
    mail.deliver("b", "INBOX", {store::kSeen | store::kFlagged, {}, {}});
    mail.deliver("c");
    mail.deliver("d");
    Client client(mail);
    const auto text = client("SELECT INBOX");
    EXPECT_NE(text.find("* 4 EXISTS\r\n"), std::string::npos);
    EXPECT_NE(text.find("* OK [UNSEEN 3] "), std::string::npos);
    EXPECT_NE(text.find("* OK [UIDNEXT 5] "), std::string::npos);
}

TEST(ImapSelectRfc3501, WithoutUnseenMessagesThereIsNoUnseenCode) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kSeen, {}, {}});
    Client client(mail);
    EXPECT_EQ(client("SELECT INBOX").find("UNSEEN"), std::string::npos);
}

TEST(ImapSelectRfc3501, OnlyTheFirstSessionSeesAMessageAsRecent) {
    Mail mail;
    mail.fill(2);
    Client first(mail);
    Client second(mail);
    EXPECT_NE(first("SELECT INBOX").find("* 2 RECENT\r\n"), std::string::npos);
    EXPECT_NE(second("SELECT INBOX").find("* 0 RECENT\r\n"), std::string::npos);
    EXPECT_EQ(first("FETCH 1 FLAGS"), crlf("* 1 FETCH (FLAGS (\\Recent))\na OK FETCH completed\n"));
    EXPECT_EQ(second("FETCH 1 FLAGS"), crlf("* 1 FETCH (FLAGS ())\na OK FETCH completed\n"));
}

TEST(ImapSelectRfc3501, KeywordsOfTheMailboxAreAmongItsFlags) {
    Mail mail;
    mail.deliver("a", "INBOX", {0, {"$Forwarded", "work"}, {}});
    Client client(mail);
    const auto text = client("SELECT INBOX");
    EXPECT_NE(text.find("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded work)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\\Draft $Forwarded work \\*)]"), std::string::npos) << text;
}

TEST(ImapSelectRfc3501, WhenNoMoreKeywordsFitTheStarIsGone) {
    Mail mail;
    Mail::Delivery delivery;
    for (unsigned i = 0; i < store::kKeywordsMax; ++i) {
        delivery.keywords.push_back("k" + std::to_string(i));
    }
    mail.deliver("a", "INBOX", delivery);
    Client client(mail);
    EXPECT_EQ(client("SELECT INBOX").find("\\*"), std::string::npos);
}

TEST(ImapSelectRfc3501, AFailedSelectLeavesNoMailboxSelected) {
    Mail mail;
    Client client(mail);
    EXPECT_TRUE(client.ok("SELECT INBOX"));
    EXPECT_EQ(client("SELECT nowhere"), crlf("a NO [NONEXISTENT] There is no such mailbox\n"));
    EXPECT_EQ(client.executed().selected, Selected::kNone);
    EXPECT_FALSE(client.executed().ok);
}

TEST(ImapSelectRfc3501, SelectingAnotherMailboxExpungesNothing) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kDeleted, {}, {}});
    Client client(mail);
    client("CREATE other");
    client("SELECT INBOX");
    const auto text = client("SELECT other");
    EXPECT_EQ(text.find("CLOSED"), std::string::npos);
    EXPECT_NE(client("SELECT INBOX").find("* 1 EXISTS"), std::string::npos);
}

TEST(ImapExamineRfc3501, NothingIsPermanentAndTheMailboxIsReadOnly) {
    Mail mail;
    mail.fill(1);
    Client client(mail);
    const auto text = client("EXAMINE INBOX");
    EXPECT_NE(text.find("* OK [PERMANENTFLAGS ()] "), std::string::npos);
    EXPECT_TRUE(text.ends_with("a OK [READ-ONLY] EXAMINE completed\r\n"));
    EXPECT_EQ(client.executed().selected, Selected::kReadOnly);
}

TEST(ImapExamineRfc3501, MessagesStayRecentForTheNextSession) {
    Mail mail;
    mail.fill(2);
    Client examiner(mail);
    EXPECT_NE(examiner("EXAMINE INBOX").find("* 2 RECENT\r\n"), std::string::npos);
    Client owner(mail);
    EXPECT_NE(owner("SELECT INBOX").find("* 2 RECENT\r\n"), std::string::npos);
}

TEST(ImapExamineRfc3501, NoCommandChangesTheMailbox) {
    Mail mail;
    mail.deliver(crlf("Subject: x\n\nbody\n"), "INBOX", {store::kDeleted, {}, {}});
    Client client(mail);
    client("CREATE other");
    client("EXAMINE INBOX");
    const auto refusal = crlf("a NO [READ-ONLY] The mailbox is selected read-only\n");
    EXPECT_EQ(client("STORE 1 +FLAGS (\\Seen)"), refusal);
    EXPECT_EQ(client("EXPUNGE"), refusal);
    EXPECT_EQ(client("UID EXPUNGE 1"), refusal);
    EXPECT_EQ(client("MOVE 1 other"), refusal);
    EXPECT_TRUE(client.ok("COPY 1 other"));
    EXPECT_TRUE(client.ok("FETCH 1 BODY[]"));
    EXPECT_EQ(client("FETCH 1 FLAGS"),
              crlf("* 1 FETCH (FLAGS (\\Deleted \\Recent))\na OK FETCH completed\n"));
}

TEST(ImapCloseRfc3501, DeletedMessagesGoWithoutExpungeResponses) {
    Mail mail;
    mail.fill(3);
    Client client(mail);
    client("SELECT INBOX");
    client("STORE 1,3 +FLAGS.SILENT (\\Deleted)");
    EXPECT_EQ(client("CLOSE"), crlf("a OK CLOSE completed\n"));
    EXPECT_EQ(client.executed().selected, Selected::kNone);
    EXPECT_NE(client("SELECT INBOX").find("* 1 EXISTS"), std::string::npos);
}

TEST(ImapCloseRfc3501, AReadOnlyMailboxKeepsItsMessages) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kDeleted, {}, {}});
    Client client(mail);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("CLOSE"), crlf("a OK CLOSE completed\n"));
    EXPECT_NE(client("SELECT INBOX").find("* 1 EXISTS"), std::string::npos);
}

TEST(ImapCloseRfc3501, WhenTheMessagesCannotBeRemovedTheMailboxStaysSelected) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kDeleted, {}, {}});
    Client client(mail);
    client("SELECT INBOX");
    mail.account().fail(store::errc::journal_failed);
    EXPECT_EQ(client("CLOSE"), crlf("a NO [UNAVAILABLE] Mail cannot be stored, try again later\n"));
    EXPECT_EQ(client.executed().selected, Selected::kReadWrite);
    EXPECT_TRUE(client.ok("CLOSE"));
}

TEST(ImapUnselectRfc3691, DeletedMessagesStay) {
    Mail mail;
    mail.deliver("a", "INBOX", {store::kDeleted, {}, {}});
    Client client(mail);
    client("SELECT INBOX");
    EXPECT_EQ(client("UNSELECT"), crlf("a OK UNSELECT completed\n"));
    EXPECT_EQ(client.executed().selected, Selected::kNone);
    EXPECT_NE(client("SELECT INBOX").find("* 1 EXISTS"), std::string::npos);
}

TEST(ImapExecutor, CommandsOfTheSelectedStateNeedAMailbox) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("FETCH 1 FLAGS"), crlf("a BAD No mailbox is selected\n"));
    EXPECT_EQ(client("EXPUNGE"), crlf("a BAD No mailbox is selected\n"));
    EXPECT_EQ(client("NOOP"), crlf("a OK NOOP completed\n"));
}

}  // namespace
}  // namespace quorate::mail::imap
