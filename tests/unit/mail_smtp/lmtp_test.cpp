// LMTP (RFC 2033).

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;
using DeliveredKind = Delivered::Kind;

struct LmtpTalk : Talk {
    LmtpTalk() : Talk(Role::kLmtp) {
        resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
        hello();
        say("MAIL FROM:<a@b.test>");
        say("RCPT TO:<ann@example.test>");
        say("RCPT TO:<no@example.test>");
        say("RCPT TO:<ben@example.test>");
        say("RCPT TO:<eve@example.test>");
    }
};

TEST(Lmtp, AnswersForEachAcceptedRecipientInOrderRfc2033Section4Point2) {
    LmtpTalk talk;
    talk.outcomes = {DeliveredKind::kOk, DeliveredKind::kOverQuota, DeliveredKind::kOk};
    EXPECT_EQ(talk.data("x\r\n.\r\n"),
              "250 2.0.0 Ok: stored as q7\r\n452 4.2.2 Mailbox is full\r\n"
              "250 2.0.0 Ok: stored as q7\r\n");
    EXPECT_FALSE(talk.deliveries[0].question.all_or_none);
    EXPECT_EQ(
        talk.deliveries[0].question.recipients,
        (std::vector<std::string>{"ann@example.test", "ben@example.test", "eve@example.test"}));
}

TEST(Lmtp, AnswersForEachAcceptedRecipientAfterBdatLast) {
    LmtpTalk talk;
    talk.outcomes = {DeliveredKind::kUnavailable, DeliveredKind::kOk, DeliveredKind::kVolumeFull};
    EXPECT_EQ(talk.send("BDAT 3\r\nx\r\n"), "250 2.0.0 Chunk received\r\n");
    EXPECT_EQ(talk.say("BDAT 0 LAST"),
              "451 4.3.0 Message could not be stored now, try later\r\n"
              "250 2.0.0 Ok: stored as q7\r\n452 4.3.1 Insufficient system storage\r\n");
}

TEST(Lmtp, ARefusedMessageIsRefusedForEachRecipient) {
    const std::string once = "550 5.5.2 Message has a CR or LF that is not part of CR LF\r\n";
    LmtpTalk talk;
    EXPECT_EQ(talk.data("a\nb\r\n.\r\n"), once + once + once);
    LmtpTalk chunks;
    EXPECT_EQ(chunks.send("BDAT 1\r\n\n"), once);
    const std::string again = "503 5.5.1 An earlier chunk was refused\r\n";
    EXPECT_EQ(chunks.say("BDAT 0 LAST"), again + again + again);
}

TEST(Lmtp, DataWithoutRecipientsFailsWith503Rfc2033Section4Point2) {
    Talk talk(Role::kLmtp);
    talk.hello();
    talk.say("MAIL FROM:<>");
    EXPECT_EQ(talk.say("DATA").substr(0, 3), "503");
    EXPECT_EQ(talk.say("BDAT 0 LAST").substr(0, 3), "503");
}

TEST(Lmtp, SaysSoInReceivedRfc3848) {
    LmtpTalk talk;
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find(" with LMTP id s1.1;"), std::string::npos);
}

TEST(Lmtp, RecipientsThatAreGoneDoNotEndTheSession) {
    Talk talk(Role::kLmtp);
    talk.resolve["no@example.test"] = Resolved::Kind::kUnknownUser;
    talk.hello();
    talk.say("MAIL FROM:<>");
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(talk.say("RCPT TO:<no@example.test>"), "550 5.1.1 No such mailbox here\r\n");
    }
    EXPECT_FALSE(talk.closed);
}

TEST(Lmtp, OverAUnixSocketThereIsNoAddress) {
    Talk talk(Role::kLmtp);
    talk.peer.address = "unix";
    talk.envelope();
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find("Received: from c.test\r\n\tby "), std::string::npos);
}

}  // namespace
}  // namespace quorate::mail::smtp
