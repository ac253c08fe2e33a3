#include "quorum_device.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

VoteInfo cast(std::uint32_t votes, bool casts) {
    VoteInfo info;
    info.device = "Qdevice";
    info.device_votes = votes;
    info.device_casts = casts;
    return info;
}

TEST(QuorumDevice, WithoutOneThereIsNothingToSay) { EXPECT_EQ(device_problem("", VoteInfo()), ""); }

TEST(QuorumDevice, ConfiguredAndServedByNobody) {
    EXPECT_EQ(device_problem("net", VoteInfo()),
              "corosync.conf has a quorum device (model net), but no program casts its votes on "
              "this node, and no quorumd publishes them: the members' votes alone decide");
}

TEST(QuorumDevice, ServedAndPublishedByNobody) {
    EXPECT_EQ(device_problem("net", cast(1, true)),
              "Qdevice casts 1 vote of the quorum device in Corosync, which no quorumd publishes: "
              "for clusterd the members' votes alone decide");
    EXPECT_NE(device_problem("net", cast(3, true)).find("casts 3 votes"), std::string::npos);
    EXPECT_NE(device_problem("", cast(3, false)).find("casts no votes"), std::string::npos);
}

}  // namespace
}  // namespace quorate::cluster
