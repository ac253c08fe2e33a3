// SEARCH and UID SEARCH: RFC 3501 6.4.4, 7.2.5.

#include <gtest/gtest.h>

#include "envelope_date.hpp"
#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kFirstOfMay2020 = 1'588'291'200;

class ImapSearch : public ::testing::Test {
protected:
    ImapSearch() : client_(mail_) {
        using store::kAnswered, store::kDeleted, store::kDraft, store::kFlagged, store::kSeen;
        deliver(
            "From: Fred <fred@example.test>\nTo: bob@example.test\nSubject: Lunch\n"
            "Date: Thu, 30 Apr 2020 23:00:00 -0800\n\nSoup today\n",
            {kSeen, {}, {kFirstOfMay2020, 0}});
        deliver(
            "From: Ann <ann@example.test>\nCc: bob@example.test\nSubject: =?utf-8?q?Caf=C3=A9?=\n"
            "Date: Fri, 1 May 2020 10:00:00 +0000\n\nSalad\n",
            {kFlagged | kAnswered, {"$Label1"}, {kFirstOfMay2020 + kDay, 0}});
        deliver(
            "From: fred@example.test\nBcc: secret@example.test\nSubject: Dinner\n"
            "X-Fancy: yes\n\n" +
                std::string(500, 'x') + " soup\n",
            {kDraft | kDeleted | kSeen, {}, {kFirstOfMay2020 + 2 * kDay, 0}});
        deliver(
            "Subject: mime\nDate: Sat, 2 May 2020 10:00:00 +0000\n"
            "Content-Type: multipart/mixed; boundary=b\n\n"
            "--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n"
            "\nR3LDvMOfZQ==\n--b--\n",  // "Gr\u00fc\u00dfe"
            {0, {}, {kFirstOfMay2020 + 3 * kDay - 1, 0}});
        client_("SELECT INBOX");
    }
    void deliver(std::string_view text, const Mail::Delivery& delivery) {
        mail_.deliver(crlf(text), "INBOX", delivery);
    }
    std::string search(std::string_view keys) {
        const auto text = client_("SEARCH " + std::string(keys));
        const std::string begin = "* SEARCH";
        const std::string end = "\r\na OK SEARCH completed\r\n";
        if (!text.starts_with(begin) || !text.ends_with(end)) {
            return text;
        }
        return text.substr(begin.size(), text.size() - begin.size() - end.size());
    }

    Mail mail_;
    Client client_;
};

TEST_F(ImapSearch, Rfc3501Flags) {
    EXPECT_EQ(search("ALL"), " 1 2 3 4");
    EXPECT_EQ(search("ANSWERED"), " 2");
    EXPECT_EQ(search("UNANSWERED"), " 1 3 4");
    EXPECT_EQ(search("DELETED"), " 3");
    EXPECT_EQ(search("UNDELETED"), " 1 2 4");
    EXPECT_EQ(search("DRAFT"), " 3");
    EXPECT_EQ(search("UNDRAFT"), " 1 2 4");
    EXPECT_EQ(search("FLAGGED"), " 2");
    EXPECT_EQ(search("UNFLAGGED"), " 1 3 4");
    EXPECT_EQ(search("SEEN"), " 1 3");
    EXPECT_EQ(search("UNSEEN"), " 2 4");
}

TEST_F(ImapSearch, Rfc3501Keywords) {
    EXPECT_EQ(search("KEYWORD $label1"), " 2");
    EXPECT_EQ(search("UNKEYWORD $Label1"), " 1 3 4");
    EXPECT_EQ(search("KEYWORD unknown"), "");
    EXPECT_EQ(search("UNKEYWORD unknown"), " 1 2 3 4");
}

TEST_F(ImapSearch, Rfc3501NewIsRecentAndUnseenOldIsNotRecent) {
    EXPECT_EQ(search("RECENT"), " 1 2 3 4");
    EXPECT_EQ(search("NEW"), " 2 4");
    EXPECT_EQ(search("OLD"), "");
    Client second(mail_);
    second("SELECT INBOX");
    EXPECT_EQ(second("SEARCH OLD"), crlf("* SEARCH 1 2 3 4\na OK SEARCH completed\n"));
    EXPECT_EQ(second("SEARCH NEW"), crlf("* SEARCH\na OK SEARCH completed\n"));
}

TEST_F(ImapSearch, Rfc3501InternalDateWithoutTimeAndZone) {
    EXPECT_EQ(search("ON 1-May-2020"), " 1");
    EXPECT_EQ(search("BEFORE 2-May-2020"), " 1");
    EXPECT_EQ(search("SINCE 2-May-2020"), " 2 3 4");
    EXPECT_EQ(search("SINCE 3-May-2020"), " 3 4");
    EXPECT_EQ(search("BEFORE 1-May-2020"), "");
}

TEST_F(ImapSearch, Rfc3501TheDateFieldWithoutTimeAndZone) {
    EXPECT_EQ(search("SENTON 30-Apr-2020"), " 1");
    EXPECT_EQ(search("SENTBEFORE 2-May-2020"), " 1 2");
    EXPECT_EQ(search("SENTSINCE 1-May-2020"), " 2 4");
    EXPECT_EQ(search("NOT SENTSINCE 1-May-2020"), " 1 3");
}

TEST_F(ImapSearch, Rfc3501SizesAreStrictlyLargerOrSmaller) {
    const auto size = client_("FETCH 3 RFC822.SIZE");
    const auto at = size.find("SIZE ") + 5;
    const auto octets = size.substr(at, size.find(')', at) - at);
    EXPECT_EQ(search("LARGER " + octets), "");
    EXPECT_EQ(search("LARGER " + std::to_string(std::stoul(octets) - 1)), " 3");
    EXPECT_EQ(search("SMALLER " + octets), " 1 2 4");
    EXPECT_EQ(search("LARGER 0"), " 1 2 3 4");
    EXPECT_EQ(search("SMALLER 0"), "");
}

TEST_F(ImapSearch, Rfc3501HeaderKeysAreSubstringsWithoutCase) {
    EXPECT_EQ(search("FROM FRED"), " 1 3");
    EXPECT_EQ(search("TO bob"), " 1");
    EXPECT_EQ(search("CC bob"), " 2");
    EXPECT_EQ(search("BCC secret"), " 3");
    EXPECT_EQ(search("SUBJECT inne"), " 3");
    EXPECT_EQ(search("HEADER x-fancy \"\""), " 3");
    EXPECT_EQ(search("HEADER X-Fancy no"), "");
    EXPECT_EQ(search("HEADER Date \"May 2020\""), " 2 4");
}

TEST_F(ImapSearch, Rfc2047EncodedWordsAreDecoded) {
    EXPECT_EQ(search("CHARSET UTF-8 SUBJECT {5}\r\ncaf\xc3\xa9"), " 2");
    EXPECT_EQ(search("SUBJECT {5}\r\nCAF\xc3\x89"), " 2");
}

TEST_F(ImapSearch, Rfc3501BodyIsTheTextAndTextIsHeaderAndBody) {
    EXPECT_EQ(search("BODY soup"), " 1 3");
    EXPECT_EQ(search("BODY lunch"), "");
    EXPECT_EQ(search("TEXT lunch"), " 1");
    EXPECT_EQ(search("TEXT \"\""), " 1 2 3 4");
    EXPECT_EQ(search("CHARSET UTF-8 BODY {7}\r\ngr\xc3\xbc\xc3\x9f"
                     "e"),
              " 4");
}

TEST_F(ImapSearch, Rfc3501KeysAreAndedUnlessOr) {
    EXPECT_EQ(search("FROM fred SEEN"), " 1 3");
    EXPECT_EQ(search("FROM fred UNDELETED"), " 1");
    EXPECT_EQ(search("OR FLAGGED DELETED"), " 2 3");
    EXPECT_EQ(search("NOT (OR FLAGGED DELETED)"), " 1 4");
    EXPECT_EQ(search("OR (SEEN FROM fred SUBJECT lunch) (UNSEEN BODY salad)"), " 1 2");
    EXPECT_EQ(search("NOT NOT SEEN"), " 1 3");
    EXPECT_EQ(search("(((1:2))) (SEEN)"), " 1");
}

TEST_F(ImapSearch, Rfc3501Sets) {
    EXPECT_EQ(search("2:3"), " 2 3");
    EXPECT_EQ(search("*"), " 4");
    EXPECT_EQ(search("4,1 NOT 4"), " 1");
    EXPECT_EQ(search("UID 3:*"), " 3 4");
    EXPECT_EQ(search("OR UID 1 4"), " 1 4");
    EXPECT_EQ(search("UID 50"), "");
    EXPECT_EQ(search("UID 50:*"), " 4");
    EXPECT_EQ(client_("SEARCH 5"), crlf("a BAD The message set goes beyond the mailbox\n"));
    EXPECT_EQ(client_("SEARCH NOT 9:*"), crlf("a BAD The message set goes beyond the mailbox\n"));
}

TEST_F(ImapSearch, Rfc3501UidSearchReturnsUids) {
    client_("STORE 1 +FLAGS.SILENT (\\Deleted)");
    client_("EXPUNGE");
    EXPECT_EQ(client_("UID SEARCH ALL"), crlf("* SEARCH 2 4\na OK UID SEARCH completed\n"));
    EXPECT_EQ(client_("UID SEARCH 1"), crlf("* SEARCH 2\na OK UID SEARCH completed\n"));
    EXPECT_EQ(search("ALL"), " 1 2");
}

TEST_F(ImapSearch, CheapKeysAreAskedFirst) {
    const auto calls = mail_.account().calls();
    EXPECT_EQ(search("TEXT soup HEADER X y FROM fred 2 DELETED"), "");
    EXPECT_EQ(mail_.account().calls(), calls);
    EXPECT_EQ(search("OR TEXT soup ALL"), " 1 2 3 4");
    EXPECT_EQ(mail_.account().calls(), calls);
}

TEST_F(ImapSearch, SearchingSetsNoFlags) {
    search("TEXT soup");
    EXPECT_EQ(search("UNSEEN"), " 2 4");
}

TEST_F(ImapSearch, ADamagedMessageIsNotPassedOverInSilence) {
    mail_.account().fail(store::errc::damaged);
    EXPECT_EQ(client_("SEARCH BODY soup"),
              crlf("* SEARCH 3\na NO [CORRUPTION] Some of the mail is damaged\n"));
}

TEST(ImapSearchEmpty, EverySetFindsNothing) {
    Mail mail;
    Client client(mail);
    client("SELECT INBOX");
    EXPECT_EQ(client("SEARCH ALL"), crlf("* SEARCH\na OK SEARCH completed\n"));
    EXPECT_EQ(client("SEARCH 1:*"), crlf("* SEARCH\na OK SEARCH completed\n"));
    EXPECT_EQ(client("UID SEARCH UID 1:*"), crlf("* SEARCH\na OK UID SEARCH completed\n"));
}

TEST(ImapSearchSlices, LongSearchesLetOthersIn) {
    Mail mail;
    mail.fill(50);
    Client client(mail, {.search_messages = 10});
    client("SELECT INBOX");
    EXPECT_TRUE(client("SEARCH BODY text").starts_with("* SEARCH 1 2 3 "));
    EXPECT_GE(client.pieces(), 5U);
    EXPECT_TRUE(client("SEARCH UNSEEN").starts_with("* SEARCH 1 2 3 "));
    EXPECT_EQ(client.pieces(), 1U);
    EXPECT_TRUE(client("SEARCH UNSEEN BODY nothing").starts_with("* SEARCH\r\n"));
    EXPECT_GE(client.pieces(), 5U);
}

TEST(ImapSearchSlices, LongResultsComeInBoundedPieces) {
    Mail mail;
    mail.fill(300);
    Client client(mail, {.piece_bytes = 100});
    client("SELECT INBOX");
    const auto text = client("SEARCH ALL");
    EXPECT_GT(client.pieces(), 9U);
    EXPECT_LT(client.largest_piece(), 150U);
    EXPECT_TRUE(text.ends_with(" 299 300\r\na OK SEARCH completed\r\n"));
}

TEST(ImapEnvelopeDate, EveryFormOfTheFirstStringIsRead) {
    const auto day = message::parse_imap_date("1-May-2020");
    EXPECT_EQ(sent_day("(\"1 May 2020 10:00:00 +0000\" NIL)"), day);
    EXPECT_EQ(sent_day("({26}\r\n1 May 2020 10:00:00 +0000\xff NIL)"), day);
    EXPECT_EQ(sent_day("(\"1 May 2020 10:00:00 +0000 (\\\"x\\\")\" NIL)"), day);
    for (const char* none : {"", "(", "(NIL NIL)", "(\"\" NIL)", "(\"1 May", "({9", "({99}\r\nx"}) {
        EXPECT_EQ(sent_day(none), std::nullopt) << none;
    }
}

}  // namespace
}  // namespace quorate::mail::imap
