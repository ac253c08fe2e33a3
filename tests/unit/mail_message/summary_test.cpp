#include "mail/message/summary.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;

std::string envelope(std::string_view header) { return summarize(crlf(header) + "\r\n").envelope; }

std::string bodystructure(std::string_view message) {
    return summarize(crlf(message)).bodystructure;
}

// With NUL octets, which a string literal would end at.
std::string operator""_bytes(const char* text, std::size_t size) { return {text, size}; }

TEST(EnvelopeRfc3501, TheExampleOfSection8) {
    EXPECT_EQ(envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
                       "From: Terry Gray <gray@cac.washington.test>\n"
                       "Subject: IMAP4rev1 WG mtg summary and minutes\n"
                       "To: imap@cac.washington.test\n"
                       "cc: minutes@CNRI.Reston.VA.test, John Klensin <KLENSIN@MIT.test>\n"
                       "Message-Id: <B27397-0100000@cac.washington.test>\n"),
              "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
              "\"IMAP4rev1 WG mtg summary and minutes\" "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.test\")) "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.test\")) "
              "((\"Terry Gray\" NIL \"gray\" \"cac.washington.test\")) "
              "((NIL NIL \"imap\" \"cac.washington.test\")) "
              "((NIL NIL \"minutes\" \"CNRI.Reston.VA.test\")"
              "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.test\")) NIL NIL "
              "\"<B27397-0100000@cac.washington.test>\")");
}

TEST(EnvelopeRfc3501, AbsentFieldsAreNilAndEmptyOnesEmpty) {
    EXPECT_EQ(envelope(""), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    EXPECT_EQ(envelope("Subject:\nMessage-ID: \nDate:\n\t\nTo:\n"),
              "(\"\" \"\" NIL NIL NIL NIL NIL NIL NIL \"\")");
}

TEST(EnvelopeRfc3501, SenderAndReplyToDefaultToFrom) {
    EXPECT_EQ(envelope("From: a@b\nSender:\nReply-To: c@d\n"),
              "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
              "NIL NIL NIL NIL NIL)");
}

TEST(EnvelopeRfc3501, GroupsAndRoutesHaveTheirForms) {
    EXPECT_EQ(envelope("To: g: a@b, <@r:c@d>;\n"),
              "(NIL NIL NIL NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
              "(NIL \"@r\" \"c\" \"d\")(NIL NIL NIL NIL)) NIL NIL NIL NIL)");
}

TEST(EnvelopeRfc3501, AMailboxAlwaysHasAHost) {
    EXPECT_EQ(envelope("To: root, Just A Name\n"),
              "(NIL NIL NIL NIL NIL ((NIL NIL \"root\" \"MISSING_DOMAIN\")"
              "(\"Just A Name\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\")) NIL NIL NIL NIL)");
}

TEST(EnvelopeRfc3501, RepeatedAddressFieldsAddUpAndOfOthersTheLastCounts) {
    EXPECT_EQ(
        envelope("Subject: 1\nTo: a@b\nSubject: 2\nTo: c@d\n"),
        "(NIL \"2\" NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)");
}

TEST(EnvelopeRfc3501, StringsAreQuotedOrLiterals) {
    EXPECT_EQ(envelope("Subject: a \"quoted\" \\ text\n"),
              "(NIL \"a \\\"quoted\\\" \\\\ text\" NIL NIL NIL NIL NIL NIL NIL NIL)");
    EXPECT_EQ(envelope("Subject: gr\xc3\xbc\xc3\x9f\n"),
              "(NIL {6}\r\ngr\xc3\xbc\xc3\x9f NIL NIL NIL NIL NIL NIL NIL NIL)");
    EXPECT_EQ(envelope("Subject: a\0b\n"_bytes),
              "(NIL {5}\r\na\xef\xbf\xbd"
              "b NIL NIL NIL NIL NIL NIL NIL NIL)");
    EXPECT_EQ(summarize("Subject: a\rb\r\n\r\n").envelope,
              "(NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL)");
    EXPECT_EQ(envelope("Subject: folded\n\tsubject\n"),
              "(NIL \"folded\tsubject\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

TEST(EnvelopeRfc3501, EncodedWordsStayEncoded) {
    EXPECT_EQ(envelope("Subject: =?utf-8?q?=C3=A9?=\n"),
              "(NIL \"=?utf-8?q?=C3=A9?=\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

TEST(BodyRfc3501, TextHasLines) {
    const auto summary = summarize(crlf(
        "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\nContent-Transfer-Encoding: 7BIT\n\na\nb\n"));
    EXPECT_EQ(summary.body, "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 6 2)");
    EXPECT_EQ(
        summary.bodystructure,
        "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 6 2 NIL NIL NIL NIL)");
}

TEST(BodyRfc3501, DefaultsAreSpelledOut) {
    EXPECT_EQ(
        bodystructure("\nx"),
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)");
    EXPECT_EQ(
        bodystructure("Content-Type: text/html; format=flowed\n\nx"),
        "(\"text\" \"html\" (\"format\" \"flowed\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 "
        "0 NIL NIL NIL NIL)");
    EXPECT_EQ(bodystructure("Content-Type: image/png\n\nx"),
              "(\"image\" \"png\" NIL NIL NIL \"7bit\" 1 NIL NIL NIL NIL)");
}

TEST(BodyRfc3501, ExtensionDataOfAPart) {
    EXPECT_EQ(
        bodystructure("Content-Type: image/png; name=\"a b\"\nContent-ID: <1@x>\n"
                      "Content-Description: a \"thing\"\nContent-Transfer-Encoding: BASE64\n"
                      "Content-MD5: abc==\nContent-Disposition: ATTACHMENT; filename=x; size=1\n"
                      "Content-Language: en (c), \"de\"\nContent-Location: http://x/\n y\n\nAAAA"),
        "(\"image\" \"png\" (\"name\" \"a b\") \"<1@x>\" \"a \\\"thing\\\"\" \"BASE64\" 4 "
        "\"abc==\" (\"ATTACHMENT\" (\"filename\" \"x\" \"size\" \"1\")) (\"en\" \"de\") "
        "\"http://x/ y\")");
    EXPECT_EQ(bodystructure("Content-Type: x/y\nContent-Disposition:\nContent-Language:\n\n"),
              "(\"x\" \"y\" NIL NIL NIL \"7bit\" 0 NIL NIL NIL NIL)");
}

TEST(BodyRfc3501, MultipartsAndMessagesNest) {
    const auto summary = summarize(
        crlf("Content-Type: multipart/mixed; boundary=b\nContent-Disposition: inline\n\n"
             "--b\n\none\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\ntwo\n\n--b--\n"));
    EXPECT_EQ(summary.body,
              "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)"
              "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 "
              "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
              "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1) 3) \"mixed\")");
    EXPECT_EQ(
        summary.bodystructure,
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 "
        "(NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL) 3 "
        "NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") (\"inline\" NIL) NIL NIL)");
}

TEST(BodyRfc3501, AMultipartWithoutPartsShowsAnEmptyOne) {
    const auto summary = summarize(crlf("Content-Type: multipart/mixed; boundary=b\n\nx\n"));
    EXPECT_EQ(summary.body,
              "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")");
    EXPECT_EQ(
        summary.bodystructure,
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL) "
        "\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)");
}

TEST(BodyRfc2231, ContinuationsAreJoinedAndStayEncoded) {
    EXPECT_EQ(
        bodystructure("Content-Type: x/y; n*0*=utf-8'en'a%20b; n*1=\"c d\"; m*1=2; m*0=1; k=v\n\n"),
        "(\"x\" \"y\" (\"k\" \"v\" \"m\" \"12\" \"n*\" \"utf-8'en'a%20bc%20d\") NIL NIL "
        "\"7bit\" 0 NIL NIL NIL NIL)");
    EXPECT_EQ(
        bodystructure("Content-Type: x/y; n*0=a; n*2=c; o*=z\n\n"),
        "(\"x\" \"y\" (\"n*0\" \"a\" \"n*2\" \"c\" \"o*\" \"z\") NIL NIL \"7bit\" 0 NIL NIL NIL "
        "NIL)");
}

TEST(BodyRfc2045, ParametersAreReadLeniently) {
    EXPECT_EQ(
        bodystructure("Content-Type: x/y; ; a = 1 (c) ; junk; =2; b=\"\\\"\\\\\"; c=f(1).txt d=3; "
                      "e=\"unclosed\n\n"),
        "(\"x\" \"y\" (\"a\" \"1\" \"b\" \"\\\"\\\\\" \"c\" \"f(1).txt\" \"d\" \"3\" \"e\" "
        "\"unclosed\") NIL NIL \"7bit\" 0 NIL NIL NIL NIL)");
}

TEST(BodyRfc2045, TransferEncodings) {
    auto encoding = [](const std::string& value) {
        const auto text =
            bodystructure("Content-Type: x/y\nContent-Transfer-Encoding: " + value + "\n\n");
        const auto begin = text.find("NIL NIL NIL ") + 12;
        return text.substr(begin, text.find(" 0 ") - begin);
    };
    EXPECT_EQ(encoding("Base64"), "\"Base64\"");
    EXPECT_EQ(encoding("(c) 8bit (d)"), "\"8bit\"");
    EXPECT_EQ(encoding("\"binary\""), "\"binary\"");
    EXPECT_EQ(encoding("base64; x"), "\"base64\"");
    EXPECT_EQ(encoding("x-uuencode"), "\"x-uuencode\"");
    EXPECT_EQ(encoding("8 bit"), "\"7bit\"");
    EXPECT_EQ(encoding(""), "\"7bit\"");
}

TEST(SummaryLimits, BeyondTheBudgetPartsLoseTheirDetails) {
    const auto message = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: x/y; a=b\n\n"
        "--b\nContent-Type: message/rfc822\n\nSubject: s\n\nx\n--b--\n");
    Limits limits;
    limits.summary_bytes = 1;
    EXPECT_EQ(
        summarize(message, limits).body,
        "((\"x\" \"y\" NIL NIL NIL \"7bit\" 0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 "
        "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) 2) \"mixed\")");
}

TEST(Summary, SizeDateAndStructureComeAlong) {
    const auto message = crlf("Date: Fri, 21 Nov 1997 09:55:06 -0600\n\nbody\n");
    const auto summary = summarize(message);
    EXPECT_EQ(summary.size, message.size());
    ASSERT_TRUE(summary.sent);
    EXPECT_EQ(format_rfc5322_date(*summary.sent), "Fri, 21 Nov 1997 09:55:06 -0600");
    EXPECT_EQ(summary.structure, encode(parse_structure(message)));
    EXPECT_FALSE(summarize("Date: never\r\n\r\n").sent);
}

}  // namespace
}  // namespace quorate::mail::message
