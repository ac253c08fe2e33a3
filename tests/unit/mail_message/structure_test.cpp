#include "mail/message/structure.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"
#include "tree.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;
using testing::tree;

std::string mixed(std::string_view body) {
    return crlf("Content-Type: multipart/mixed; boundary=b\n\n" + std::string(body));
}

TEST(StructureRfc2045, WithoutContentTypeAMessageIsPlainText) {
    EXPECT_EQ(tree(crlf("Subject: x\n\nbody\n")), "text/plain{body\\n}");
    EXPECT_EQ(tree(""), "text/plain{}");
    EXPECT_EQ(tree("\r\n"), "text/plain{}");
    EXPECT_EQ(tree("Subject: no body"), "text/plain{}");
}

TEST(StructureRfc2045, ASyntacticallyInvalidContentTypeIsPlainText) {
    for (const auto* type : {"text", "", "/", "text/", "/plain", "foo bar/baz", "\"text\"/\"html\"",
                             "(only a comment)", ";charset=x"}) {
        const auto message = crlf("Content-Type: " + std::string(type) + "\n\nx");
        EXPECT_EQ(tree(message), "text/plain{x}") << type;
    }
}

TEST(StructureRfc2045, TypesAreCaseInsensitiveAndMayContainComments) {
    EXPECT_EQ(tree(crlf("CONTENT-TYPE: (a) Text (b)/ (c) HTML (d); charset=x\n\n")), "text/html{}");
}

TEST(StructureRfc2046, PartsAreBetweenDelimiters) {
    EXPECT_EQ(
        tree(mixed("preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nepi\n")),
        "multipart/mixed[text/plain{one} text/html{two\\n}]");
}

TEST(StructureRfc2046, TheLineEndBeforeADelimiterBelongsToIt) {
    const auto message = mixed("--b\n\n--b\n\n\n--b\n\nx\n\n--b--\n");
    const auto structure = parse_structure(message);
    ASSERT_EQ(structure.parts.size(), 4U);
    EXPECT_EQ(structure.parts[1].body().size(), 0U);
    EXPECT_EQ(structure.parts[2].body().size(), 0U);
    EXPECT_EQ(structure.parts[3].body().size(), 3U);
    EXPECT_EQ(structure.parts[3].lines, 1U);
}

TEST(StructureRfc2046, BareLineFeedsAreLineEndsToo) {
    const std::string message =
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo\n--b\r\n\r\nthree\r\n--b--\n";
    EXPECT_EQ(tree(message), "multipart/mixed[text/plain{one\\ntwo} text/plain{three}]");
    EXPECT_EQ(parse_structure(message).parts[1].lines, 1U);
}

TEST(StructureRfc2046, DelimitersStandAtTheBeginningOfALine) {
    EXPECT_EQ(tree(mixed("x--b\n --b\n--b\n\n-b\n- --b\nx --b\n--B\n--b--\n")),
              "multipart/mixed[text/plain{-b\\n- --b\\nx --b\\n--B}]");
}

TEST(StructureRfc2046, DelimitersMayBeFollowedByWhiteSpaceAndMore) {
    EXPECT_EQ(tree(mixed("--b \t\n\none\n--b garbage\n\ntwo\n--b--  \n--b\n\nno part\n")),
              "multipart/mixed[text/plain{one} text/plain{two}]");
}

TEST(StructureRfc2046, TheLongestOfSeveralMatchingBoundariesCounts) {
    EXPECT_EQ(tree(mixed("--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\ninner\n"
                         "--bb--\n--b\n\nouter\n--b--\n")),
              "multipart/mixed[multipart/mixed[text/plain{inner}] text/plain{outer}]");
    EXPECT_EQ(tree(crlf("Content-Type: multipart/mixed; boundary=bb\n\n--bb\n"
                        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ninner\n--b--\n"
                        "--bb\n\nouter\n--bb--\n")),
              "multipart/mixed[multipart/mixed[text/plain{inner}] text/plain{outer}]");
}

TEST(StructureRfc2046, ABoundaryThatEndsInDashesIsNoCloseDelimiter) {
    EXPECT_EQ(
        tree(crlf("Content-Type: multipart/mixed; boundary=\"b--\"\n\n--b--\n\nx\n--b----\n")),
        "multipart/mixed[text/plain{x}]");
}

TEST(StructureRfc2046, AnOuterDelimiterEndsEverythingInside) {
    EXPECT_EQ(tree(mixed("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n"
                         "Content-Type: message/rfc822\n\nSubject: x\n\nin\n--b\n\nout\n--b--\n")),
              "multipart/mixed[multipart/mixed[message/rfc822[text/plain{in}]] text/plain{out}]");
}

TEST(StructureRfc2046, WithoutCloseDelimiterTheLastPartEndsWithTheMessage) {
    EXPECT_EQ(tree(mixed("--b\n\none\n--b\n\ntwo\n")),
              "multipart/mixed[text/plain{one} text/plain{two\\n}]");
    EXPECT_EQ(tree(mixed("--b\n\none\n--b\n")), "multipart/mixed[text/plain{one} text/plain{}]");
    EXPECT_EQ(tree(mixed("--b\n\none\n--b")), "multipart/mixed[text/plain{one}]");
    EXPECT_EQ(tree(mixed("--b\n\none\n--b--")), "multipart/mixed[text/plain{one}]");
}

TEST(StructureRfc2046, AHeaderWithoutBlankLineEndsAtADelimiter) {
    EXPECT_EQ(tree(mixed("--b\nContent-Type: text/html\n--b\n\nx\n--b--\n")),
              "multipart/mixed[text/html{} text/plain{x}]");
    EXPECT_EQ(tree(mixed("--b\nContent-Type: message/rfc822\n--b\n\nx\n--b--\n")),
              "multipart/mixed[message/rfc822[text/plain{}] text/plain{x}]");
}

TEST(StructureRfc2046, PartsOfADigestAreMessagesByDefault) {
    EXPECT_EQ(
        tree(crlf("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\none\n"
                  "--b\nContent-Type: text/plain\n\ntwo\n--b\nContent-Type: junk\n\n3\n--b--\n")),
        "multipart/digest[message/rfc822[text/plain{one}] text/plain{two} text/plain{3}]");
}

TEST(StructureRfc2046, AMessageMayBeAMessageMayBeAMessage) {
    EXPECT_EQ(tree(crlf("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n"
                        "Content-Type: text/html\n\nx")),
              "message/rfc822[message/rfc822[text/html{x}]]");
    EXPECT_EQ(tree("Content-Type: message/rfc822"), "message/rfc822[text/plain{}]");
}

TEST(StructureRfc2046, OtherMessageTypesAreLeaves) {
    EXPECT_EQ(tree(crlf("Content-Type: message/delivery-status\n\nA: b\n\nC: d")),
              "message/delivery-status{A: b\\n\\nC: d}");
}

TEST(Structure, AMultipartWithoutBoundaryOrPartsHasNoParts) {
    EXPECT_EQ(tree(crlf("Content-Type: multipart/mixed\n\n--\n\nx\n")), "multipart/mixed[]");
    EXPECT_EQ(tree(crlf("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n")),
              "multipart/mixed[]");
    EXPECT_EQ(tree(mixed("x\n")), "multipart/mixed[]");
    EXPECT_EQ(tree(mixed("")), "multipart/mixed[]");
}

TEST(Structure, ALineOfWhiteSpaceDoesNotEndTheHeader) {
    EXPECT_EQ(tree(crlf("Subject: a\n \t\nContent-Type: text/html\n\nx")), "text/html{x}");
}

TEST(Structure, TheFirstOfRepeatedFieldsCounts) {
    EXPECT_EQ(tree(crlf("Content-Type: text/html\nContent-Type: image/png\n\nx")), "text/html{x}");
}

TEST(Structure, CharsetAndTransferEncodingAreKept) {
    const auto structure =
        parse_structure(crlf("Content-Type: text/plain; CHARSET=\"KOI8-R\"\n"
                             "Content-Transfer-Encoding: (c) Quoted-Printable (d)\n\nx"));
    EXPECT_EQ(structure.parts[0].charset, "KOI8-R");
    EXPECT_EQ(structure.parts[0].encoding, TransferEncoding::kQuotedPrintable);
    const auto extended =
        parse_structure(crlf("Content-Type: text/plain; charset*=us-ascii'en'utf%2D8\n"
                             "Content-Transfer-Encoding: x-own\n\nx"));
    EXPECT_EQ(extended.parts[0].charset, "utf-8");
    EXPECT_EQ(extended.parts[0].encoding, TransferEncoding::kOther);
}

TEST(StructureRfc2231, ABoundaryMayBeContinued) {
    EXPECT_EQ(tree(crlf("Content-Type: multipart/mixed; boundary*1=cd; boundary*0=ab\n\n"
                        "--abcd\n\nx\n--abcd--\n")),
              "multipart/mixed[text/plain{x}]");
}

TEST(StructureLimits, BeyondTheDepthAContainerIsOpaque) {
    const auto message = mixed(
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n"
        "Content-Type: multipart/mixed; boundary=d\n\n--d\n\nx\n--d--\n--c--\n--b\n\ny\n--b--\n");
    Limits limits;
    limits.depth = 3;
    EXPECT_EQ(tree(message, limits),
              "multipart/mixed[multipart/mixed[application/octet-stream{--d\\n\\nx\\n--d--}] "
              "text/plain{y}]");
    limits.depth = 1;
    EXPECT_EQ(parse_structure(message, limits).parts.size(), 1U);
    EXPECT_EQ(parse_structure(crlf("Content-Type: message/rfc822\n\nx"), limits).parts[0].subtype,
              "octet-stream");
}

TEST(StructureLimits, BeyondTheNumberOfPartsTheRestIsOnePart) {
    Limits limits;
    limits.parts = 3;
    EXPECT_EQ(tree(mixed("--b\n\n1\n--b\n\n2\n--b\n\n3\n--b--\n"), limits),
              "multipart/mixed[text/plain{1} text/plain{2\\n--b\\n\\n3\\n--b--\\n}]");
    EXPECT_EQ(tree(mixed("--b\n\n1\n--b\nContent-Type: message/rfc822\n\nx\n--b--\n"), limits),
              "multipart/mixed[text/plain{1} application/octet-stream{x}]");
}

TEST(StructureLimits, OnlyTheBeginningOfALongHeaderIsRead) {
    Limits limits;
    limits.header_bytes = 100;
    const auto message = crlf("X: " + std::string(200, 'x') + "\nContent-Type: text/html\n\nbody");
    EXPECT_EQ(tree(message, limits), "text/plain{body}");
    EXPECT_EQ(tree(message), "text/html{body}");
}

TEST(StructureLimits, TenThousandLevelsCostNoMoreThanAHundred) {
    std::string message;
    for (int i = 0; i < 10'000; ++i) {
        message += "Content-Type: message/rfc822\r\n\r\n";
    }
    EXPECT_EQ(parse_structure(message).parts.size(), 100U);
}

}  // namespace
}  // namespace quorate::mail::message
