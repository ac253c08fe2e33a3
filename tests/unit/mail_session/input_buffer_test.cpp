#include "mail/session/line_buffer.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace quorate::mail {
namespace {

TEST(InputBuffer, GivesOctetsInTheOrderTheyCame) {
    InputBuffer buffer;
    buffer.append("ab");
    buffer.append("cd");
    EXPECT_EQ(buffer.view(), "abcd");
    buffer.consume(3);
    EXPECT_EQ(buffer.view(), "d");
    buffer.append("e");
    EXPECT_EQ(buffer.view(), "de");
    EXPECT_EQ(buffer.size(), 2U);
    buffer.consume(2);
    EXPECT_TRUE(buffer.empty());
}

TEST(InputBuffer, AgreesWithAStringUnderRandomUse) {
    Random random(1);
    InputBuffer buffer;
    std::string model;
    for (int i = 0; i < 20'000; ++i) {
        if (random.one_in(2)) {
            const std::string piece(random.below(5000), static_cast<char>('a' + random.below(26)));
            buffer.append(piece);
            model += piece;
        } else {
            const auto count = random.below(model.size() + 1);
            buffer.consume(count);
            model.erase(0, count);
        }
        ASSERT_EQ(buffer.view(), model);
        ASSERT_EQ(buffer.empty(), model.empty());
    }
}

TEST(InputBuffer, ClearForgetsWhatWasThere) {
    InputBuffer buffer;
    buffer.append(std::string(100'000, 'x'));
    buffer.consume(10);
    buffer.clear();
    EXPECT_EQ(buffer.view(), "");
    buffer.append("y");
    EXPECT_EQ(buffer.view(), "y");
}

}  // namespace
}  // namespace quorate::mail
