#include "quorum/io/fitness.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

namespace fs = std::filesystem;

TEST(QuorumDiskFitness, FileSystemsThatMayCacheAreRefusedWithTheReason) {
    EXPECT_TRUE(objection_to_file_system(FUSE_SUPER_MAGIC).find("FUSE") != std::string::npos);
    EXPECT_TRUE(objection_to_file_system(0xff534d42).find("SMB") != std::string::npos);
    EXPECT_TRUE(objection_to_file_system(V9FS_MAGIC).find("9p") != std::string::npos);
    EXPECT_TRUE(objection_to_file_system(TMPFS_MAGIC).find("memory") != std::string::npos);
    EXPECT_TRUE(objection_to_file_system(OVERLAYFS_SUPER_MAGIC).find("own copy") !=
                std::string::npos);
}

TEST(QuorumDiskFitness, FileSystemsThatNeedQuorumThemselvesAreRefused) {
    EXPECT_TRUE(objection_to_file_system(0x01161970).find("GFS2") != std::string::npos);
    EXPECT_TRUE(objection_to_file_system(OCFS2_SUPER_MAGIC).find("OCFS2") != std::string::npos);
}

TEST(QuorumDiskFitness, DirectFileSystemsAreTaken) {
    EXPECT_EQ(objection_to_file_system(EXT4_SUPER_MAGIC), "");
    EXPECT_EQ(objection_to_file_system(NFS_SUPER_MAGIC), "");
}

TEST(QuorumDiskFitness, DevicesThatEachMachineMakesForItselfAreRefused) {
    EXPECT_NE(objection_to_device({.name = "md0", .mapper = {}, .array = true}), "");
    EXPECT_NE(objection_to_device({.name = "drbd1", .mapper = {}}), "");
    EXPECT_NE(objection_to_device({.name = "zram0", .mapper = {}}), "");
    EXPECT_NE(objection_to_device({.name = "loop3", .mapper = {}, .buffered = true}), "");
    EXPECT_NE(objection_to_device({.name = "dm-1", .mapper = "LVM-raid", .parts = 2}), "");
}

TEST(QuorumDiskFitness, PathsToOneDiskAreNotAMirror) {
    EXPECT_EQ(objection_to_device({.name = "sda1", .mapper = {}}), "");
    EXPECT_EQ(objection_to_device({.name = "dm-0", .mapper = "mpath-3600", .parts = 4}), "");
    EXPECT_EQ(objection_to_device({.name = "dm-2", .mapper = "LVM-abc", .parts = 1}), "");
}

TEST(QuorumDiskFitness, APartitionIsJudgedByItsDisk) {
    const auto folder = fs::path(testing::TempDir()) / "quorum_fitness";
    fs::remove_all(folder);
    fs::create_directories(folder / "md0" / "md");
    fs::create_directories(folder / "md0" / "md0p1");
    fs::create_directories(folder / "md0" / "slaves" / "sda");
    fs::create_directories(folder / "md0" / "slaves" / "sdb");
    std::ofstream(folder / "md0" / "md0p1" / "partition") << "1\n";

    const auto device = describe_device((folder / "md0" / "md0p1").string());

    EXPECT_EQ(device.name, "md0p1");
    EXPECT_TRUE(device.array);
    EXPECT_EQ(device.parts, 2U);
    fs::remove_all(folder);
}

TEST(QuorumDiskFitness, AMemberOfAShadowSetIsRefused) {
    EXPECT_NE(objection_to_content("QSHL\1\0"), "");
    EXPECT_EQ(objection_to_content(std::string(4096, '\0')), "");
}

TEST(QuorumDiskFitness, WhatIsNoDiskIsRefused) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const auto status = check_fitness(null, "/dev/null");
    ::close(null);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, errc::unfit);
}

}  // namespace
}  // namespace quorate::quorum
