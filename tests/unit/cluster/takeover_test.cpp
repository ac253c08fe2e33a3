#include "cluster/takeover.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MemberId kLost{NodeId(3), Incarnation(33)};

View view(std::uint64_t epoch, std::vector<std::uint32_t> members, bool quorate = true) {
    View view;
    view.epoch = Epoch(epoch);
    view.quorate = quorate;
    for (const auto node : members) {
        Member member;
        member.id = {NodeId(node), Incarnation(node)};
        view.members.push_back(member);
    }
    view.lost = {kLost};
    return view;
}

// Members 1 and 2, whose words reach both at once.
class Survivors : public ::testing::Test {
protected:
    void settle() {
        for (bool more = true; more;) {
            more = false;
            for (std::uint32_t node : {1, 2}) {
                for (auto& output : of(node).take()) {
                    more = true;
                    if (const auto* word = std::get_if<Multicast>(&output)) {
                        const auto message = decode_group_message(word->bytes);
                        words_.push_back(std::get<Fencing>(*message));
                        for (std::uint32_t other : {1, 2}) {
                            of(other).heard(NodeId(node), words_.back());
                        }
                    }
                    said_[node].push_back(std::move(output));
                }
            }
        }
    }
    Takeover& of(std::uint32_t node) { return node == 1 ? one_ : two_; }
    void adopt(std::uint64_t epoch, bool quorate = true) {
        for (std::uint32_t node : {1, 2}) {
            of(node).adopt(now_, view(epoch, {1, 2}, quorate),
                           [&](MemberId) { return lease_over_[node]; });
        }
        settle();
    }
    void wait(milliseconds time) {
        now_ += time;
        one_.tick(now_);
        two_.tick(now_);
        settle();
    }
    std::size_t allowed(std::uint32_t node) const {
        const auto it = said_.find(node);
        return it == said_.end() ? 0
                                 : static_cast<std::size_t>(
                                       std::ranges::count_if(it->second, [](const auto& output) {
                                           return std::holds_alternative<TakeoverAllowed>(output);
                                       }));
    }
    std::string reason() const {
        const auto status =
            one_.status(now_, [](NodeId node) { return "n" + std::to_string(node.value()); });
        return status.empty() ? "" : status[0].waiting_for;
    }

    BootTime now_{seconds(1000)};
    Takeover one_{{NodeId(1), Incarnation(1)}};
    Takeover two_{{NodeId(2), Incarnation(2)}};
    std::map<std::uint32_t, BootTime> lease_over_{{1, now_}, {2, now_}};
    std::map<std::uint32_t, std::vector<Takeover::Output>> said_;
    std::vector<Fencing> words_;
};

TEST_F(Survivors, WithoutFencersTheLeaseAloneIsWaitedFor) {
    lease_over_[1] = now_ + milliseconds(1300);
    lease_over_[2] = now_ + milliseconds(500);
    adopt(7);
    EXPECT_EQ(reason(), "lease of n3 ends in 1.3 s, lease of n3 as n2 counts it");
    EXPECT_EQ(one_.deadline(), now_ + milliseconds(1300));
    wait(milliseconds(600));
    EXPECT_EQ(allowed(1), 0U);
    EXPECT_EQ(reason(), "lease of n3 ends in 0.7 s");
    wait(milliseconds(700));
    EXPECT_EQ(allowed(1), 1U);
    EXPECT_EQ(allowed(2), 1U);
    EXPECT_EQ(reason(), "");
}

TEST_F(Survivors, EveryFencerOfEveryMemberConfirms) {
    one_.add("rados");
    two_.add("rados");
    two_.add("serving");
    adopt(7);
    EXPECT_EQ(reason(), "fencer rados of n1, fencer rados of n2, fencer serving of n2");
    one_.confirmed("rados", kLost);
    two_.confirmed("serving", kLost);
    settle();
    EXPECT_EQ(allowed(1), 0U);
    EXPECT_EQ(reason(), "fencer rados of n2");
    two_.confirmed("rados", kLost);
    settle();
    EXPECT_EQ(allowed(1), 1U);
}

TEST_F(Survivors, AFencerIsAskedWithTheViewAndWhenItComesLater) {
    one_.add("early");
    lease_over_[1] = now_ + seconds(1);
    adopt(7);
    one_.add("late");
    settle();
    std::vector<std::string> asked;
    for (const auto& output : said_[1]) {
        if (const auto* fence = std::get_if<Fence>(&output)) {
            asked.push_back(fence->name);
            EXPECT_EQ(fence->lost, kLost);
        }
    }
    EXPECT_EQ(asked, (std::vector<std::string>{"early", "late"}));
}

TEST_F(Survivors, WordsOfAnotherEpochDoNotCount) {
    one_.add("rados");
    adopt(7);
    Fencing word{Epoch(6), kLost, {}};
    one_.heard(NodeId(1), word);
    settle();
    EXPECT_EQ(allowed(1), 0U);
}

TEST_F(Survivors, AWordMayComeBeforeTheView) {
    one_.heard(NodeId(2), Fencing{Epoch(7), kLost, {}});
    one_.adopt(now_, view(7, {1, 2}), [&](MemberId) { return now_; });
    for (const auto& output : one_.take()) {
        if (const auto* word = std::get_if<Multicast>(&output)) {
            one_.heard(NodeId(1), std::get<Fencing>(*decode_group_message(word->bytes)));
        }
    }
    const auto said = one_.take();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(std::get<TakeoverAllowed>(said[0]).lost, kLost);
}

TEST_F(Survivors, ANewViewAsksAgainButConfirmationsStay) {
    one_.add("rados");
    one_.add("serving");
    adopt(7);
    one_.confirmed("rados", kLost);
    settle();
    adopt(8);
    EXPECT_EQ(reason(), "fencer serving of n1");
    one_.confirmed("serving", kLost);
    settle();
    EXPECT_EQ(allowed(1), 1U);
    adopt(9);
    EXPECT_EQ(allowed(1), 2U) << "said again, once per epoch";
}

TEST_F(Survivors, WithoutQuorumNothingIsAllowed) {
    one_.add("rados");
    adopt(7);
    one_.suspend();
    one_.confirmed("rados", kLost);
    settle();
    EXPECT_EQ(allowed(1), 0U);
    adopt(8, /*quorate=*/false);
    EXPECT_EQ(allowed(1), 0U);
    adopt(9);
    EXPECT_EQ(allowed(1), 1U);
}

TEST_F(Survivors, AFencerThatIsRemovedIsNotWaitedFor) {
    one_.add("rados");
    adopt(7);
    one_.remove("rados");
    settle();
    EXPECT_EQ(allowed(1), 1U);
}

TEST_F(Survivors, AnHeirIsAskedWhenEveryOtherFencerOfEveryMemberHasConfirmed) {
    const auto asked = [&](std::uint32_t node) {
        return std::ranges::count_if(said_[node], [](const auto& output) {
            const auto* fence = std::get_if<Fence>(&output);
            return fence != nullptr && fence->name == "heir.shadow";
        });
    };
    one_.add("heir.shadow");
    two_.add("serving");
    two_.add("heir.shadow");
    lease_over_[1] = now_ + seconds(1);
    adopt(5);
    EXPECT_EQ(asked(1) + asked(2), 0);
    two_.confirmed("serving", kLost);
    settle();
    EXPECT_EQ(asked(1) + asked(2), 0);
    wait(seconds(1));
    EXPECT_EQ(asked(1), 1);
    EXPECT_EQ(asked(2), 1);
    one_.confirmed("heir.shadow", kLost);
    settle();
    EXPECT_EQ(allowed(1), 0U);
    two_.confirmed("heir.shadow", kLost);
    settle();
    EXPECT_EQ(allowed(1), 1U);
    EXPECT_EQ(allowed(2), 1U);
}

TEST_F(Survivors, AnHeirThatHasNotConfirmedIsAskedAgainInTheNextView) {
    one_.add("heir.shadow");
    adopt(5);
    adopt(6);
    EXPECT_EQ(allowed(1), 0U);
    one_.confirmed("heir.shadow", kLost);
    settle();
    adopt(7);
    const auto asked = std::ranges::count_if(
        said_[1], [](const auto& output) { return std::holds_alternative<Fence>(output); });
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(allowed(1), 2U);
}

TEST_F(Survivors, NamesAreLimited) {
    EXPECT_FALSE(one_.add(kLeaseFencer));
    EXPECT_FALSE(one_.add(std::string(kMaxText + 1, 'x')));
    for (std::size_t i = 1; i < kMaxFencers; ++i) {
        EXPECT_TRUE(one_.add("f" + std::to_string(i)));
    }
    EXPECT_FALSE(one_.add("one more"));
}

}  // namespace
}  // namespace quorate::cluster
