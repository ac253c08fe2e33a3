#include "command.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

using LineKind = CommandLines::Kind;

constexpr std::size_t kLineLimit = 20;

TEST(SmtpCommand, VerbsAreReadWithoutRegardToCaseRfc5321Section2Point4) {
    EXPECT_EQ(parse_command("quit").verb, Verb::kQuit);
    EXPECT_EQ(parse_command("QuIt").verb, Verb::kQuit);
    EXPECT_EQ(parse_command("STARTTLS").verb, Verb::kStartTls);
    EXPECT_EQ(parse_command("LHLO x").verb, Verb::kLhlo);
    for (const auto* word : {"TURN", "ETRN x", "SEND", "SOML", "SAML", "BURL"}) {
        EXPECT_EQ(parse_command(word).verb, Verb::kNotImplemented) << word;
    }
    for (const auto* word :
         {"", " ", "QUITS", "QUI", "GET / HTTP/1.1", "\tQUIT", " QUIT", "MAIL\tx"}) {
        EXPECT_EQ(parse_command(word).verb, Verb::kUnknown) << word;
    }
}

TEST(SmtpCommand, WhiteSpaceBeforeTheLineEndIsToleratedRfc5321Section4Point1Point1) {
    EXPECT_EQ(parse_command("QUIT \t ").verb, Verb::kQuit);
    EXPECT_EQ(parse_command("QUIT  ").argument, "");
    EXPECT_EQ(parse_command("MAIL  FROM:<a@b> X=1 \t").argument, "FROM:<a@b> X=1");
}

TEST(SmtpCommand, ControlCharactersAndBrokenUtf8AreRefused) {
    for (const auto& line :
         {std::string("NOOP \0x", 7), std::string("NOOP a\rb"), std::string("NOOP \x7f"),
          std::string("NOOP \x1b"), std::string("NOOP \xff"), std::string("NOOP \xc3")}) {
        EXPECT_EQ(parse_command(line).verb, Verb::kMalformed) << line;
    }
    EXPECT_EQ(parse_command("NOOP \xc3\xa4").verb, Verb::kNoop);
}

// What the lines of `octets` are when they come in pieces of `piece`: the line, "<long>" or "<lf>".
std::vector<std::string> cut_lines(const std::string& octets, std::size_t piece) {
    std::vector<std::string> found;
    CommandLines lines;
    std::string waiting;
    for (std::size_t at = 0; at < octets.size(); at += piece) {
        waiting += octets.substr(at, piece);
        for (;;) {
            const auto line = lines.next(waiting, kLineLimit);
            if (line.kind != LineKind::kIncomplete) {
                found.push_back(line.kind == LineKind::kLine      ? std::string(line.text)
                                : line.kind == LineKind::kTooLong ? "<long>"
                                                                  : "<lf>");
            }
            waiting.erase(0, line.consumed);
            EXPECT_LT(waiting.size(), kLineLimit + piece);
            if (line.consumed == 0 || waiting.empty()) {
                break;
            }
        }
    }
    return found;
}

void expect_lines(const std::string& octets, const std::vector<std::string>& expected) {
    for (std::size_t piece = 1; piece <= octets.size() + 1; ++piece) {
        EXPECT_EQ(cut_lines(octets, piece), expected) << octets << " in pieces of " << piece;
    }
}

TEST(SmtpCommandLines, EndInCrLfOnlyRfc5321Section2Point3Point8) {
    expect_lines("NOOP\r\nQUIT\r\n", {"NOOP", "QUIT"});
    expect_lines("\r\n\r\n", {"", ""});
    expect_lines("NO\rOP\r\n", {"NO\rOP"});
    expect_lines("NOOP\r\r\n", {"NOOP\r"});
    expect_lines("NOOP", {});
}

TEST(SmtpCommandLines, NothingBehindABareLineFeedIsExecutedUpToTheNextCrLf) {
    expect_lines("NOOP\nQUIT\r\nRSET\r\n", {"<lf>", "<lf>", "RSET"});
    expect_lines("\n\n\r\nRSET\r\n", {"<lf>", "<lf>", "<lf>", "RSET"});
    expect_lines("A\r\nB\nC\r\nD\r\n", {"A", "<lf>", "<lf>", "D"});
}

TEST(SmtpCommandLines, AreLimitedInLength) {
    const std::string longest(kLineLimit - 2, 'x');
    expect_lines(longest + "\r\nQUIT\r\n", {longest, "QUIT"});
    expect_lines(longest + "x\r\nQUIT\r\n", {"<long>", "QUIT"});
    expect_lines(std::string(100, 'x') + "\r\nQUIT\r\n", {"<long>", "QUIT"});
    expect_lines(std::string(100, 'x') + "\nQUIT\r\nRSET\r\n", {"<lf>", "<lf>", "RSET"});
    expect_lines(std::string(100, '\r') + "\n", {"<long>"});
}

}  // namespace
}  // namespace quorate::mail::smtp
