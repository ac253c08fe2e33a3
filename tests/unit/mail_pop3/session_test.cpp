// What transcripts (tests/scripts/mail_pop3) do not show: large messages and maildrops.

#include "mail/pop3/session.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace quorate::mail::pop3 {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPiece = 64 * 1024;

// A session that is logged in to a maildrop of one message per body.
class Pop3Session : public ::testing::Test {
protected:
    Pop3Session() {
        options_.host_name = "mail.example.test";
        options_.policy.tls_required_for_auth = false;
        options_.mechanisms_clear = {"PLAIN"};
    }

    void log_in(std::vector<std::string> bodies) {
        bodies_ = std::move(bodies);
        session_.emplace(options_, Peer{}, now_);
        session_->start(now_);
        step(Received{"AUTH PLAIN eA==\r\n"});
        SaslOutcome outcome;
        outcome.kind = SaslOutcome::Kind::kSuccess;
        outcome.text = "ann@example.test";
        step(outcome);
        MaildropOpened opened;
        opened.uid_validity = 4'294'967'295U;
        for (std::size_t i = 0; i < bodies_.size(); ++i) {
            opened.messages.push_back({static_cast<store::Uid>(4'000'000'000U + i),
                                       store::BodyId(i),
                                       static_cast<std::uint32_t>(bodies_[i].size())});
        }
        step(std::move(opened));
        sent_.clear();
    }

    void connect() {
        session_.emplace(options_, Peer{}, now_);
        session_->start(now_);
    }

    // One step; what it sends is added to sent_, the question it asks is kept.
    void step(Input input) {
        question_.reset();
        for (auto& action : session_->step(now_, std::move(input))) {
            if (auto* send = std::get_if<Send>(&action)) {
                sent_ += send->bytes;
                largest_send_ = std::max(largest_send_, send->bytes.size());
            } else if (!std::holds_alternative<Note>(action)) {
                question_ = std::move(action);
            }
        }
    }

    // Serves reads until there are no more; how many there were.
    std::size_t serve_reads() {
        std::size_t reads = 0;
        while (question_ && std::holds_alternative<ReadBody>(*question_)) {
            const auto read = std::get<ReadBody>(*question_);
            EXPECT_LE(read.size, kPiece);
            ++reads;
            step(BodyRead{true, bodies_[read.body.value()].substr(read.offset, read.size)});
        }
        return reads;
    }

    Options options_;
    MonoTime now_{1h};
    std::vector<std::string> bodies_;
    std::optional<Session> session_;
    std::optional<Action> question_;
    std::string sent_;
    std::size_t largest_send_ = 0;
};

std::string lines(std::size_t count) {
    std::string text = "Subject: large\r\n\r\n";
    for (std::size_t i = 0; i < count; ++i) {
        text += (i % 7 == 0 ? "." : "x") + std::string(i % 70, 'y') + "\r\n";
    }
    return text;
}

TEST_F(Pop3Session, Rfc3206ItIsToldWhoEndsIt) {
    const std::pair<Shutdown::Why, const char*> reasons[] = {
        {Shutdown::Why::kServerStops, "-ERR [SYS/TEMP] the server is stopping\r\n"},
        {Shutdown::Why::kOperator, "-ERR [SYS/TEMP] the operator ended this session\r\n"},
        {Shutdown::Why::kAccountClosed,
         "-ERR [SYS/PERM] your account was disabled or removed\r\n"}};
    for (const auto& [why, text] : reasons) {
        log_in({"x"});
        step(Shutdown{why});
        EXPECT_EQ(sent_, text);
        EXPECT_TRUE(question_ && std::holds_alternative<Close>(*question_));
    }
}

TEST_F(Pop3Session, TakesAHundredCommandsBeforeLoginAndAnyNumberAfter) {
    connect();
    for (int i = 0; i < 100; ++i) {
        sent_.clear();
        step(Received{"USER ann\r\n"});
        ASSERT_EQ(sent_, "+OK\r\n");
    }
    sent_.clear();
    step(Received{"CAPA\r\nCAPA\r\n"});
    EXPECT_EQ(sent_, "-ERR too many commands before login\r\n");
    EXPECT_TRUE(question_ && std::holds_alternative<Close>(*question_));
    log_in({"x"});
    for (int i = 0; i < 200; ++i) {
        step(Received{"NOOP\r\n"});
    }
    EXPECT_EQ(sent_.size(), 200 * std::string_view("+OK\r\n").size());
}

TEST_F(Pop3Session, ALargeMessageIsReadAndSentInPieces) {
    const auto message = lines(20'000);
    log_in({message});
    step(Received{"RETR 1\r\nNOOP\r\n"});
    EXPECT_EQ(serve_reads(), (message.size() + kPiece - 1) / kPiece);
    EXPECT_LE(largest_send_, 2 * kPiece);
    std::string expected = "+OK " + std::to_string(message.size()) + " octets\r\n";
    for (const auto line : split(std::string_view(message).substr(0, message.size() - 2), '\n')) {
        expected += (line.starts_with('.') ? "." : "") + std::string(line) + "\n";
    }
    EXPECT_EQ(sent_, expected.substr(0, expected.size() - 1) + "\r\n.\r\n+OK\r\n");
}

TEST_F(Pop3Session, PiecesOfEverySizeAroundTheBorderAreRight) {
    for (const std::size_t size : {kPiece - 1, kPiece, kPiece + 1, 2 * kPiece, 2 * kPiece + 1}) {
        const auto message = std::string(size - 2, 'x') + "\r\n";
        log_in({message});
        step(Received{"RETR 1\r\n"});
        EXPECT_EQ(serve_reads(), (size + kPiece - 1) / kPiece);
        EXPECT_EQ(sent_, "+OK " + std::to_string(size) + " octets\r\n" + message + ".\r\n");
    }
}

TEST_F(Pop3Session, TopOfALargeMessageReadsWhatItNeeds) {
    log_in({lines(20'000)});
    step(Received{"TOP 1 3\r\n"});
    EXPECT_EQ(serve_reads(), 1U);
    EXPECT_EQ(sent_, "+OK " + std::to_string(bodies_[0].size()) +
                         " octets\r\nSubject: large\r\n\r\n..\r\nxy\r\nxyy\r\n.\r\n");
}

TEST_F(Pop3Session, DamageInTheMiddleOfAMessageClosesWithoutTheFinalDot) {
    log_in({lines(20'000)});
    step(Received{"RETR 1\r\nNOOP\r\n"});
    step(BodyRead{true, bodies_[0].substr(0, kPiece)});
    ASSERT_TRUE(question_ && std::holds_alternative<ReadBody>(*question_));
    step(BodyRead{});
    ASSERT_TRUE(question_ && std::holds_alternative<Close>(*question_));
    EXPECT_EQ(sent_.find("\r\n.\r\n"), sent_.npos);
    EXPECT_EQ(sent_.find("-ERR"), sent_.npos);
}

TEST_F(Pop3Session, ASlowReaderHasTheIdleTimeForEachPiece) {
    log_in({lines(20'000)});
    step(Received{"RETR 1\r\n"});
    now_ += 599s;
    step(BodyRead{true, bodies_[0].substr(0, kPiece)});
    EXPECT_EQ(session_->deadline(), now_ + 600s);
}

TEST_F(Pop3Session, Rfc1939Section7UniqueIdsHaveAtMost70PrintableOctets) {
    log_in({"x\r\n"});
    step(Received{"UIDL 1\r\n"});
    EXPECT_EQ(sent_, "+OK 1 4294967295.4000000000\r\n");
}

TEST_F(Pop3Session, AMaildropOfManyMessagesIsListedWhole) {
    constexpr std::size_t kMessages = 20'000;
    log_in(std::vector<std::string>(kMessages, "x\r\n"));
    step(Received{"DELE 10000\r\nLIST\r\nSTAT\r\n"});
    EXPECT_EQ(split(sent_, '\n').size(), kMessages - 1 + 5);
    EXPECT_EQ(sent_.find("\r\n10000 3\r\n"), sent_.npos);
    EXPECT_TRUE(sent_.ends_with("\r\n20000 3\r\n.\r\n+OK 19999 59997\r\n"));
}

}  // namespace
}  // namespace quorate::mail::pop3
