#include "config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace quorate::quorum {
namespace {

class QuorumdConfig : public testing::Test {
protected:
    ~QuorumdConfig() override { std::filesystem::remove(path_); }
    Result<Config> read(const std::string& text) const {
        std::ofstream(path_) << text;
        return read_config(path_);
    }
    std::string path_ = testing::TempDir() + "quorumd." + std::to_string(::getpid()) + ".toml";
};

TEST_F(QuorumdConfig, ANodeOfAStockClusterNeedsNoFile) {
    const auto config = read_config(path_);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->watchdog, "/dev/watchdog");
    EXPECT_EQ(config->port, 5411);
    EXPECT_FALSE(config->clusterd);
    EXPECT_TRUE(config->reset_when_fenced);
}

TEST_F(QuorumdConfig, ClusterdListensWhereItIsAMember) {
    EXPECT_TRUE(read("[cluster]\nname = \"mail\"\naddresses = [\"192.0.2.1:5410\"]\n")->clusterd);
    EXPECT_FALSE(read("[cluster]\nname = \"mail\"\nmembership = \"solo\"\n")->clusterd);
    EXPECT_FALSE(read("[cluster]\nname = \"mail\"\n[quorum]\nclusterd = false\n")->clusterd);
}

TEST_F(QuorumdConfig, AnUnknownKeyIsAMistakeWithItsLine) {
    const auto config = read("[quorum]\nwatchdog = \"none\"\ncolour = 1\n");
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().detail.find(":3: quorum.colour"), std::string::npos)
        << config.error().detail;
}

TEST_F(QuorumdConfig, MoreThanThreeDisksAreRefused) {
    const auto config = read("[quorum]\ndisks = [\"/a\", \"/b\", \"/c\", \"/d\"]\n");
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().detail.find("more than three disks"), std::string::npos);
}

TEST_F(QuorumdConfig, HeuristicsAreTables) {
    const auto config = read(
        "[quorum]\nwatchdog = \"none\"\n[[quorum.heuristics]]\nname = \"router\"\n"
        "command = [\"/bin/ping\", \"-c\", \"1\", \"192.0.2.1\"]\nscore = 3\ninterval_ms = 500\n"
        "[[quorum.heuristics]]\nname = \"disk\"\ncommand = [\"/bin/true\"]\n");
    ASSERT_TRUE(config) << config.error().detail;
    ASSERT_EQ(config->heuristics.size(), 2U);
    EXPECT_EQ(config->heuristics[0].name, "router");
    EXPECT_EQ(config->heuristics[0].command.size(), 4U);
    EXPECT_EQ(config->heuristics[0].score, 3U);
    EXPECT_EQ(config->heuristics[0].interval, std::chrono::milliseconds(500));
    EXPECT_EQ(config->heuristics[1].score, 1U);
    EXPECT_EQ(config->heuristics[1].timeout, std::chrono::milliseconds(2'000));
}

TEST_F(QuorumdConfig, AHeuristicsProgramHasAnAbsolutePath) {
    for (const auto* command : {"[]", "[\"ping\"]"}) {
        const auto config =
            read(std::string("[[quorum.heuristics]]\nname = \"x\"\ncommand = ") + command + "\n");
        ASSERT_FALSE(config);
        EXPECT_NE(config.error().detail.find("absolute path"), std::string::npos)
            << config.error().detail;
    }
}

TEST_F(QuorumdConfig, NineHeuristicsAreTooMany) {
    std::string text;
    for (int n = 0; n < 9; ++n) {
        text += "[[quorum.heuristics]]\nname = \"x\"\ncommand = [\"/bin/true\"]\n";
    }
    const auto config = read(text);
    ASSERT_FALSE(config);
    EXPECT_NE(config.error().detail.find("more than 8"), std::string::npos);
}

}  // namespace
}  // namespace quorate::quorum
