#include "quorum/io/device_settings.hpp"

#include <gtest/gtest.h>

#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

DeviceSettings settings() {
    DeviceSettings settings;
    settings.cluster = {0xc1, 0xc2};
    settings.votes = 2;
    settings.timing = Timing::for_soft_mode();
    settings.disks = {{"/dev/disk/by-id/a", {0xd1, 0xd2}}};
    return settings;
}

std::string mistake(const DeviceKeys& keys) {
    const auto read = parse_device(keys);
    return read ? "" : read.error().detail;
}

TEST(DeviceSettingsTest, WhatWasWrittenIsRead) {
    auto wanted = settings();
    EXPECT_EQ(*parse_device(keys_of(wanted)), wanted);
    wanted.next = {{"/b", {1, 2}}, {"/c", {3, 4}}, {"/d", {5, 6}}};
    wanted.step = 7;
    wanted.tie_breaker = NodeId(2);
    EXPECT_EQ(*parse_device(keys_of(wanted)), wanted);
}

TEST(DeviceSettingsTest, CorosyncReadsItsOwnKeysUnderItsOwnNames) {
    const auto keys = keys_of(settings());
    EXPECT_EQ(keys.at("model"), "quorumd");
    EXPECT_EQ(keys.at("votes"), "2");
    EXPECT_EQ(keys.at("timeout"), "3000");
    EXPECT_EQ(keys.at("sync_timeout"), "3000");
}

TEST(DeviceSettingsTest, AllMistakesAreNamedAtOnce) {
    auto keys = keys_of(settings());
    keys["votes"] = "none";
    keys["quorumd.uuid1"] = "12";
    keys["quorumd.colour"] = "red";
    const auto said = mistake(keys);
    EXPECT_NE(said.find("quorum.device.votes: wants a number from 1"), std::string::npos) << said;
    EXPECT_NE(said.find("quorum.device.quorumd.uuid1"), std::string::npos) << said;
    EXPECT_NE(said.find("quorum.device.quorumd.colour: is not known"), std::string::npos) << said;
}

TEST(DeviceSettingsTest, OtherProgramsKeysAreTheirOwn) {
    auto keys = keys_of(settings());
    keys["net.host"] = "arbiter";
    EXPECT_EQ(mistake(keys), "");
}

TEST(DeviceSettingsTest, OneOrThreeDisksDecide) {
    auto two = settings();
    two.disks.push_back({"/b", {1, 2}});
    EXPECT_NE(mistake(keys_of(two)).find("one or three"), std::string::npos);
    auto none = settings();
    none.disks.clear();
    EXPECT_NE(mistake(keys_of(none)).find("one or three"), std::string::npos);
}

TEST(DeviceSettingsTest, ConstantsThatAreNotSafeAreRefusedByTheInequality) {
    auto unsafe = settings();
    unsafe.timing.sync_timeout = Timing::ms(30'000);
    const auto read = parse_device(keys_of(unsafe));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, errc::unsafe_timing);
    EXPECT_NE(read.error().detail.find("silence > sync_timeout"), std::string::npos);
}

TEST(DeviceSettingsTest, ADiskThatIsAnotherIsToldByWhatDiffers) {
    const auto wanted = settings();
    Header header;
    header.cluster = wanted.cluster;
    header.disk = wanted.disks[0].uuid;
    header.timing = wanted.timing;
    header.label = "mail";
    EXPECT_EQ(difference(header, wanted, header.disk), "");

    auto other = header;
    other.cluster = {9, 9};
    EXPECT_NE(difference(other, wanted, header.disk).find("another cluster (mail"),
              std::string::npos);
    other = header;
    other.disk = {9, 9};
    EXPECT_NE(difference(other, wanted, header.disk).find("not disk"), std::string::npos);
    other = header;
    other.timing.lease = Timing::ms(1);
    EXPECT_EQ(difference(other, wanted, header.disk),
              "it says quorumd.lease 1 ms, corosync.conf says 4000 ms");
}

TEST(DeviceSettingsTest, AUuidHasThirtyTwoDigits) {
    EXPECT_EQ(*parse_uuid("00000000000000c100000000000000C2"), (Uuid{0xc1, 0xc2}));
    EXPECT_FALSE(parse_uuid("00000000000000c100000000000000c"));
    EXPECT_FALSE(parse_uuid("00000000000000c100000000000000cg"));
}

}  // namespace
}  // namespace quorate::quorum
