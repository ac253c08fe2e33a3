#include "support/octets.hpp"

#include <gtest/gtest.h>

namespace quorate::support {
namespace {

TEST(Octets, EveryOctetSurvivesEscapingAndBack) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
    }
    const auto text = escape_octets(all);
    EXPECT_EQ(text.find('\n'), text.npos);
    EXPECT_EQ(unescape_octets(text), all);
}

TEST(Octets, PrintableTextStandsForItself) {
    EXPECT_EQ(escape_octets("a b\\"), "a b\\\\");
    EXPECT_EQ(escape_octets("\r\n\t\x01\xff"), "\\r\\n\\t\\x01\\xff");
    EXPECT_EQ(escape_octets("space at the end "), "space at the end\\x20");
}

TEST(Octets, RepeatsAText) {
    EXPECT_EQ(unescape_octets("<\\*3{ab}>"), "<ababab>");
    EXPECT_EQ(unescape_octets("\\*2{\\r\\n}"), "\r\n\r\n");
    EXPECT_EQ(unescape_octets("\\*99999999999{a}"), std::nullopt);
    EXPECT_EQ(unescape_octets("\\*3{}"), std::nullopt);
    EXPECT_EQ(unescape_octets("\\*3"), std::nullopt);
}

TEST(Octets, RefusesUnknownEscapes) {
    for (const auto* text : {"\\", "\\q", "\\x", "\\x1", "\\xg1"}) {
        EXPECT_EQ(unescape_octets(text), std::nullopt) << text;
    }
}

TEST(Octets, LinesOfAStreamShowWhereItEnds) {
    EXPECT_EQ(octets_as_lines("S:", "a\r\n\r\nb"), "S: a\nS:\nS: b\\\n");
    EXPECT_EQ(octets_as_lines("S:", "a\n\r\n"), "S: a\\n\n");
    EXPECT_EQ(octets_as_lines("S:", ""), "");
}

TEST(Octets, ALineIsReadAsItIsWritten) {
    EXPECT_EQ(line_as_octets("a"), "a\r\n");
    EXPECT_EQ(line_as_octets("a\\"), "a");
    EXPECT_EQ(line_as_octets("a\\\\"), "a\\\r\n");
    EXPECT_EQ(line_as_octets(""), "\r\n");
    EXPECT_EQ(line_as_octets("\\"), "");
}

}  // namespace
}  // namespace quorate::support
