#include "command.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace quorate::mail::pop3 {
namespace {

using Numbers = std::vector<std::uint64_t>;

TEST(Pop3Command, Rfc1939Section3KeywordsHaveNoCase) {
    EXPECT_EQ(parse_command("QUIT").verb, Verb::kQuit);
    EXPECT_EQ(parse_command("quit").verb, Verb::kQuit);
    EXPECT_EQ(parse_command("Top 1 2").verb, Verb::kTop);
    EXPECT_EQ(parse_command("TOPS 1 2").verb, Verb::kUnknown);
    EXPECT_EQ(parse_command("TO").verb, Verb::kUnknown);
    EXPECT_EQ(parse_command("").verb, Verb::kUnknown);
    EXPECT_EQ(parse_command(" QUIT").verb, Verb::kUnknown);
}

TEST(Pop3Command, TheArgumentIsAllBehindTheFirstSpace) {
    EXPECT_EQ(parse_command("PASS").argument, "");
    EXPECT_EQ(parse_command("PASS ").argument, "");
    EXPECT_EQ(parse_command("PASS a b ").argument, "a b ");
    EXPECT_EQ(parse_command("PASS  a").argument, " a");
    EXPECT_TRUE(parse_command("STAT ").bare());
    EXPECT_TRUE(parse_command("STAT   ").bare());
    EXPECT_FALSE(parse_command("STAT x").bare());
}

TEST(Pop3Command, ControlCharactersAreNoticed) {
    EXPECT_TRUE(parse_command("USER j\xc3\xb6rg").well_formed);
    for (const char c : {'\0', '\t', '\r', '\x1f', '\x7f'}) {
        EXPECT_FALSE(parse_command(std::string("USER a") + c).well_formed) << int{c};
    }
}

TEST(Pop3Command, NumbersAreDigitsSeparatedByOneSpace) {
    EXPECT_EQ(numbers_of("1", 1), Numbers{1});
    EXPECT_EQ(numbers_of("1 20", 2), (Numbers{1, 20}));
    EXPECT_EQ(numbers_of("007 ", 1), Numbers{7});
    EXPECT_EQ(numbers_of("", 0), Numbers{});
    EXPECT_EQ(numbers_of("  ", 0), Numbers{});
    EXPECT_EQ(numbers_of("18446744073709551616", 1),
              Numbers{std::numeric_limits<std::uint64_t>::max()});
    for (const auto* text : {"", "x", "1x", "+1", "-1", "1.0", " 1", "1  2", "1 2"}) {
        EXPECT_EQ(numbers_of(text, 1), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace quorate::mail::pop3
