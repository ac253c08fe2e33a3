#include "base/text.hpp"

#include <gtest/gtest.h>

namespace quorate {
namespace {

TEST(Text, ComparesAsciiWithoutCase) {
    EXPECT_TRUE(iequals("HeLLo", "hEllO"));
    EXPECT_FALSE(iequals("hello", "hello "));
    EXPECT_TRUE(istarts_with("EHLO example", "ehlo"));
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim(" \r\n"), "");
}

TEST(Text, SplitsKeepingEmptyParts) {
    EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
    EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}

TEST(Text, ParsesWholeDecimalNumbersOnly) {
    EXPECT_EQ(parse_u64("18446744073709551615"), 18446744073709551615U);
    for (const auto* text : {"", "18446744073709551616", "-1", "+1", "1 ", " 1", "0x1", "1.0"}) {
        EXPECT_FALSE(parse_u64(text)) << text;
    }
}

TEST(Text, RecognisesWellFormedUtf8) {
    for (const auto* text :
         {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xac", "\xed\x9f\xbf"}) {
        EXPECT_TRUE(is_valid_utf8(text)) << printable(text);
    }
    // Overlong, surrogate, too large, cut, stray continuation.
    for (const auto* text : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                             "\xe2\x82", "\x80", "\xff"}) {
        EXPECT_FALSE(is_valid_utf8(text)) << printable(text);
    }
}

TEST(Text, PrintableShowsControlBytesAndCutsLongInput) {
    EXPECT_EQ(printable("a\r\n\xff"), "a\\x0d\\x0a\\xff");
    EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace quorate
