#include "mail/message/header.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "samples.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;

TEST(HeaderRfc5322, FieldsComeInOrderWithTheirOffsets) {
    const auto block = crlf("A: one\nB:two\n\tfolded\nC  : three\n\nD: body\n");
    FieldReader reader(block);
    auto field = reader.next();
    ASSERT_TRUE(field);
    EXPECT_EQ(field->name, "A");
    EXPECT_EQ(field->value, " one");
    EXPECT_EQ(field->octets, "A: one\r\n");
    EXPECT_EQ(field->offset, 0U);
    field = reader.next();
    ASSERT_TRUE(field);
    EXPECT_EQ(field->name, "B");
    EXPECT_EQ(field->value, "two\r\n\tfolded");
    EXPECT_EQ(field->offset, 8U);
    field = reader.next();
    ASSERT_TRUE(field);
    EXPECT_EQ(field->name, "C");
    EXPECT_EQ(unfold(field->value), "three");
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(block.substr(reader.offset()), "\r\nD: body\r\n");
}

TEST(HeaderRfc5322, LinesThatAreNoFieldHaveNoName) {
    const auto block = crlf(
        " leading\nFrom ada@example.test Tue Mar  1 10:00:00 2022\nno colon\n more\n: x\nA: b\n");
    std::vector<std::string> names;
    std::string octets;
    FieldReader reader(block);
    while (const auto field = reader.next()) {
        names.emplace_back(field->name);
        octets += field->octets;
    }
    EXPECT_EQ(names, (std::vector<std::string>{"", "", "", "", "A"}));
    EXPECT_EQ(octets, block);
}

TEST(HeaderRfc5322, UnfoldingRemovesOnlyTheLineEnds) {
    EXPECT_EQ(unfold("  a\r\n b\n\t c  \r\n"), "a b\t c");
    EXPECT_EQ(unfold(""), "");
    EXPECT_EQ(unfold("\r\n "), "");
}

TEST(Header, TheFirstFieldOfANameIsFound) {
    const auto block = crlf("X: 1\nSUBJECT: a\nSubject: b\n\n");
    EXPECT_EQ(first_field(block, "subject"), " a");
    EXPECT_FALSE(first_field(block, "date"));
}

TEST(HeaderRfc3501, HeaderFieldsSelectsByNameAndKeepsTheBlankLine) {
    const auto block = crlf("A: 1\nB: 2\n folded\na: 3\nC: 4\n\n");
    const std::vector<std::string> names{"a", "X"};
    EXPECT_EQ(select_fields(block, names, FieldChoice::kThese), crlf("A: 1\na: 3\n\n"));
    EXPECT_EQ(select_fields(block, names, FieldChoice::kOthers), crlf("B: 2\n folded\nC: 4\n\n"));
    EXPECT_EQ(select_fields(block, {}, FieldChoice::kThese), "\r\n");
    EXPECT_EQ(select_fields(block, {}, FieldChoice::kOthers), block);
}

TEST(HeaderRfc3501, WithoutBlankLineNoneIsAdded) {
    const std::vector<std::string> names{"A"};
    EXPECT_EQ(select_fields("A: 1\r\nB: 2", names, FieldChoice::kThese), "A: 1\r\n");
    EXPECT_EQ(select_fields("A: 1\r\nB: 2", names, FieldChoice::kOthers), "B: 2");
    EXPECT_EQ(select_fields("", names, FieldChoice::kThese), "");
}

TEST(Header, EveryBeginningOfASampleIsReadWithoutLoss) {
    for (const auto& [name, message] : testing::sample_messages()) {
        const auto limit = std::min<std::size_t>(message.size(), 1500);
        for (std::size_t size = 0; size < limit; ++size) {
            const auto block = std::string_view(message).substr(0, size);
            std::string octets;
            FieldReader reader(block);
            while (const auto field = reader.next()) {
                ASSERT_EQ(field->offset, octets.size()) << name;
                octets += field->octets;
            }
            ASSERT_EQ(octets, block.substr(0, reader.offset())) << name << " cut at " << size;
        }
    }
}

}  // namespace
}  // namespace quorate::mail::message
