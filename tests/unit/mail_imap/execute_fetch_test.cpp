// FETCH and UID FETCH: RFC 3501 6.4.5, 6.4.8, 7.4.2.

#include <gtest/gtest.h>

#include "execute_fixture.hpp"

namespace quorate::mail::imap {
namespace {

// 1 text/plain, 2 message/rfc822 (2.1 text/plain, 2.2 image/png), 3 text/html
const std::string kNested = crlf(
    "From: Ann <ann@example.test>\n"
    "Subject: nested\n"
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\n"
    "Content-Type: multipart/mixed; boundary=A\n"
    "\n"
    "--A\n"
    "Content-Type: text/plain\n"
    "\n"
    "one\n"
    "--A\n"
    "Content-Type: message/rfc822\n"
    "\n"
    "Subject: inner\n"
    "Content-Type: multipart/mixed; boundary=B\n"
    "\n"
    "--B\n"
    "\n"
    "two one\n"
    "--B\n"
    "Content-Type: image/png\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "aGk=\n"
    "--B--\n"
    "--A\n"
    "Content-Type: text/html\n"
    "\n"
    "<p>three\n"
    "--A--\n");

std::string literal(std::string_view octets) {
    return "{" + std::to_string(octets.size()) + "}\r\n" + std::string(octets);
}

class ImapFetch : public ::testing::Test {
protected:
    ImapFetch() : client_(mail_) {
        mail_.deliver(kNested);
        client_("EXAMINE INBOX");
    }
    // What FETCH 1 returns for one item, without the frame.
    std::string item(std::string_view what) {
        const auto text = client_("FETCH 1 (" + std::string(what) + ")");
        const std::string begin = "* 1 FETCH (";
        const std::string end = ")\r\na OK FETCH completed\r\n";
        if (!text.starts_with(begin) || !text.ends_with(end)) {
            return text;
        }
        return text.substr(begin.size(), text.size() - begin.size() - end.size());
    }

    Mail mail_;
    Client client_;
};

TEST_F(ImapFetch, Rfc3501ItemsComeInTheOrderInWhichTheyWereAsked) {
    EXPECT_EQ(item("UID RFC822.SIZE FLAGS INTERNALDATE"),
              "UID 1 RFC822.SIZE " + std::to_string(kNested.size()) +
                  " FLAGS (\\Recent) INTERNALDATE \" 9-Sep-2001 03:46:40 +0200\"");
}

TEST_F(ImapFetch, Rfc3501EnvelopeAndBodystructureAreThoseOfTheMessage) {
    const auto summary = message::summarize(kNested);
    EXPECT_EQ(item("ENVELOPE"), "ENVELOPE " + summary.envelope);
    EXPECT_EQ(item("BODY"), "BODY " + summary.body);
    EXPECT_EQ(item("BODYSTRUCTURE"), "BODYSTRUCTURE " + summary.bodystructure);
    EXPECT_EQ(item("BODY ENVELOPE UID BODYSTRUCTURE"),
              "BODY " + summary.body + " ENVELOPE " + summary.envelope + " UID 1 BODYSTRUCTURE " +
                  summary.bodystructure);
}

TEST_F(ImapFetch, Rfc3501BodyIsTheWholeMessage) {
    EXPECT_EQ(item("BODY.PEEK[]"), "BODY[] " + literal(kNested));
    EXPECT_EQ(item("RFC822"), "RFC822 " + literal(kNested));
}

TEST_F(ImapFetch, Rfc3501HeaderIncludesTheBlankLineAndTextIsTheRest) {
    const auto end = kNested.find("\r\n\r\n") + 4;
    const auto header = kNested.substr(0, end);
    const auto text = kNested.substr(end);
    EXPECT_EQ(item("BODY.PEEK[HEADER]"), "BODY[HEADER] " + literal(header));
    EXPECT_EQ(item("RFC822.HEADER"), "RFC822.HEADER " + literal(header));
    EXPECT_EQ(item("BODY.PEEK[TEXT]"), "BODY[TEXT] " + literal(text));
    EXPECT_EQ(item("RFC822.TEXT"), "RFC822.TEXT " + literal(text));
}

TEST_F(ImapFetch, Rfc3501PartsAreNumberedFromOne) {
    EXPECT_EQ(item("BODY.PEEK[1]"), "BODY[1] " + literal("one"));
    EXPECT_EQ(item("BODY.PEEK[2.1]"), "BODY[2.1] " + literal("two one"));
    EXPECT_EQ(item("BODY.PEEK[2.2]"), "BODY[2.2] " + literal("aGk="));
    EXPECT_EQ(item("BODY.PEEK[3]"), "BODY[3] " + literal("<p>three"));
}

TEST_F(ImapFetch, Rfc3501HeaderAndTextOfAnEncapsulatedMessage) {
    EXPECT_EQ(item("BODY.PEEK[2.HEADER]"),
              "BODY[2.HEADER] " +
                  literal(crlf("Subject: inner\nContent-Type: multipart/mixed; boundary=B\n\n")));
    EXPECT_TRUE(item("BODY.PEEK[2.TEXT]").starts_with("BODY[2.TEXT] {"));
    EXPECT_EQ(item("BODY.PEEK[2.HEADER.FIELDS (SUBJECT)]"),
              "BODY[2.HEADER.FIELDS (SUBJECT)] " + literal(crlf("Subject: inner\n\n")));
}

TEST_F(ImapFetch, Rfc3501MimeIsTheHeaderOfAPart) {
    EXPECT_EQ(item("BODY.PEEK[2.2.MIME]"),
              "BODY[2.2.MIME] " +
                  literal(crlf("Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n")));
    EXPECT_EQ(item("BODY.PEEK[2.1.MIME]"), "BODY[2.1.MIME] " + literal(crlf("\n")));
}

TEST_F(ImapFetch, Rfc3501HeaderFieldsAreSelectedWithTheBlankLine) {
    EXPECT_EQ(item("BODY.PEEK[HEADER.FIELDS (subject X-None FROM)]"),
              "BODY[HEADER.FIELDS (subject X-None FROM)] " +
                  literal(crlf("From: Ann <ann@example.test>\nSubject: nested\n\n")));
    EXPECT_EQ(item("BODY.PEEK[HEADER.FIELDS (X-None)]"),
              "BODY[HEADER.FIELDS (X-None)] " + literal(crlf("\n")));
    EXPECT_EQ(item("BODY.PEEK[HEADER.FIELDS.NOT (date content-type)]"),
              "BODY[HEADER.FIELDS.NOT (date content-type)] " +
                  literal(crlf("From: Ann <ann@example.test>\nSubject: nested\n\n")));
}

TEST_F(ImapFetch, Rfc3501APartThatIsNotThereIsNil) {
    EXPECT_EQ(item("BODY.PEEK[4]"), "BODY[4] NIL");
    EXPECT_EQ(item("BODY.PEEK[1.1]"), "BODY[1.1] NIL");
    EXPECT_EQ(item("BODY.PEEK[1.HEADER]"), "BODY[1.HEADER] NIL");
    EXPECT_EQ(item("BODY.PEEK[9.MIME]"), "BODY[9.MIME] NIL");
}

TEST_F(ImapFetch, Rfc3501PartialsAreCutAtTheEnd) {
    EXPECT_EQ(item("BODY.PEEK[1]<0.2>"), "BODY[1]<0> " + literal("on"));
    EXPECT_EQ(item("BODY.PEEK[1]<1.2000>"), "BODY[1]<1> " + literal("ne"));
    EXPECT_EQ(item("BODY.PEEK[1]<3.1>"), "BODY[1]<3> " + literal(""));
    EXPECT_EQ(item("BODY.PEEK[1]<4294967295.4294967295>"), "BODY[1]<4294967295> " + literal(""));
    EXPECT_EQ(item("BODY.PEEK[HEADER.FIELDS (SUBJECT)]<9.6>"),
              "BODY[HEADER.FIELDS (SUBJECT)]<9> " + literal("nested"));
    EXPECT_EQ(item("BODY.PEEK[]<10.20>"), "BODY[]<10> " + literal(kNested.substr(10, 20)));
}

TEST_F(ImapFetch, SeveralSectionsComeInOneResponse) {
    EXPECT_EQ(
        item("BODY.PEEK[1] UID BODY.PEEK[3] BODY.PEEK[7]"),
        "BODY[1] " + literal("one") + " UID 1 BODY[3] " + literal("<p>three") + " BODY[7] NIL");
}

TEST(ImapFetchSections, AnEmptyMessageHasEmptySections) {
    Mail mail;
    mail.deliver("");
    Client client(mail);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("FETCH 1 (BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1])"),
              crlf("* 1 FETCH (BODY[] {0}\n BODY[HEADER] {0}\n BODY[TEXT] {0}\n BODY[1] {0}\n)\n"
                   "a OK FETCH completed\n"));
}

TEST(ImapFetchSections, Rfc3501NulIsNeverSent) {
    Mail mail;
    mail.deliver(crlf("Subject: nul\n\na") + std::string("\0b", 2));
    Client client(mail);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("FETCH 1 BODY.PEEK[TEXT]"),
              "* 1 FETCH (BODY[TEXT] {3}\r\na\x80"
              "b)\r\na OK FETCH completed\r\n");
}

TEST(ImapFetchSeen, Rfc3501BodySetsSeenAndTellsTheNewFlags) {
    Mail mail;
    mail.deliver(crlf("Subject: x\n\nbody\n"));
    Client client(mail);
    client("SELECT INBOX");
    EXPECT_EQ(client("FETCH 1 BODY.PEEK[TEXT]"),
              crlf("* 1 FETCH (BODY[TEXT] {6}\nbody\n)\na OK FETCH completed\n"));
    EXPECT_EQ(client("FETCH 1 RFC822.HEADER"),
              crlf("* 1 FETCH (RFC822.HEADER {14}\nSubject: x\n\n)\na OK FETCH completed\n"));
    EXPECT_EQ(client("FETCH 1 BODY[TEXT]"),
              crlf("* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {6}\nbody\n)\n"
                   "a OK FETCH completed\n"));
    EXPECT_EQ(client("FETCH 1 BODY[TEXT]"),
              crlf("* 1 FETCH (BODY[TEXT] {6}\nbody\n)\na OK FETCH completed\n"));
}

TEST(ImapFetchSeen, Rfc3501AskedFlagsAreThoseAfterSeenWasSet) {
    for (const char* item : {"RFC822", "RFC822.TEXT", "BODY[1]"}) {
        Mail mail;
        mail.deliver(crlf("Subject: x\n\nbody\n"));
        Client client(mail);
        client("SELECT INBOX");
        const auto text = client("FETCH 1 (FLAGS " + std::string(item) + ")");
        EXPECT_TRUE(text.starts_with("* 1 FETCH (FLAGS (\\Seen \\Recent) ")) << text;
    }
}

TEST(ImapFetchSeen, AnotherSessionHearsOfIt) {
    Mail mail;
    mail.fill(2);
    Client reader(mail);
    Client watcher(mail);
    reader("SELECT INBOX");
    watcher("SELECT INBOX");
    reader("FETCH 2 BODY[]");
    EXPECT_EQ(watcher("NOOP"), crlf("* 2 FETCH (FLAGS (\\Seen))\na OK NOOP completed\n"));
    EXPECT_EQ(reader("NOOP"), crlf("a OK NOOP completed\n"));
}

class ImapFetchSets : public ::testing::Test {
protected:
    ImapFetchSets() : client_(mail_) {
        mail_.fill(6);
        client_("SELECT INBOX");
        client_("STORE 2,5 FLAGS.SILENT (\\Deleted)");
        client_("EXPUNGE");  // uids 1 3 4 6
    }
    std::string uids(std::string_view command) {
        const auto text = client_(command);
        std::string found;
        for (auto at = text.find("(UID "); at != std::string::npos;
             at = text.find("(UID ", at + 1)) {
            found += text.substr(at + 5, text.find(')', at) - at - 5) + " ";
        }
        return found + (client_.executed().ok ? "" : text);
    }

    Mail mail_;
    Client client_;
};

TEST_F(ImapFetchSets, Rfc3501RangesStarsAndReversedRanges) {
    EXPECT_EQ(uids("FETCH 1:* UID"), "1 3 4 6 ");
    EXPECT_EQ(uids("FETCH * UID"), "6 ");
    EXPECT_EQ(uids("FETCH 3:2 UID"), "3 4 ");
    EXPECT_EQ(uids("FETCH *:3 UID"), "4 6 ");
    EXPECT_EQ(uids("FETCH 4,1,2:3,2 UID"), "1 3 4 6 ");
}

TEST_F(ImapFetchSets, Rfc3501UidRangesContainAlwaysTheLastForAStar) {
    EXPECT_EQ(uids("UID FETCH 1:* UID"), "1 3 4 6 ");
    EXPECT_EQ(uids("UID FETCH 100:* UID"), "6 ");
    EXPECT_EQ(uids("UID FETCH 2:5 UID"), "3 4 ");
    EXPECT_EQ(uids("UID FETCH 5,2 UID"), "");
    EXPECT_EQ(uids("UID FETCH 4294967295 UID"), "");
    EXPECT_EQ(uids("UID FETCH 4294967295:4 UID"), "4 6 ");
    EXPECT_EQ(uids("UID FETCH 3,1,4:3 UID"), "1 3 4 ");
}

TEST_F(ImapFetchSets, Rfc3501NumbersBeyondTheMailboxAreBad) {
    const auto bad = crlf("a BAD The message set goes beyond the mailbox\n");
    EXPECT_EQ(client_("FETCH 5 UID"), bad);
    EXPECT_EQ(client_("FETCH 1:5 UID"), bad);
    EXPECT_EQ(client_("FETCH 9:* UID"), bad);
}

TEST(ImapFetchEmpty, Rfc3501AStarOfAnEmptyMailboxIsBadButNotAUidStar) {
    Mail mail;
    Client client(mail);
    client("SELECT INBOX");
    EXPECT_EQ(client("FETCH * FLAGS"), crlf("a BAD The message set goes beyond the mailbox\n"));
    EXPECT_EQ(client("FETCH 1:* FLAGS"), crlf("a BAD The message set goes beyond the mailbox\n"));
    EXPECT_EQ(client("UID FETCH 1:* FLAGS"), crlf("a OK UID FETCH completed\n"));
}

TEST(ImapFetchRfc3501, AUidFetchAlwaysReturnsTheUid) {
    Mail mail;
    mail.fill(1);
    Client client(mail);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("UID FETCH 1 FLAGS"),
              crlf("* 1 FETCH (UID 1 FLAGS (\\Recent))\na OK UID FETCH completed\n"));
    EXPECT_EQ(client("UID FETCH 1 (FLAGS UID)"),
              crlf("* 1 FETCH (FLAGS (\\Recent) UID 1)\na OK UID FETCH completed\n"));
    EXPECT_EQ(client("UID FETCH 1 (UID FLAGS)"),
              crlf("* 1 FETCH (UID 1 FLAGS (\\Recent))\na OK UID FETCH completed\n"));
}

// ---- pieces

std::string large_message(std::size_t size) {
    auto message = crlf("Subject: large\n\n");
    for (std::size_t line = 0; message.size() < size; ++line) {
        message += "line " + std::to_string(line) + "\r\n";
    }
    message.resize(size);
    return message;
}

TEST(ImapFetchPieces, ALargeBodyComesInBoundedPieces) {
    Mail mail;
    const auto message = large_message(1'000'000);
    mail.deliver(message);
    Client client(mail);
    client("EXAMINE INBOX");
    EXPECT_EQ(client("FETCH 1 (BODY.PEEK[] UID)"),
              "* 1 FETCH (BODY[] " + literal(message) + " UID 1)\r\na OK FETCH completed\r\n");
    EXPECT_GT(client.pieces(), 7U);
    EXPECT_LT(client.largest_piece(), 140U * 1024);
    EXPECT_EQ(client("FETCH 1 BODY.PEEK[]<500000.100000>"),
              "* 1 FETCH (BODY[]<500000> " + literal(message.substr(500'000, 100'000)) +
                  ")\r\na OK FETCH completed\r\n");
    EXPECT_EQ(client("FETCH 1 (BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT)])"),
              "* 1 FETCH (BODY[TEXT] " + literal(message.substr(18)) +
                  " BODY[HEADER.FIELDS (SUBJECT)] " + literal(crlf("Subject: large\n\n")) +
                  ")\r\na OK FETCH completed\r\n");
}

TEST(ImapFetchPieces, EverySizeOfPiecesGivesTheSameOctets) {
    Mail mail;
    mail.deliver(kNested);
    mail.deliver(large_message(200'000));
    mail.fill(20);
    for (const char* items :
         {"FLAGS", "ENVELOPE", "(UID BODYSTRUCTURE)", "(ENVELOPE BODY UID)",
          "(BODY.PEEK[] UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[9])"}) {
        const auto command = "FETCH 1:* " + std::string(items);
        Client whole(mail, {.piece_bytes = 64U << 20});
        whole("EXAMINE INBOX");
        const auto expected = whole(command);
        EXPECT_EQ(whole.pieces(), 1U);
        for (const std::size_t size : {1U, 7U, 100U, 4096U, 65536U}) {
            Client client(mail, {.piece_bytes = size});
            client("EXAMINE INBOX");
            EXPECT_EQ(client(command), expected) << size << " " << items;
        }
    }
}

TEST(ImapFetchPieces, SeenIsSetForWhatIsSoonSentNotForTheWholeSet) {
    Mail mail;
    for (int i = 0; i < 100; ++i) {
        mail.deliver(large_message(1000));
    }
    Client client(mail, {.piece_bytes = 4096});
    client("SELECT INBOX");
    Command command;
    command.tag = "a";
    command.name = "FETCH";
    FetchItem item;
    item.kind = FetchItem::Kind::kSection;
    item.section.label = "BODY[]";
    command.what = Fetch{{false, {{1, kStar}}}, {item}};
    const auto first = client.begin(command);
    ASSERT_TRUE(first.has_value());
    EXPECT_FALSE(first->done);
    const auto info = mail.account().mailbox("INBOX");
    ASSERT_TRUE(info.has_value());
    EXPECT_GE(info->unseen, 90U);
    EXPECT_LT(info->unseen, 100U);
    for (auto piece = client.next(); !piece.done; piece = client.next()) {
    }
    EXPECT_EQ(mail.account().mailbox("INBOX")->unseen, 0U);
}

}  // namespace
}  // namespace quorate::mail::imap
