#include "base/crc32c.hpp"

#include <gtest/gtest.h>

namespace quorate {
namespace {

TEST(Crc32c, MatchesTheExamplesOfRfc3720AppendixB4) {
    std::string ascending;
    for (int i = 0; i < 32; ++i) {
        ascending.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
    EXPECT_EQ(crc32c(ascending), 0x46dd794eU);
}

TEST(Crc32c, InstructionAndTablesAgreeAtEveryLengthAndSplit) {
    std::string bytes;
    for (unsigned i = 0; i < 100; ++i) {
        bytes.push_back(static_cast<char>(i * 37 + 11));
        const auto whole = crc32c(bytes);
        EXPECT_EQ(whole, crc32c_portable(bytes));
        const std::string_view view = bytes;
        EXPECT_EQ(whole, crc32c(view.substr(i / 2), crc32c(view.substr(0, i / 2))));
    }
}

}  // namespace
}  // namespace quorate
