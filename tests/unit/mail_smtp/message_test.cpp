// What becomes of a message that comes by DATA.

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

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

TEST(SmtpMessage, MayBeEmpty) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.data(".\r\n").substr(0, 3), "250");
    EXPECT_EQ(talk.content(), "");
}

TEST(SmtpMessage, ReceiveRoleAddsNothingButTraceFieldsRfc5321Section6Point4) {
    Talk talk;
    talk.envelope();
    talk.data("Subject: no date\r\nReturn-Path: <old@b.test>\r\n\r\nx\r\n.\r\n");
    EXPECT_EQ(talk.content(), "Subject: no date\r\nReturn-Path: <old@b.test>\r\n\r\nx\r\n");
}

TEST(SmtpMessage, DateOfReceivedIsTheTimeOfTheMessage) {
    Talk talk;
    talk.envelope();
    talk.now += std::chrono::hours(2);
    talk.data("x\r\n.\r\n");
    EXPECT_NE(talk.message().find("Wed, 15 Nov 2023 00:13:20 +0000"), std::string::npos);
}

TEST(SmtpMessage, SeveralInOneSessionAreApart) {
    Talk talk;
    talk.envelope();
    talk.data("one\r\n.\r\n");
    talk.say("MAIL FROM:<>");
    talk.say("RCPT TO:<ben@example.test>");
    talk.data("two\r\n.\r\n");
    EXPECT_EQ(talk.content(), "two\r\n");
    EXPECT_NE(talk.message().find(" id s1.2\r\n"), std::string::npos);
    EXPECT_EQ(talk.deliveries[1].question.recipients, std::vector<std::string>{"ben@example.test"});
}

TEST(SmtpMessage, DataTakesNoArgumentRfc5321Section4Point1Point1Point4) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.say("DATA now").substr(0, 9), "501 5.5.4");
}

TEST(SmtpMessage, ABareCrOrLfIsRefusedWhenTheMessageHasEnded) {
    for (const auto* content : {"a\nb\r\n", "a\rb\r\n", "a\r\n.\nb\r\n", "\n.\r\nRSET\r\n"}) {
        for (const auto role : {Role::kReceive, Role::kSubmission, Role::kLmtp}) {
            Talk talk(role);
            if (role == Role::kSubmission) {
                talk.authenticate();
            }
            talk.envelope();
            EXPECT_EQ(talk.data(std::string(content) + ".\r\n"),
                      "550 5.5.2 Message has a CR or LF that is not part of CR LF\r\n")
                << content;
            EXPECT_TRUE(talk.deliveries.empty());
            EXPECT_EQ(talk.body, "");
            EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "250");
        }
    }
}

TEST(SmtpMessage, NothingIsSmuggledBehindAFalseEnd) {
    for (const auto* end :
         {"\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r", "\n.\r"}) {
        Talk talk;
        talk.envelope();
        const auto answer = talk.data(std::string("first") + end +
                                      "MAIL FROM:<admin@example.test>\r\nRCPT TO:<ben@example.test>"
                                      "\r\nDATA\r\nsecond\r\n.\r\n");
        EXPECT_EQ(answer.substr(0, 9), "550 5.5.2") << end;
        EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 1) << end;
        EXPECT_TRUE(talk.deliveries.empty());
    }
}

TEST(SmtpMessage, NulIsRefused) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.data(std::string("a\0b\r\n.\r\n", 8)), "554 5.6.0 Message has a NUL octet\r\n");
}

TEST(SmtpMessage, EightBitOctetsAreKeptWhateverBodySaysRfc6152Section3) {
    Talk talk;
    talk.envelope();
    talk.data("\xff\xfe\x80\r\n.\r\n");
    EXPECT_EQ(talk.content(), "\xff\xfe\x80\r\n");
}

TEST(SmtpMessage, BiggerThanTheLimitIsSwallowedAndRefusedRfc1870Section6Point3) {
    Talk talk;
    talk.options.message_bytes = 100'000;
    talk.envelope();
    talk.say("DATA");
    const std::string piece(50'000, 'x');
    talk.send("\r\n" + piece);
    EXPECT_GT(talk.body.size(), 50'000U);
    talk.send(piece);
    EXPECT_EQ(talk.body, "");  // given up at once
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(talk.send(piece), "");
    }
    EXPECT_EQ(talk.send("\r\n.\r\n"),
              "552 5.3.4 Message is bigger than is taken here, see SIZE\r\n");
    EXPECT_EQ(talk.discards, 1U);
    EXPECT_TRUE(talk.deliveries.empty());
}

TEST(SmtpMessage, SizeCountsLineEndsButNotStuffedDotsRfc1870Section5) {
    for (const auto& [limit, code] : {std::pair(9U, "250"), std::pair(8U, "552")}) {
        Talk talk;
        talk.options.message_bytes = limit;
        talk.envelope();
        EXPECT_EQ(talk.data("\r\n..a\r\n..\r\n.\r\n").substr(0, 3), code);
    }
}

TEST(SmtpMessage, ALoopIsRefusedRfc5321Section6Point3) {
    std::string hops;
    for (int i = 0; i < 50; ++i) {
        hops += "Received: from a by b; date\r\n";
    }
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.data(hops + "\r\nx\r\n.\r\n").substr(0, 3), "250");
    talk.envelope();
    EXPECT_EQ(talk.data(hops + "Received: x\r\n\r\nx\r\n.\r\n"),
              "554 5.4.6 Too many hops: mail loop\r\n");
}

TEST(SmtpMessage, AHeaderThatIsTooBigIsRefused) {
    Talk talk;
    talk.options.header_bytes = 1000;
    talk.envelope();
    EXPECT_EQ(talk.data("A: " + std::string(1000, 'x') + "\r\n\r\nbody\r\n.\r\n"),
              "552 5.3.4 Message header is too big\r\n");
    talk.envelope();
    EXPECT_EQ(talk.data("A: b\r\n\r\n" + std::string(5000, 'x') + "\r\n.\r\n").substr(0, 3), "250");
}

TEST(SmtpMessage, AMessageNeedNoHeader) {
    Talk talk;
    talk.options.header_bytes = 1000;
    std::string text;
    while (text.size() < 5000) {
        text += "just a line of text\r\n";
    }
    talk.envelope();
    EXPECT_EQ(talk.data(text + ".\r\n").substr(0, 3), "250");
    EXPECT_EQ(talk.content(), text);
}

TEST(SmtpMessage, OutcomesOfDeliveryAreAnswered) {
    const std::vector<std::pair<Delivered::Kind, std::string>> kTable{
        {Delivered::Kind::kUnknownUser, "550 5.1.1"}, {Delivered::Kind::kOverQuota, "452 4.2.2"},
        {Delivered::Kind::kVolumeFull, "452 4.3.1"},  {Delivered::Kind::kUnavailable, "451 4.3.0"},
        {Delivered::Kind::kOk, "250 2.0.0"},
    };
    Talk talk;
    for (const auto& [kind, answer] : kTable) {
        talk.outcomes = {kind};
        talk.envelope();
        EXPECT_EQ(talk.data("x\r\n.\r\n").substr(0, 9), answer);
        EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "250") << "the transaction has ended";
        talk.say("RSET");
    }
}

TEST(SmtpMessage, AnAnswerThatLacksRecipientsIsNoSuccess) {
    Talk talk;
    talk.hold_delivery = true;
    talk.envelope();
    talk.data("x\r\n.\r\n");
    EXPECT_EQ(talk.input(Delivered{{}, "q"}).substr(0, 9), "451 4.3.0");
}

TEST(SmtpMessage, InSmtpTheFirstFailureSpeaksForAllRecipients) {
    Talk talk;
    talk.outcomes = {Delivered::Kind::kOk, Delivered::Kind::kOverQuota};
    talk.envelope();
    talk.say("RCPT TO:<ben@example.test>");
    EXPECT_EQ(talk.data("x\r\n.\r\n"), "452 4.2.2 Mailbox is full\r\n");
}

TEST(SmtpMessage, IsTheSameHoweverItsOctetsAreCut) {
    const std::string wire = "Subject: x\r\n\r\n..\r\nline\r\n.\r\n";
    for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
        Talk talk;
        talk.envelope();
        talk.say("DATA");
        std::string answer;
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            answer += talk.send(std::string_view(wire).substr(at, piece));
        }
        EXPECT_EQ(answer, "250 2.0.0 Ok: stored as q7\r\n") << piece;
        EXPECT_EQ(talk.content(), "Subject: x\r\n\r\n.\r\nline\r\n") << piece;
    }
}

}  // namespace
}  // namespace quorate::mail::smtp
