// What becomes of a message.

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

constexpr std::string_view kHeader = "Subject: x\r\n\r\n";

TEST(SmtpMessage, IsDeliveredBehindItsTraceHeaderRfc5321Section4Point4) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.data("Subject: x\r\n\r\n..dot\r\n.\r\n"), "250 2.0.0 Ok: stored as q7\r\n");
    ASSERT_EQ(talk.deliveries.size(), 1U);
    EXPECT_EQ(talk.message(),
              "Return-Path: <a@b.test>\r\n"
              "Received: from c.test ([192.0.2.7])\r\n"
              "\tby mx.example.test with ESMTP id s1.1\r\n"
              "\tfor <ann@example.test>;\r\n"
              "\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
              "Subject: x\r\n\r\n.dot\r\n");
    const auto& question = talk.deliveries[0].question;
    EXPECT_EQ(question.sender, "a@b.test");
    EXPECT_EQ(question.recipients, std::vector<std::string>{"ann@example.test"});
    EXPECT_TRUE(question.all_or_none);
}

}  // namespace
}  // namespace quorate::mail::smtp
