#include "config.hpp"

#include <gtest/gtest.h>

#include "support/scratch.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;

const std::string kSolo = "[cluster]\nmembership = \"solo\"\nnode = \"one\"\n";
const std::string kMember =
    "[cluster]\nname = \"demo\"\nnode = \"n1\"\naddresses = [\"192.0.2.1:5410\", "
    "\"198.51.100.1:5410\"]\n";

class ConfigFile : public ::testing::Test {
protected:
    Result<Config> read(const std::string& text) const {
        return read_config(scratch_.write("quorate.toml", text));
    }
    // What is wrong with it; empty: nothing.
    std::string mistake(const std::string& text) const {
        const auto config = read(text);
        return config ? "" : config.error().detail;
    }

    support::Scratch scratch_;
};

TEST_F(ConfigFile, SoloNeedsNothingButANameForItself) {
    const auto config = read(kSolo);
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_TRUE(config->solo);
    EXPECT_EQ(config->node, "one");
    EXPECT_EQ(config->name, "one") << "the cluster is called as its node";
    EXPECT_FALSE(config->run_commands);
}

TEST_F(ConfigFile, EveryKeyOfAMember) {
    const auto config =
        read(kMember +
             "directory_weight = 7\nlease_ms = 900\nbusy_poll_us = 0\nkey_file = \"k\"\n"
             "corosync_conf = \"c\"\nrun_commands = true\nuser = \"u\"\n"
             "group = \"g\"\n[node]\nlog_level = \"warn\"\n");
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_FALSE(config->solo);
    EXPECT_EQ(config->name, "demo");
    EXPECT_EQ(config->addresses, (std::vector<std::string>{"192.0.2.1:5410", "198.51.100.1:5410"}));
    EXPECT_EQ(config->directory_weight, 7U);
    EXPECT_EQ(config->lease, milliseconds(900));
    EXPECT_EQ(config->busy_poll.count(), 0);
    EXPECT_EQ(config->key_file, "k");
    EXPECT_EQ(config->corosync_conf, "c");
    EXPECT_TRUE(config->run_commands);
    EXPECT_EQ(config->user, "u");
    EXPECT_EQ(config->group, "g");
    EXPECT_EQ(config->log_level, LogLevel::kWarn);
}

TEST_F(ConfigFile, TheTablesOfOtherDaemonsAreTheirs) {
    EXPECT_EQ(mistake("[mail]\nanything = 1\n[node]\nname = \"x\"\nuser = \"y\"\n" + kSolo), "");
}

TEST_F(ConfigFile, EachMistakeIsNamed) {
    const auto names = [&](const std::string& text, const std::string& wanted) {
        const auto said = mistake(text);
        EXPECT_NE(said.find(wanted), std::string::npos) << text << said;
    };
    names(kSolo + "nodes = 3\n", "cluster.nodes: unknown key");
    names("[cluster]\nnode = \"n1\"\naddresses = [\"192.0.2.1:1\"]\n", "cluster.name: is missing");
    names("[cluster]\nname = \"x\"\n", "cluster.addresses: wants this node's address");
    names("[cluster]\nname = \"x\"\naddresses = [\"/run/x\"]\n", "cluster.addresses:");
    names("[cluster]\nname = \"x\"\naddresses = [\"192.0.2.1:1\", \"192.0.2.1:1\"]\n",
          "is there twice");
    names("[cluster]\nmembership = \"solo\"\nnode = \"\"\n", "cluster.node: is empty");
    names(kSolo + "name = \"" + std::string(256, 'x') + "\"\n", "is longer than 255 octets");
    names(kSolo + "lease_ms = 799\n", "cluster.lease_ms:");
    names(kSolo + "lease_ms = 5001\n", "cluster.lease_ms:");
    names(kSolo + "busy_poll_us = 1001\n", "cluster.busy_poll_us:");
    names(kSolo + "directory_weight = 1001\n", "cluster.directory_weight:");
    names(kSolo + "run_commands = \"yes\"\n", "cluster.run_commands:");
    names("[cluster]\nmembership = \"alone\"\n", "cluster.membership:");
}

TEST_F(ConfigFile, ManyMistakesAreSaidAtOnceWithTheirLines) {
    const auto said = mistake(kSolo + "lease_ms = 1\nnodes = 3\n");
    EXPECT_NE(said.find("quorate.toml:4: "), std::string::npos) << said;
    EXPECT_NE(said.find("quorate.toml:5: "), std::string::npos) << said;
}

}  // namespace
}  // namespace quorate::cluster
