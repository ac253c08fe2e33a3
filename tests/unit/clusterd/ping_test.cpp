#include "ping.hpp"

#include <deque>
#include <exception>
#include <functional>
#include <optional>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include "cluster/errc.hpp"
#include "messages.hpp"

namespace quorate::cluster {
namespace {

constexpr MemberId kHere{NodeId(1), Incarnation(11)};
constexpr MemberId kThere{NodeId(2), Incarnation(22)};

// Two members; what one sends lies in a queue until the test hands it on, or does worse with it.
class PingTest : public ::testing::Test {
protected:
    using Answer = Result<std::vector<std::chrono::microseconds>>;

    void start(PingOptions options) {
        boost::asio::co_spawn(io_, ping_.ping(kThere, options),
                              [this](const std::exception_ptr& error, Answer answer) {
                                  EXPECT_FALSE(error);
                                  answer_.emplace(std::move(answer));
                              });
        poll();
    }
    // All that is under way, and what it leads to.
    void hand_on_all() {
        while (!there_.empty() || !here_.empty()) {
            hand_on(there_, messages_there_);
            hand_on(here_, messages_here_);
        }
        poll();
    }
    static void hand_on(std::deque<Deliver>& queue, Messages& to) {
        while (!queue.empty()) {
            const auto message = std::move(queue.front());
            queue.pop_front();
            to.deliver(message);
        }
    }
    void view_of(std::vector<MemberId> members) {
        epoch_ = Epoch(8);
        View view;
        view.epoch = epoch_;
        for (const auto& id : members) {
            Member member;
            member.id = id;
            view.members.push_back(member);
        }
        messages_here_.tell(ViewCommitted{view});
        messages_there_.tell(ViewCommitted{view});
        poll();
    }
    void poll() {
        io_.restart();
        io_.poll();
    }
    Status put(std::deque<Deliver>& queue, MemberId from, Channel channel,
               std::string_view payload) const {
        queue.push_back(Deliver{from, channel, epoch_, std::string(payload)});
        return {};
    }
    std::uint64_t out_of_sequence() const {
        return ping_.out_of_sequence() + other_.out_of_sequence();
    }

    boost::asio::io_context io_{1};
    Epoch epoch_{7};
    bool refuses_ = false;
    std::deque<Deliver> here_;   // for this member
    std::deque<Deliver> there_;  // for the other
    Messages messages_here_{
        io_, kHere, [this](MemberId, Channel channel, std::string_view payload) {
            return refuses_ ? fail(errc::refused, "full") : put(there_, kHere, channel, payload);
        }};
    Messages messages_there_{io_, kThere,
                             [this](MemberId, Channel channel, std::string_view payload) {
                                 return put(here_, kThere, channel, payload);
                             }};
    Ping ping_{io_, messages_here_, [this] { return epoch_; }};
    Ping other_{io_, messages_there_, [this] { return epoch_; }};
    std::optional<Answer> answer_;
};

TEST_F(PingTest, NoMoreAreUnderWayThanWereAskedFor) {
    start({10, 100, 4});
    EXPECT_EQ(there_.size(), 4U);
    hand_on(there_, messages_there_);
    EXPECT_EQ(here_.size(), 4U);
    hand_on(here_, messages_here_);
    EXPECT_EQ(there_.size(), 4U);
    hand_on_all();
    ASSERT_TRUE(answer_ && *answer_);
    EXPECT_EQ((*answer_)->size(), 10U);
    EXPECT_EQ(out_of_sequence(), 0U);
}

TEST_F(PingTest, AnAnswerThatIsNotDueFailsTheRun) {
    const std::function<void(std::deque<Deliver>&)> kFaults[] = {
        [](auto& answers) { answers.pop_front(); },
        [](auto& answers) { answers.push_front(answers.front()); },
        [](auto& answers) { std::swap(answers[0], answers[1]); },
        [](auto& answers) { answers[0].payload.back() ^= 1; },
    };
    for (const auto& fault : kFaults) {
        answer_.reset();
        start({10, 100, 4});
        hand_on(there_, messages_there_);
        fault(here_);
        hand_on_all();
        ASSERT_TRUE(answer_);
        ASSERT_FALSE(*answer_);
        EXPECT_EQ(answer_->error().code, errc::damaged);
    }
}

TEST_F(PingTest, WhatAViewMadeVoidIsSentAgain) {
    start({10, 100, 4});
    there_.clear();
    view_of({kHere, kThere});
    EXPECT_EQ(there_.size(), 4U);
    hand_on_all();
    ASSERT_TRUE(answer_ && *answer_);
    EXPECT_EQ((*answer_)->size(), 10U);
    EXPECT_EQ(out_of_sequence(), 0U);
}

TEST_F(PingTest, WhatGoesWrongInAnEpochIsSeenByWhoeverReceivesIt) {
    using Queue = std::deque<Deliver>;
    const std::function<void(Queue&)> kFaults[] = {
        [](auto& queue) { queue.pop_front(); },
        [](auto& queue) { queue.push_front(queue.front()); },
        [](auto& queue) { std::swap(queue[0], queue[1]); },
    };
    auto seen = out_of_sequence();
    for (const auto& fault : kFaults) {
        start({4, 100, 4});
        fault(there_);
        hand_on(there_, messages_there_);
        EXPECT_GT(other_.out_of_sequence(), seen);
        seen = out_of_sequence();
        here_.clear();
        view_of({kHere});
    }
}

TEST_F(PingTest, SendingAgainInTheNextViewHidesNoLossInThatView) {
    start({10, 100, 4});
    there_.clear();
    view_of({kHere, kThere});
    there_.pop_front();
    hand_on(there_, messages_there_);
    EXPECT_EQ(other_.out_of_sequence(), 1U);
}

TEST_F(PingTest, WhatAnEarlierEpochHadLeftIsOutOfSequence) {
    start({10, 100, 4});
    const auto late = there_.front();
    hand_on(there_, messages_there_);
    view_of({kHere, kThere});
    hand_on(there_, messages_there_);
    EXPECT_EQ(out_of_sequence(), 0U);
    messages_there_.deliver(late);
    EXPECT_EQ(other_.out_of_sequence(), 1U);
}

TEST_F(PingTest, WhatWasNotSentHasNoNumber) {
    start({10, 100, 1});
    hand_on(there_, messages_there_);
    refuses_ = true;
    hand_on(here_, messages_here_);
    poll();
    ASSERT_TRUE(answer_);
    refuses_ = false;
    start({10, 100, 1});
    hand_on_all();
    EXPECT_EQ(out_of_sequence(), 0U);
}

TEST_F(PingTest, WhoLeavesEndsTheRun) {
    start({10, 100, 4});
    view_of({kHere});
    ASSERT_TRUE(answer_);
    EXPECT_EQ(answer_->error().code, errc::refused);
}

TEST_F(PingTest, WhoStopsEndsItsRuns) {
    start({10, 100, 4});
    ping_.stop();
    poll();
    ASSERT_TRUE(answer_);
    EXPECT_EQ(answer_->error().code, errc::refused);
}

TEST_F(PingTest, OnlyWhoWasAskedAnswers) {
    start({1, 100, 1});
    hand_on(there_, messages_there_);
    auto forged = here_.front();
    forged.from = MemberId{NodeId(3), Incarnation(33)};
    messages_here_.deliver(forged);
    poll();
    EXPECT_FALSE(answer_);
    hand_on_all();
    ASSERT_TRUE(answer_ && *answer_);
}

TEST_F(PingTest, WhatCannotBeSentEndsTheRunAtOnce) {
    refuses_ = true;
    start({10, 100, 4});
    ASSERT_TRUE(answer_);
    EXPECT_EQ(answer_->error().code, errc::refused);
}

TEST_F(PingTest, TooShortAMessageIsDroppedAndOneOfAnotherKind) {
    messages_there_.deliver(Deliver{kHere, kPingChannel, Epoch(7), std::string(24, '\3')});
    messages_there_.deliver(Deliver{kHere, kPingChannel, Epoch(7), std::string(40, '\1')});
    EXPECT_TRUE(here_.empty());
    EXPECT_EQ(out_of_sequence(), 0U);
}

}  // namespace
}  // namespace quorate::cluster
