#include "messages.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

const MemberId kSelf{NodeId(1), Incarnation(1)};
const MemberId kPeer{NodeId(2), Incarnation(2)};
constexpr Channel kOne{7};
constexpr Channel kTwo{8};

ViewCommitted view_of(std::uint64_t epoch) {
    View view;
    view.epoch = Epoch(epoch);
    return {view};
}

class Registry : public ::testing::Test {
protected:
    Registry() {
        for (const auto channel : {kOne, kTwo}) {
            Consumer consumer;
            const auto name = std::to_string(channel.value());
            consumer.message = [this, name](MemberId from, Epoch epoch, std::string_view payload) {
                heard_.push_back(name + " " + std::string(payload) + " of " +
                                 std::to_string(from.node.value()) + " in " +
                                 std::to_string(epoch.value()));
            };
            consumer.event = [this, name](const Event& event) {
                heard_.push_back(name + " event " + std::to_string(event.index()));
            };
            consumer.back_pressure = [this, name](MemberId to, bool on) {
                heard_.push_back(name + (on ? " stop " : " go ") + std::to_string(to.node.value()));
            };
            messages_.add(channel, std::move(consumer));
        }
    }
    void run() {
        io_.restart();
        io_.poll();
    }

    boost::asio::io_context io_{1};
    std::vector<std::string> heard_;
    std::vector<std::string> sent_;
    Status answer_;
    Messages messages_{io_, kSelf, [this](MemberId to, Channel channel, std::string_view payload) {
                           sent_.push_back(std::to_string(to.node.value()) + " " +
                                           std::to_string(channel.value()) + " " +
                                           std::string(payload));
                           return answer_;
                       }};
};

using Words = std::vector<std::string>;

TEST_F(Registry, AMessageReachesItsChannelAlone) {
    messages_.deliver({kPeer, kTwo, Epoch(5), "hello"});
    EXPECT_EQ(heard_, Words{"8 hello of 2 in 5"});
}

TEST_F(Registry, WhatIsForNobodyHereIsDropped) {
    messages_.deliver({kPeer, Channel(99), Epoch(5), "hello"});
    EXPECT_EQ(heard_, Words{});
}

TEST_F(Registry, EventsAndBackPressureReachAllInOrder) {
    messages_.tell(Event(view_of(5)));
    messages_.tell(BackPressure{kPeer, true});
    messages_.tell(BackPressure{kPeer, false});
    messages_.tell(Event(QuorumLost{Epoch(5)}));
    EXPECT_EQ(heard_, (Words{"7 event 0", "8 event 0", "7 stop 2", "8 stop 2", "7 go 2", "8 go 2",
                             "7 event 1", "8 event 1"}));
}

TEST_F(Registry, AConsumerNeedNotListenToEverything) {
    Consumer deaf;
    deaf.message = [](MemberId, Epoch, std::string_view) {};
    messages_.add(Channel(9), std::move(deaf));
    messages_.tell(Event(view_of(5)));
    messages_.tell(BackPressure{kPeer, true});
    EXPECT_EQ(heard_.size(), 4U);
}

TEST_F(Registry, ToAPeerItGoesTheMachinesWayAndTellsItsRefusal) {
    EXPECT_TRUE(messages_.send(kPeer, kOne, "hello"));
    EXPECT_EQ(sent_, Words{"2 7 hello"});
    answer_ = fail(errc::refused, "its queue is full");
    const auto refused = messages_.send(kPeer, kOne, "more");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::refused);
}

TEST_F(Registry, ToItselfItComesLaterNeverFromWithinTheSending) {
    messages_.tell(Event(view_of(5)));
    heard_.clear();
    EXPECT_TRUE(messages_.send(kSelf, kOne, "hello"));
    EXPECT_EQ(heard_, Words{});
    run();
    EXPECT_EQ(heard_, Words{"7 hello of 1 in 5"});
    EXPECT_EQ(sent_, Words{});
}

TEST_F(Registry, ToItselfTooItIsVoidWhenTheViewChanges) {
    messages_.tell(Event(view_of(5)));
    EXPECT_TRUE(messages_.send(kSelf, kOne, "hello"));
    messages_.tell(Event(view_of(6)));
    heard_.clear();
    run();
    EXPECT_EQ(heard_, Words{});
}

TEST_F(Registry, ToItselfTooThereIsALimit) {
    EXPECT_TRUE(messages_.send(kSelf, kOne, std::string(kMaxMessage, 'x')));
    const auto refused = messages_.send(kSelf, kOne, std::string(kMaxMessage + 1, 'x'));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::too_large);
}

}  // namespace
}  // namespace quorate::cluster
