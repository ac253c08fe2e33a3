// CREATE, DELETE, RENAME, SUBSCRIBE, STATUS: RFC 3501 6.3.3 to 6.3.7 and 6.3.10; codes of RFC 5530.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

std::string all_names(Client& client) { return client("LIST \"\" *"); }

bool has(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

TEST(ImapCreateRfc3501, ATrailingSeparatorIsNoPartOfTheName) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("CREATE owatagusiam/"), crlf("a OK CREATE completed\n"));
    EXPECT_TRUE(has(all_names(client), "\"/\" owatagusiam\r\n"));
}

TEST(ImapCreateRfc3501, MissingSuperiorNamesAreCreated) {
    Mail mail;
    Client client(mail);
    EXPECT_TRUE(client.ok("CREATE foo/bar/zap"));
    EXPECT_TRUE(client.ok("SELECT foo/bar"));
}

TEST(ImapCreateRfc3501, AnExistingNameIsRefused) {
    Mail mail;
    Client client(mail);
    client("CREATE x");
    const auto refusal = crlf("a NO [ALREADYEXISTS] There is a mailbox with this name\n");
    EXPECT_EQ(client("CREATE x"), refusal);
    EXPECT_EQ(client("CREATE inbox"), refusal);
    EXPECT_EQ(client("CREATE InBox/"), refusal);
}

TEST(ImapCreateRfc3501, WhatCannotBeANameIsRefused) {
    Mail mail;
    Client client(mail);
    const auto refusal = crlf("a NO [CANNOT] This cannot be the name of a mailbox\n");
    EXPECT_EQ(client("CREATE \"\""), refusal);
    EXPECT_EQ(client("CREATE /"), refusal);
    EXPECT_EQ(client("CREATE a//b"), refusal);
    EXPECT_EQ(client("CREATE /a"), refusal);
    EXPECT_EQ(client("CREATE " + std::string(5000, 'x')), refusal);
}

TEST(ImapCreateRfc6154, AUsualNameTakesItsUseWhenItIsFree) {
    const std::pair<const char*, const char*> usual[] = {
        {"Drafts", "Drafts"},
        {"sent", "Sent"},
        {"\"Sent Messages\"", "Sent"},
        {"\"Sent Items\"", "Sent"},
        {"Trash", "Trash"},
        {"\"Deleted Items\"", "Trash"},
        {"\"Deleted Messages\"", "Trash"},
        {"Junk", "Junk"},
        {"spam", "Junk"},
        {"\"Junk E-mail\"", "Junk"},
        {"Archive", "Archive"},
        {"Archives", "Archive"},
    };
    for (const auto& [name, use] : usual) {
        Mail mail;
        Client client(mail);
        EXPECT_TRUE(client.ok(std::string("CREATE ") + name));
        EXPECT_EQ(client(std::string("LIST \"\" ") + name),
                  crlf("* LIST (\\HasNoChildren \\" + std::string(use) + ") \"/\" " + name +
                       "\na OK LIST completed\n"));
    }
}

TEST(ImapCreateRfc6154, TheUseIsGivenOnceAndFreeAgainWhenItsMailboxGoes) {
    Mail mail;
    Client client(mail);
    client("CREATE Sent");
    client("CREATE \"Sent Items\"");
    client("CREATE Work/Sent");
    EXPECT_EQ(all_names(client), crlf("* LIST (\\HasNoChildren) \"/\" INBOX\n"
                                      "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
                                      "* LIST (\\HasNoChildren) \"/\" \"Sent Items\"\n"
                                      "* LIST (\\HasChildren) \"/\" Work\n"
                                      "* LIST (\\HasNoChildren) \"/\" Work/Sent\n"
                                      "a OK LIST completed\n"));
    client("RENAME Sent Post");
    EXPECT_TRUE(has(all_names(client), "\\Sent) \"/\" Post\r\n"));
    client("DELETE Post");
    client("CREATE Sent");
    EXPECT_TRUE(has(all_names(client), "\\Sent) \"/\" Sent\r\n"));
}

TEST(ImapCreateRfc6154, UseGivesItToAnyNameOrFails) {
    Mail mail;
    Client client(mail);
    EXPECT_TRUE(client.ok("CREATE Post (USE (\\Sent))"));
    EXPECT_TRUE(has(all_names(client), "\\Sent) \"/\" Post\r\n"));
    EXPECT_EQ(client("CREATE Other (USE (\\Sent))"),
              crlf("a NO [USEATTR] Another mailbox has this use\n"));
    EXPECT_FALSE(has(all_names(client), "Other")) << "RFC 6154 3: the mailbox is not created";
    EXPECT_TRUE(client.ok("CREATE Drafts (USE ())"));
    EXPECT_FALSE(has(all_names(client), "\\Drafts"));
}

TEST(ImapCreateRfc3501, ANewMailboxOfAnOldNameHasGreaterIdentifiers) {
    Mail mail;
    Client client(mail);
    client("CREATE x");
    const auto before = std::stoul(mail.uid_validity("x"));
    client("DELETE x");
    client("CREATE x");
    EXPECT_GT(std::stoul(mail.uid_validity("x")), before);
}

TEST(ImapDeleteRfc3501, InboxStays) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("DELETE inbox"), crlf("a NO [CANNOT] INBOX cannot be deleted\n"));
}

TEST(ImapDeleteRfc3501, ANameThatIsNotThereIsRefused) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("DELETE x"), crlf("a NO [NONEXISTENT] There is no such mailbox\n"));
}

TEST(ImapDeleteRfc3501, InferiorNamesStayAndKeepTheNameAsNoselect) {
    Mail mail;
    Client client(mail);
    client("CREATE foo/bar");
    EXPECT_TRUE(client.ok("DELETE foo"));
    EXPECT_TRUE(has(all_names(client), "* LIST (\\Noselect \\HasChildren) \"/\" foo\r\n"));
    EXPECT_TRUE(client.ok("SELECT foo/bar"));
    EXPECT_FALSE(has(client("SELECT foo"), " OK "));
}

TEST(ImapDeleteRfc3501, ANoselectNameWithInferiorsCannotBeDeleted) {
    Mail mail;
    Client client(mail);
    client("CREATE foo/bar");
    client("DELETE foo");
    EXPECT_EQ(client("DELETE foo"), crlf("a NO [CANNOT] There are mailboxes below this name\n"));
    EXPECT_TRUE(client.ok("DELETE foo/bar"));
    EXPECT_FALSE(has(all_names(client), "foo"));
}

TEST(ImapDelete, WhoDeletesHisSelectedMailboxHasNoneSelected) {
    Mail mail;
    Client client(mail);
    client("CREATE x");
    client("SELECT x");
    EXPECT_EQ(client("DELETE x"), crlf("a OK DELETE completed\n"));
    EXPECT_EQ(client.executed().selected, Executed::Selected::kNone);
    EXPECT_TRUE(client.ok("NOOP"));
}

TEST(ImapRenameRfc3501, InferiorNamesAreRenamedToo) {
    Mail mail;
    Client client(mail);
    client("CREATE foo/bar");
    EXPECT_EQ(client("RENAME foo zap"), crlf("a OK RENAME completed\n"));
    const auto names = all_names(client);
    EXPECT_TRUE(has(names, "\"/\" zap\r\n"));
    EXPECT_TRUE(has(names, "\"/\" zap/bar\r\n"));
    EXPECT_FALSE(has(names, "foo"));
}

TEST(ImapRenameRfc3501, ANoselectNameIsRenamedWithWhatIsBelow) {
    Mail mail;
    Client client(mail);
    client("CREATE foo/bar");
    client("DELETE foo");
    EXPECT_TRUE(client.ok("RENAME foo zap"));
    EXPECT_TRUE(has(all_names(client), "\"/\" zap/bar\r\n"));
}

TEST(ImapRenameRfc3501, InboxStaysAndItsMessagesMove) {
    Mail mail;
    mail.fill(2);
    Client client(mail);
    EXPECT_TRUE(client.ok("RENAME INBOX old-mail"));
    EXPECT_TRUE(has(client("STATUS INBOX (MESSAGES)"), "(MESSAGES 0)"));
    EXPECT_TRUE(has(client("STATUS old-mail (MESSAGES)"), "(MESSAGES 2)"));
}

TEST(ImapRenameRfc3501, NamesThatAreOrAreNotThereAreRefused) {
    Mail mail;
    Client client(mail);
    client("CREATE a");
    client("CREATE b");
    EXPECT_EQ(client("RENAME x y"), crlf("a NO [NONEXISTENT] There is no such mailbox\n"));
    EXPECT_EQ(client("RENAME a b"),
              crlf("a NO [ALREADYEXISTS] There is a mailbox with this name\n"));
    EXPECT_EQ(client("RENAME a inbox"), crlf("a NO [ALREADYEXISTS] INBOX is always there\n"));
    EXPECT_EQ(client("RENAME a a/b"),
              crlf("a NO [CANNOT] A mailbox cannot be moved below itself\n"));
    EXPECT_EQ(client("RENAME a c//d"),
              crlf("a NO [CANNOT] This cannot be the name of a mailbox\n"));
}

TEST(ImapRenameRfc3501, ATrailingSeparatorOfTheNewNameIsIgnored) {
    Mail mail;
    Client client(mail);
    client("CREATE a");
    EXPECT_TRUE(client.ok("RENAME a b/"));
    EXPECT_TRUE(has(all_names(client), "\"/\" b\r\n"));
}

TEST(ImapRename, ASelectedMailboxStaysSelected) {
    Mail mail;
    Client client(mail);
    client("CREATE a");
    mail.fill(1, "a");
    client("SELECT a");
    EXPECT_TRUE(client.ok("RENAME a b"));
    EXPECT_TRUE(has(client("FETCH 1 UID"), "* 1 FETCH (UID 1)"));
}

TEST(ImapSubscribeRfc3501, SubscriptionsOutliveTheirMailbox) {
    Mail mail;
    Client client(mail);
    client("CREATE x");
    EXPECT_EQ(client("SUBSCRIBE x"), crlf("a OK SUBSCRIBE completed\n"));
    client("DELETE x");
    EXPECT_EQ(client("LSUB \"\" *"), crlf("* LSUB () \"/\" x\na OK LSUB completed\n"));
    EXPECT_EQ(client("UNSUBSCRIBE x"), crlf("a OK UNSUBSCRIBE completed\n"));
    EXPECT_EQ(client("LSUB \"\" *"), crlf("a OK LSUB completed\n"));
}

TEST(ImapSubscribeRfc3501, OnlyNamesThatAreThereCanBeSubscribed) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("SUBSCRIBE x"), crlf("a NO [NONEXISTENT] There is no such mailbox\n"));
    client("CREATE foo/bar");
    client("DELETE foo");
    EXPECT_TRUE(client.ok("SUBSCRIBE foo"));
    EXPECT_TRUE(client.ok("SUBSCRIBE inbox"));
    EXPECT_TRUE(has(client("LSUB \"\" *"), "\"/\" INBOX\r\n"));
}

TEST(ImapStatusRfc3501, EveryItemIsTold) {
    Mail mail;
    Client client(mail, {.append_bytes = 12345});
    client("CREATE blurdybloop");
    mail.deliver("12345", "blurdybloop", {store::kSeen, {}, {}});
    mail.deliver("678", "blurdybloop");
    EXPECT_EQ(client("STATUS blurdybloop (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE "
                     "APPENDLIMIT)"),
              crlf("* STATUS blurdybloop (MESSAGES 2 RECENT 2 UIDNEXT 3 UIDVALIDITY " +
                   mail.uid_validity("blurdybloop") +
                   " UNSEEN 1 SIZE 8 APPENDLIMIT 12345)\na OK STATUS completed\n"));
}

TEST(ImapStatusRfc3501, ItDoesNotMakeMessagesLessRecent) {
    Mail mail;
    mail.fill(1);
    Client client(mail);
    EXPECT_TRUE(has(client("STATUS inbox (RECENT)"), "* STATUS INBOX (RECENT 1)"));
    EXPECT_TRUE(has(client("STATUS INBOX (RECENT)"), "* STATUS INBOX (RECENT 1)"));
}

TEST(ImapStatusRfc3501, AMissingMailboxIsRefused) {
    Mail mail;
    Client client(mail);
    EXPECT_EQ(client("STATUS x (MESSAGES)"), crlf("a NO [NONEXISTENT] There is no such mailbox\n"));
}

TEST(ImapMailboxNamesRfc3501, NamesAreShownInModifiedUtf7) {
    Mail mail;
    Client client(mail);
    EXPECT_TRUE(client.ok("CREATE Entw&APw-rfe"));
    EXPECT_TRUE(mail.account().mailbox("Entw\xc3\xbcrfe").has_value());
    EXPECT_TRUE(has(all_names(client), "\"/\" Entw&APw-rfe\r\n"));
    EXPECT_TRUE(has(client("STATUS Entw&APw-rfe (UNSEEN)"), "* STATUS Entw&APw-rfe (UNSEEN 0)"));
}

TEST(ImapResponseCodesRfc5530, EveryErrorOfTheStoreHasItsCode) {
    const std::pair<store::errc, std::string_view> cases[] = {
        {store::errc::too_many_mailboxes, "[LIMIT]"},
        {store::errc::volume_full, "[UNAVAILABLE]"},
        {store::errc::over_quota, "[OVERQUOTA]"},
        {store::errc::damaged, "[CORRUPTION]"},
        {store::errc::journal_failed, "[UNAVAILABLE]"},
        {store::errc::no_such_account, "[UNAVAILABLE]"},
        {store::errc::unsupported_version, "[SERVERBUG]"},
        {store::errc::too_large, "[TOOBIG]"},
        {store::errc::keyword_invalid, "[CANNOT]"},
        {store::errc::mailbox_has_children, "[CANNOT]"},
    };
    Mail mail;
    Client client(mail);
    for (const auto& [error, code] : cases) {
        mail.account().fail(error);
        EXPECT_TRUE(client("CREATE x").starts_with("a NO " + std::string(code) + " ")) << code;
    }
}

}  // namespace
}  // namespace quorate::mail::imap
