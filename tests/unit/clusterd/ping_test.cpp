#include "ping.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include "base/bytes.hpp"
#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

const MemberId kSelf{NodeId(1), Incarnation(1)};
const MemberId kPeer{NodeId(2), Incarnation(2)};

using Times = Result<std::vector<std::chrono::microseconds>>;

class Pings : public ::testing::Test {
protected:
    void begin(std::size_t count, std::size_t bytes) {
        boost::asio::co_spawn(
            io_, ping_.ping(kPeer, count, bytes),
            [this](const std::exception_ptr&, Times times) { ended_ = std::move(times); });
        turn();
    }
    void turn() {
        io_.restart();
        io_.poll();
    }
    // The peer's answer to the question that was sent last, or another kind of it.
    std::string answer(std::uint8_t kind = 2) const {
        auto bytes = sent_.back();
        bytes[0] = static_cast<char>(kind);
        return bytes;
    }
    void hear(const std::string& payload, MemberId from = kPeer) {
        messages_.deliver({from, kPingChannel, Epoch(5), payload});
        turn();
    }
    void view(std::vector<MemberId> members) {
        ViewCommitted committed;
        committed.view.epoch = Epoch(6);
        for (const auto& id : members) {
            Member member;
            member.id = id;
            committed.view.members.push_back(member);
        }
        messages_.tell(Event(committed));
        turn();
    }

    boost::asio::io_context io_{1};
    std::vector<std::string> sent_;
    Status sending_;
    Messages messages_{io_, kSelf, [this](MemberId, Channel, std::string_view payload) {
                           sent_.emplace_back(payload);
                           return sending_;
                       }};
    Ping ping_{io_, messages_};
    std::optional<Times> ended_;
};

TEST_F(Pings, EachAnswerBringsTheNextQuestionUntilAllAreThere) {
    begin(3, 10);
    for (std::size_t i = 1; i <= 3; ++i) {
        ASSERT_EQ(sent_.size(), i);
        EXPECT_EQ(sent_.back().size(), 19U);
        hear(answer());
    }
    EXPECT_EQ(sent_.size(), 3U);
    ASSERT_TRUE(ended_ && *ended_);
    EXPECT_EQ((*ended_)->size(), 3U);
}

TEST_F(Pings, AnAnswerIsCountedOnceAndOnlyFromWhomItWasAsked) {
    begin(2, 0);
    const auto first = answer();
    hear(first, {NodeId(3), Incarnation(3)});
    hear(first, {NodeId(2), Incarnation(9)});
    EXPECT_EQ(sent_.size(), 1U);
    hear(first);
    hear(first);
    EXPECT_EQ(sent_.size(), 2U);
    EXPECT_FALSE(ended_);
    hear(answer());
    EXPECT_TRUE(ended_);
}

TEST_F(Pings, AnAnswerThatIsNotWhatWasSentIsAnError) {
    begin(2, 5);
    auto changed = answer();
    changed.back() = 'x';
    hear(changed);
    ASSERT_TRUE(ended_);
    ASSERT_FALSE(*ended_);
    EXPECT_EQ((*ended_).error().code, errc::damaged);
}

TEST_F(Pings, AQuestionIsAnsweredWithItsOwnOctets) {
    std::string question;
    ByteWriter out(question);
    out.u8(1);
    out.u64(77);
    out.raw("abc");
    hear(question);
    ASSERT_EQ(sent_.size(), 1U);
    question[0] = 2;
    EXPECT_EQ(sent_.back(), question);
}

TEST_F(Pings, RubbishIsNothing) {
    for (const std::string rubbish :
         {"", "\x01", "\x01garbage", "\x03garbage-garbage", "\x02garbage-garbage"}) {
        hear(rubbish);
    }
    EXPECT_TRUE(sent_.empty());
}

TEST_F(Pings, ANewViewAsksAgainWhatWasUnderWay) {
    begin(1, 0);
    const auto first = sent_.back();
    view({kSelf, kPeer});
    ASSERT_EQ(sent_.size(), 2U);
    EXPECT_EQ(sent_.back(), first);
    hear(answer());
    EXPECT_TRUE(ended_ && *ended_);
}

TEST_F(Pings, AMemberThatLeftEndsIt) {
    begin(1, 0);
    view({kSelf});
    ASSERT_TRUE(ended_);
    ASSERT_FALSE(*ended_);
    EXPECT_EQ((*ended_).error().code, errc::refused);
}

TEST_F(Pings, WhatCannotBeSentEndsItAtOnce) {
    sending_ = fail(errc::refused, "its queue is full");
    begin(1, 0);
    ASSERT_TRUE(ended_);
    EXPECT_FALSE(*ended_);
}

}  // namespace
}  // namespace quorate::cluster
