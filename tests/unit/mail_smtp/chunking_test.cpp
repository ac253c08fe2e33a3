// BDAT (RFC 3030).

#include "talk.hpp"

namespace quorate::mail::smtp {
namespace {

using testing::Talk;

TEST(SmtpChunking, ChunksMakeOneMessageRfc3030Section2) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 8\r\nA: b\r\n\r\n"), "250 2.0.0 Chunk received\r\n");
    EXPECT_EQ(talk.send("BDAT 9\r\n.\r\n..\r\nx\r"), "250 2.0.0 Chunk received\r\n");
    EXPECT_EQ(talk.send("bdat 1 last\r\n\n"), "250 2.0.0 Ok: stored as q7\r\n");
    EXPECT_EQ(talk.content(), "A: b\r\n\r\n.\r\n..\r\nx\r\n");
}

TEST(SmtpChunking, TheLastChunkMayBeEmptyRfc3030Section2) {
    Talk talk;
    talk.envelope();
    talk.send("BDAT 3\r\nx\r\n");
    EXPECT_EQ(talk.say("BDAT 0 LAST"), "250 2.0.0 Ok: stored as q7\r\n");
    EXPECT_EQ(talk.content(), "x\r\n");
    talk.envelope();
    EXPECT_EQ(talk.say("BDAT 0 LAST").substr(0, 3), "250");
    EXPECT_EQ(talk.content(), "");
}

TEST(SmtpChunking, ChunksArePipelinedRfc3030Section3) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 3\r\na\r\nBDAT 3\r\nb\r\nBDAT 0 LAST\r\nNOOP\r\n"),
              "250 2.0.0 Chunk received\r\n250 2.0.0 Chunk received\r\n"
              "250 2.0.0 Ok: stored as q7\r\n250 2.0.0 Ok\r\n");
}

TEST(SmtpChunking, DataAndRcptAreOutOfPlaceBehindAChunkRfc3030Section2) {
    Talk talk;
    talk.envelope();
    talk.send("BDAT 3\r\na\r\n");
    EXPECT_EQ(talk.say("DATA").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("RCPT TO:<ben@example.test>").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("BDAT 0 LAST").substr(0, 3), "250");
}

TEST(SmtpChunking, RsetGivesUpWhatHasComeRfc3030Section2) {
    Talk talk;
    talk.envelope();
    talk.send("BDAT 3\r\na\r\n");
    EXPECT_EQ(talk.say("RSET"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.discards, 1U);
    talk.envelope();
    talk.send("BDAT 3 LAST\r\nb\r\n");
    EXPECT_EQ(talk.content(), "b\r\n");
}

TEST(SmtpChunking, OctetsOfARefusedChunkAreSwallowedRfc3030Section2) {
    Talk talk;
    talk.hello();
    EXPECT_EQ(talk.send("BDAT 6\r\nNOOP\r\nNOOP\r\n"), "503 5.5.1 MAIL first\r\n250 2.0.0 Ok\r\n");
    talk.say("MAIL FROM:<>");
    EXPECT_EQ(talk.send("BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n"),
              "503 5.5.1 No valid recipients\r\n250 2.0.0 Ok\r\n");
    EXPECT_EQ(talk.say("BDAT 0"), "503 5.5.1 No valid recipients\r\n");
}

TEST(SmtpChunking, AfterARefusedChunkOnlyRsetHelpsRfc3030Section2) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 4\r\na\nb\n").substr(0, 9), "550 5.5.2");
    EXPECT_EQ(talk.send("BDAT 3\r\na\r\n"), "503 5.5.1 An earlier chunk was refused\r\n");
    talk.say("RSET");
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 3 LAST\r\na\r\n").substr(0, 3), "250");
}

TEST(SmtpChunking, ALastChunkAfterARefusedOneEndsTheTransaction) {
    Talk talk;
    talk.envelope();
    talk.send("BDAT 1\r\n\n");
    EXPECT_EQ(talk.send("BDAT 1 LAST\r\nx").substr(0, 9), "503 5.5.1");
    EXPECT_EQ(talk.say("MAIL FROM:<>").substr(0, 3), "250");
    EXPECT_TRUE(talk.deliveries.empty());
}

TEST(SmtpChunking, ABareCrAtTheVeryEndIsRefused) {
    Talk talk;
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 2\r\na\r").substr(0, 3), "250");
    EXPECT_EQ(talk.say("BDAT 0 LAST").substr(0, 9), "550 5.5.2");
}

TEST(SmtpChunking, AMessageThatGrowsTooBigIsRefused) {
    Talk talk;
    talk.options.message_bytes = 5;
    talk.envelope();
    EXPECT_EQ(talk.send("BDAT 3\r\n\r\na").substr(0, 3), "250");
    EXPECT_EQ(talk.send("BDAT 3\r\nabc").substr(0, 9), "552 5.3.4");
    EXPECT_EQ(talk.discards, 1U);
}

TEST(SmtpChunking, AHugeChunkIsSwallowedWithoutMemory) {
    Talk talk;
    talk.options.message_bytes = 1000;
    talk.envelope();
    talk.say("BDAT 18446744073709551615 LAST");
    const std::string piece(60'000, 'x');
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(talk.send(piece), "");
        EXPECT_LE(talk.body.size(), 2000U);
    }
}

TEST(SmtpChunking, WithoutASizeTheSessionEnds) {
    for (const auto* line : {"BDAT", "BDAT x", "BDAT -1", "BDAT 5 LASTS", "BDAT 5 LAST x",
                             "BDAT LAST", "BDAT 18446744073709551616", "BDAT 5x"}) {
        Talk talk;
        talk.envelope();
        EXPECT_EQ(talk.say(line).substr(0, 9), "421 4.5.4") << line;
        EXPECT_TRUE(talk.closed);
    }
}

TEST(SmtpChunking, IsTheSameHoweverTheOctetsAreCut) {
    const std::string wire = "BDAT 9\r\nA: b\r\n\r\nxBDAT 4\r\n\r\n.\rBDAT 1 LAST\r\n\nNOOP\r\n";
    for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
        Talk talk;
        talk.envelope();
        std::string answer;
        for (std::size_t at = 0; at < wire.size(); at += piece) {
            answer += talk.send(std::string_view(wire).substr(at, piece));
        }
        EXPECT_EQ(answer,
                  "250 2.0.0 Chunk received\r\n250 2.0.0 Chunk received\r\n"
                  "250 2.0.0 Ok: stored as q7\r\n250 2.0.0 Ok\r\n")
            << piece;
        EXPECT_EQ(talk.content(), "A: b\r\n\r\nx\r\n.\r\n");
    }
}

}  // namespace
}  // namespace quorate::mail::smtp
