#include "rados_path.hpp"

#include <gtest/gtest.h>

#include "quorum/io/disk.hpp"

namespace quorate::quorum {
namespace {

std::string objection_to(std::string_view text) {
    const auto path = parse_rados_path(text);
    return path ? "" : path.error().detail;
}

TEST(RadosPaths, PoolAndObjectAreEnough) {
    const auto path = parse_rados_path("rados:quorum/disk");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->pool, "quorum");
    EXPECT_EQ(path->object, "disk");
    EXPECT_EQ(path->conf, "");
    EXPECT_EQ(path->id, "admin");
    EXPECT_EQ(path->name_space, "");
}

TEST(RadosPaths, OptionsFollowAQuestionMark) {
    const auto path =
        parse_rados_path("rados:quorum/a/b?conf=/etc/ceph/x.conf&id=voter&namespace=mail");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->object, "a/b");
    EXPECT_EQ(path->conf, "/etc/ceph/x.conf");
    EXPECT_EQ(path->id, "voter");
    EXPECT_EQ(path->name_space, "mail");
}

TEST(RadosPaths, WhatIsMissingOrUnknownIsNamed) {
    EXPECT_NE(objection_to("rados:").find("no pool"), std::string::npos);
    EXPECT_NE(objection_to("rados:/disk").find("no pool"), std::string::npos);
    EXPECT_NE(objection_to("rados:quorum").find("no object"), std::string::npos);
    EXPECT_NE(objection_to("rados:quorum/?id=x").find("no object"), std::string::npos);
    EXPECT_NE(objection_to("rados:q/d?user=x").find("no option \"user\""), std::string::npos);
    EXPECT_NE(objection_to("rados:q/d?id").find("no value of \"id\""), std::string::npos);
    EXPECT_NE(objection_to("rados:q/d?id=&conf=x").find("no value of \"id\""), std::string::npos);
}

TEST(RadosPaths, AWrongOneIsNoFileByThatName) {
    boost::asio::io_context io;
    const auto disk = open_disk(io, "rados:quorum");
    ASSERT_FALSE(disk);
    EXPECT_EQ(disk.error().code, std::errc::invalid_argument);
    EXPECT_FALSE(make_disk("rados:quorum", 10));
}

// Whether librados is installed or not.
TEST(RadosPaths, ACephThatIsNotThereIsAnError) {
    boost::asio::io_context io;
    const std::string path = "rados:quorum/disk?conf=/nonexistent/ceph.conf";
    const auto disk = open_disk(io, path);
    ASSERT_FALSE(disk);
    EXPECT_NE(disk.error().to_string().find("rados"), std::string::npos);
}

}  // namespace
}  // namespace quorate::quorum
