// RFC 3501 6.4.5, section specifications. The structure of the example there.

#include <gtest/gtest.h>

#include "mail/message/structure.hpp"
#include "samples.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;
using Path = std::vector<std::uint32_t>;

// HEADER, 1 TEXT/PLAIN, 2 APPLICATION/OCTET-STREAM, 3 MESSAGE/RFC822 (3.1 TEXT/PLAIN, 3.2
// APPLICATION/OCTET-STREAM), 4 MULTIPART/MIXED (4.1 IMAGE/GIF, 4.2 MESSAGE/RFC822 (4.2.1
// TEXT/PLAIN, 4.2.2 MULTIPART/ALTERNATIVE (4.2.2.1 TEXT/PLAIN, 4.2.2.2 TEXT/RICHTEXT)))
const std::string& example() {
    static const std::string message = crlf(
        "Subject: example\nContent-Type: multipart/mixed; boundary=A\n\n"
        "--A\nContent-Type: text/plain\n\none\n"
        "--A\nContent-Type: application/octet-stream\n\ntwo\n"
        "--A\nContent-Type: message/rfc822\n\n"
        "Subject: three\nContent-Type: multipart/mixed; boundary=B\n\n"
        "--B\nContent-Type: text/plain\n\nthree.one\n"
        "--B\nContent-Type: application/octet-stream\n\nthree.two\n--B--\n"
        "--A\nContent-Type: multipart/mixed; boundary=C\n\n"
        "--C\nContent-Type: image/gif\n\nfour.one\n"
        "--C\nContent-Type: message/rfc822\n\n"
        "Subject: four.two\nContent-Type: multipart/mixed; boundary=D\n\n"
        "--D\nContent-Type: text/plain\n\nfour.two.one\n"
        "--D\nContent-Type: multipart/alternative; boundary=E\n\n"
        "--E\nContent-Type: text/plain\n\nfour.two.two.one\n"
        "--E\nContent-Type: text/richtext\n\nfour.two.two.two\n--E--\n--D--\n--C--\n--A--\n");
    return message;
}

std::string section(const std::string& message, const Path& path, Section kind) {
    const auto range = find_section(parse_structure(message), path, kind);
    return range ? message.substr(range->begin, range->size()) : "none";
}

TEST(SectionRfc3501, PartNumbersFollowTheExample) {
    EXPECT_EQ(section(example(), {1}, Section::kAll), "one");
    EXPECT_EQ(section(example(), {2}, Section::kAll), "two");
    EXPECT_EQ(section(example(), {3, 1}, Section::kAll), "three.one");
    EXPECT_EQ(section(example(), {3, 2}, Section::kAll), "three.two");
    EXPECT_EQ(section(example(), {4, 1}, Section::kAll), "four.one");
    EXPECT_EQ(section(example(), {4, 2, 1}, Section::kAll), "four.two.one");
    EXPECT_EQ(section(example(), {4, 2, 2, 1}, Section::kAll), "four.two.two.one");
    EXPECT_EQ(section(example(), {4, 2, 2, 2}, Section::kAll), "four.two.two.two");
}

TEST(SectionRfc3501, HeaderAndTextBelongToMessages) {
    EXPECT_EQ(section(example(), {}, Section::kHeader),
              crlf("Subject: example\nContent-Type: multipart/mixed; boundary=A\n\n"));
    EXPECT_EQ(section(example(), {}, Section::kText), example().substr(example().find("--A\r\n")));
    EXPECT_EQ(section(example(), {}, Section::kAll), example());
    EXPECT_EQ(section(example(), {3}, Section::kHeader),
              crlf("Subject: three\nContent-Type: multipart/mixed; boundary=B\n\n"));
    EXPECT_EQ(section(example(), {3}, Section::kText),
              crlf("--B\nContent-Type: text/plain\n\nthree.one\n"
                   "--B\nContent-Type: application/octet-stream\n\nthree.two\n--B--"));
    EXPECT_EQ(section(example(), {4, 2}, Section::kHeader),
              crlf("Subject: four.two\nContent-Type: multipart/mixed; boundary=D\n\n"));
    EXPECT_EQ(section(example(), {1}, Section::kHeader), "none");
    EXPECT_EQ(section(example(), {4}, Section::kText), "none");
}

TEST(SectionRfc3501, MimeIsTheHeaderOfThePart) {
    EXPECT_EQ(section(example(), {1}, Section::kMime), crlf("Content-Type: text/plain\n\n"));
    EXPECT_EQ(section(example(), {3}, Section::kMime), crlf("Content-Type: message/rfc822\n\n"));
    EXPECT_EQ(section(example(), {4, 2, 2}, Section::kMime),
              crlf("Content-Type: multipart/alternative; boundary=E\n\n"));
    EXPECT_EQ(section(example(), {}, Section::kMime), "none");
}

TEST(SectionRfc3501, PartsThatDoNotExistAreNone) {
    for (const auto& path : std::vector<Path>{
             {0}, {5}, {1, 1}, {3, 3}, {3, 0}, {4, 2, 2, 3}, {4, 2, 1, 1}, {0xffffffff}}) {
        EXPECT_EQ(section(example(), path, Section::kAll), "none");
    }
}

TEST(SectionRfc3501, AMultipartWithoutPartsHasTheEmptyPartThatBodyShows) {
    const auto message = crlf("Content-Type: multipart/mixed; boundary=A\n\nno delimiter\n");
    EXPECT_EQ(section(message, {1}, Section::kAll), "");
    EXPECT_EQ(section(message, {1}, Section::kMime), "");
    EXPECT_EQ(section(message, {1}, Section::kText), "none");
    EXPECT_EQ(section(message, {2}, Section::kAll), "none");
    EXPECT_EQ(section(message, {1, 1}, Section::kAll), "none");

    const auto forwarded = crlf("Content-Type: message/rfc822\n\n") + message;
    EXPECT_EQ(section(forwarded, {1, 1}, Section::kAll), "");
    EXPECT_EQ(section(forwarded, {1, 2}, Section::kAll), "none");
}

TEST(SectionRfc3501, EveryMessageHasAPartOne) {
    const auto message = crlf("Subject: x\n\nbody\n");
    EXPECT_EQ(section(message, {1}, Section::kAll), "body\r\n");
    EXPECT_EQ(section(message, {1}, Section::kMime), "Subject: x\r\n\r\n");
    EXPECT_EQ(section(message, {1, 1}, Section::kAll), "none");
    EXPECT_EQ(section(message, {2}, Section::kAll), "none");
    EXPECT_EQ(section(message, {1}, Section::kHeader), "none");

    const auto forwarded = crlf("Content-Type: message/rfc822\n\nSubject: in\n\nbody\n");
    EXPECT_EQ(section(forwarded, {1}, Section::kAll), crlf("Subject: in\n\nbody\n"));
    EXPECT_EQ(section(forwarded, {1}, Section::kHeader), crlf("Subject: in\n\n"));
    EXPECT_EQ(section(forwarded, {1, 1}, Section::kAll), "body\r\n");
    EXPECT_EQ(section(forwarded, {1, 1, 1}, Section::kAll), "none");
}

}  // namespace
}  // namespace quorate::mail::message
