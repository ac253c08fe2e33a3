#include "fencer_desk.hpp"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

namespace quorate::cluster {
namespace {

using std::chrono::seconds;

const MemberId kLost{NodeId(3), Incarnation(0x77)};
const MemberId kOther{NodeId(4), Incarnation(0x88)};

View view_without(std::vector<MemberId> lost, bool quorate = true) {
    View view;
    view.quorate = quorate;
    view.lost = std::move(lost);
    return view;
}

class Desk : public ::testing::Test {
protected:
    Desk() { desk_.add("rados", 998, at(1)); }

    static WallTime at(int second) { return WallTime(seconds(second)); }
    bool ask(MemberId lost, std::uint64_t epoch, int second = 0) {
        return desk_.ask({"rados", lost, Epoch(epoch)}, at(second));
    }
    std::size_t owed() const { return desk_.find("rados")->requests.size(); }
    static std::string name_of(NodeId node) { return "n" + std::to_string(node.value()); }

    FencerDesk desk_;
};

TEST_F(Desk, AttachedIsWhoHasTheSession) {
    EXPECT_FALSE(desk_.is_attached("rados", 0));
    desk_.attach("rados", 7, 4711, at(2));
    EXPECT_TRUE(desk_.is_attached("rados", 7));
    EXPECT_FALSE(desk_.is_attached("rados", 8));
    EXPECT_FALSE(desk_.is_attached("other", 7));
    EXPECT_FALSE(desk_.detach("rados", 8, at(3)));
    EXPECT_TRUE(desk_.detach("rados", 7, at(3)));
    EXPECT_FALSE(desk_.is_attached("rados", 7));
    EXPECT_EQ(desk_.find("rados")->since, at(3));
}

TEST_F(Desk, WhatIsAskedIsOwedUntilItIsConfirmed) {
    EXPECT_TRUE(ask(kLost, 5, 10));
    EXPECT_FALSE(ask(kLost, 6, 20)) << "the same again";
    EXPECT_EQ(desk_.find("rados")->requests.at(kLost).asked, at(10));
    EXPECT_EQ(desk_.find("rados")->requests.at(kLost).epoch, Epoch(6));
    EXPECT_FALSE(desk_.confirm("rados", kOther));
    EXPECT_FALSE(desk_.confirm("other", kLost));
    EXPECT_TRUE(desk_.confirm("rados", kLost));
    EXPECT_FALSE(desk_.confirm("rados", kLost)) << "once";
    EXPECT_FALSE(desk_.ask({"other", kLost, Epoch(6)}, at(0))) << "not registered";
}

TEST_F(Desk, WhatIsOwedOutlivesTheProgram) {
    desk_.attach("rados", 7, 1, at(2));
    ask(kLost, 5);
    desk_.detach("rados", 7, at(3));
    EXPECT_EQ(owed(), 1U);
}

TEST_F(Desk, AViewKeepsOnlyWhatItStillHasLost) {
    ask(kLost, 5);
    ask(kOther, 5);
    desk_.adopt(view_without({kLost}));
    EXPECT_EQ(owed(), 1U);
    desk_.taken_over(kOther);
    EXPECT_EQ(owed(), 1U);
    desk_.taken_over(kLost);
    EXPECT_EQ(owed(), 0U);
}

TEST_F(Desk, WithoutQuorumNothingIsAskedFor) {
    ask(kLost, 5);
    desk_.adopt(view_without({kLost}, /*quorate=*/false));
    EXPECT_EQ(owed(), 0U);
    EXPECT_TRUE(ask(kLost, 7)) << "with quorum it is asked anew";
}

TEST_F(Desk, AProgramIsToldEachRequestOncePerEpoch) {
    FencerDesk::Told told;
    EXPECT_TRUE(desk_.news("rados", told).empty());
    ask(kLost, 5);
    const std::vector<std::pair<MemberId, Epoch>> first{{kLost, Epoch(5)}};
    EXPECT_EQ(desk_.news("rados", told), first);
    EXPECT_TRUE(desk_.news("rados", told).empty());
    ask(kLost, 6);
    ask(kOther, 6);
    const std::vector<std::pair<MemberId, Epoch>> second{{kLost, Epoch(6)}, {kOther, Epoch(6)}};
    EXPECT_EQ(desk_.news("rados", told), second);
    FencerDesk::Told another;
    EXPECT_EQ(desk_.news("rados", another), second) << "who attaches later hears all";
    desk_.confirm("rados", kLost);
    EXPECT_TRUE(desk_.news("rados", told).empty());
    EXPECT_EQ(told.size(), 1U) << "what is settled is forgotten";
    EXPECT_TRUE(desk_.news("other", told).empty());
}

TEST_F(Desk, Rows) {
    desk_.attach("rados", 7, 4711, at(2));
    ask(kLost, 5, 10);
    EXPECT_EQ(boost::json::serialize(fencer_rows(desk_, name_of)),
              R"([{"name":"rados","state":"attached","since":2,"uid":998,"pid":4711,)"
              R"("unconfirmed":[{"node":"n3","node_id":3,"incarnation":"0000000000000077",)"
              R"("epoch":5,"asked":10}]}])");
    desk_.detach("rados", 7, at(3));
    desk_.confirm("rados", kLost);
    EXPECT_EQ(
        boost::json::serialize(fencer_rows(desk_, name_of)),
        R"([{"name":"rados","state":"absent","since":3,"uid":998,"pid":0,"unconfirmed":[]}])");
}

TEST_F(Desk, WhatIsOwedInWords) {
    EXPECT_EQ(owed_text(*desk_.find("rados"), name_of), "");
    ask(kLost, 5);
    ask(kOther, 5);
    EXPECT_EQ(owed_text(*desk_.find("rados"), name_of),
              "n3 (0000000000000077), n4 (0000000000000088)");
}

}  // namespace
}  // namespace quorate::cluster
