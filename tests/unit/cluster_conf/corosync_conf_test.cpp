#include "cluster/corosync_conf.hpp"

#include <string>

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

constexpr std::string_view kFile = R"(# Ours since 2019.
totem {
    version: 2
    cluster_name: lab
    transport: knet
    # slow links
    token: 3000
}

nodelist {
    node {
        name: n1
        nodeid: 1
        ring0_addr: 10.77.0.1
        ring1_addr: 10.77.1.1
    }
    node {
        name: n2
        nodeid: 2
        ring0_addr: 10.77.0.2
        ring1_addr: 10.77.1.2
        quorum_votes: 3
    }
}
quorum {
    provider: corosync_votequorum
    device {
        model: disk
        votes: 1
    }
}
)";

std::string without(std::string_view line) {
    std::string text(kFile);
    const auto at = text.find(line);
    text.erase(at, line.size());
    return text;
}

std::string error_of(std::string_view text) {
    const auto parsed = CorosyncConf::parse(text, "c.conf");
    return parsed ? "" : parsed.error().detail;
}

TEST(CorosyncConf, AFileIsWrittenAsItWasRead) {
    const auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf) << conf.error().to_string();
    EXPECT_EQ(conf->text(), kFile);
    EXPECT_EQ(conf->cluster_name(), "lab");
    EXPECT_EQ(conf->value("totem", "token"), "3000");
    EXPECT_EQ(conf->value("totem", "absent"), "");
    ASSERT_EQ(conf->nodes().size(), 2U);
    EXPECT_EQ(conf->nodes()[1], (CorosyncConf::Node{"n2", 2, {"10.77.0.2", "10.77.1.2"}, 3}));
}

TEST(CorosyncConf, EveryTruncationIsReadOrRefusedWithAReason) {
    for (std::size_t size = 0; size < kFile.size(); ++size) {
        const auto parsed = CorosyncConf::parse(kFile.substr(0, size), "c.conf");
        if (!parsed) {
            EXPECT_EQ(parsed.error().detail.rfind("c.conf:", 0), 0U) << parsed.error().detail;
        }
    }
}

TEST(CorosyncConf, MistakesAreNamedWithFileAndLine) {
    EXPECT_EQ(error_of("totem { version: 2 }\n"),
              "c.conf:1: neither \"key: value\" nor \"section {\" nor \"}\" alone on its line");
    EXPECT_EQ(error_of("totem {\n"), "c.conf:1: section totem is never closed");
    EXPECT_EQ(error_of("}\n"), "c.conf:1: \"}\" closes nothing");
    EXPECT_EQ(error_of("totem\n{\n"),
              "c.conf:1: neither \"key: value\" nor \"section {\" nor \"}\" alone on its line");
    EXPECT_EQ(error_of("{\n"), "c.conf:1: a section begins with its name and \"{\" on one line");
    EXPECT_EQ(error_of(std::string(1001, 'a') + "\n"), "c.conf:1: line of more than 1000 octets");
    EXPECT_EQ(error_of(without("        nodeid: 2\n")),
              "c.conf:17: node without a nodeid from 1 to 2147483647");
    EXPECT_EQ(error_of(without("        ring1_addr: 10.77.1.2\n")),
              "c.conf:17: node 2 has 1 addresses, the nodes before it have 2");
    EXPECT_EQ(error_of(without("    version: 2\n")), "c.conf: totem { version: 2 } is missing");
    EXPECT_EQ(error_of(without("    provider: corosync_votequorum\n")),
              "c.conf: quorum { provider: corosync_votequorum } is missing");
    EXPECT_EQ(error_of(std::string("totem {\n\0}\n", 11)), "c.conf: contains a NUL octet");
    EXPECT_EQ(error_of(std::string((1 << 20) + 1, '\n')), "c.conf: larger than 1 MiB");
}

TEST(CorosyncConf, WhatTwoNodesCannotShareIsRefused) {
    auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf);
    const auto refusal = [&](CorosyncConf::Node node) {
        const auto added = conf->add_node(node);
        return added ? "" : added.error().detail;
    };
    EXPECT_EQ(refusal({"n3", 2, {"10.77.0.3", "10.77.1.3"}}),
              "corosync.conf: nodeid 2 is given twice: each node has its own");
    EXPECT_EQ(refusal({"N2", 3, {"10.77.0.3", "10.77.1.3"}}),
              "corosync.conf: the name N2 is given twice: each node has its own");
    EXPECT_EQ(
        refusal({"n3", 3, {"10.77.0.3", "10.77.1.2"}}),
        "corosync.conf: the address 10.77.1.2 is given twice: each ring of a node has its own");
    EXPECT_EQ(refusal({"n3", 3, {}}), "corosync.conf: node 3 has no ring0_addr");
    EXPECT_EQ(conf->text(), kFile) << "a refused change changes nothing";
}

TEST(CorosyncConf, AValueThatBreaksOutOfItsLineIsRefused) {
    auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf);
    for (const auto* name :
         {"n3\n        quorum_votes: 99", "n3\n}", "n3\n", " n3", "n3 ", "#n3 {", "}"}) {
        EXPECT_FALSE(conf->add_node({name, 3, {"10.77.0.3", "10.77.1.3"}})) << name;
    }
    EXPECT_FALSE(conf->add_node({"n3", 3, {"10.77.0.3\n        quorum_votes: 99", "10.77.1.3"}}));
    EXPECT_EQ(conf->text(), kFile);
    CorosyncConf::NewCluster cluster;
    cluster.nodes = {{"n1", 1, {"10.77.0.1"}}};
    cluster.name = "demo\n    token: 1";
    EXPECT_FALSE(CorosyncConf::create(cluster));
    cluster.name = "demo";
    EXPECT_TRUE(CorosyncConf::create(cluster));
}

TEST(CorosyncConf, NodesComeAndGo) {
    auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf);
    EXPECT_EQ(conf->free_id(), 3U);
    ASSERT_TRUE(conf->add_node({"n3", 3, {"10.77.0.3", "10.77.1.3"}}));
    EXPECT_EQ(conf->nodes().size(), 3U);
    ASSERT_TRUE(conf->remove_node("n1"));
    EXPECT_EQ(conf->free_id(), 1U);
    const auto again = CorosyncConf::parse(conf->text(), "c.conf");
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(again->nodes(), conf->nodes());
    EXPECT_FALSE(conf->remove_node("n1"));
    ASSERT_TRUE(conf->remove_node("n2"));
    EXPECT_EQ(
        conf->remove_node("n3").error().detail,
        "corosync.conf: n3 is the only node: to end the cluster, stop clusterd and Corosync there");
}

TEST(CorosyncConf, ANodeIsGivenVotesAndLosesThem) {
    auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf);
    ASSERT_TRUE(conf->add_node({"n3", 3, {"10.77.0.3", "10.77.1.3"}, 0}));
    ASSERT_TRUE(conf->set_votes("n3", 1));
    EXPECT_EQ(conf->nodes().back().votes, 1U);
    const auto once = conf->text();
    ASSERT_TRUE(conf->set_votes("n1", 1));
    EXPECT_EQ(conf->text(), once) << "one vote is what a node has without being told";
    ASSERT_TRUE(conf->set_votes("n1", 2));
    EXPECT_EQ(conf->nodes().front().votes, 2U);
    EXPECT_EQ(conf->set_votes("n9", 1).error().detail, "corosync.conf: no node n9 in the nodelist");
    EXPECT_FALSE(conf->set_votes("n1", 65'536));
    EXPECT_EQ(conf->nodes().front().votes, 2U);
}

TEST(CorosyncConf, ValuesAreSetReplacedAndRemoved) {
    auto conf = CorosyncConf::parse(kFile, "c.conf");
    ASSERT_TRUE(conf);
    conf->set("totem", "token", "1000");
    conf->set("quorum", "expected_votes", "4");
    EXPECT_EQ(conf->value("totem", "token"), "1000");
    EXPECT_EQ(conf->value("quorum", "expected_votes"), "4");
    conf->set("quorum", "expected_votes", std::nullopt);
    EXPECT_EQ(conf->value("quorum", "expected_votes"), "");
    conf->set_quorum_device(std::nullopt);
    EXPECT_EQ(conf->text().find("device"), std::string::npos);
    conf->set_quorum_device({{{"model", "net"}, {"votes", "1"}}});
    EXPECT_NE(conf->text().find("    device {\n        model: net\n        votes: 1\n    }\n"),
              std::string::npos);
}

TEST(CorosyncConf, ANewClusterHasAFileThatReadsBack) {
    CorosyncConf::NewCluster cluster;
    cluster.name = "lab";
    cluster.nodes = {{"n1", 1, {"10.77.0.1"}}, {"n2", 2, {"10.77.0.2"}, 0}};
    cluster.real_time = false;
    const auto made = CorosyncConf::create(cluster);
    ASSERT_TRUE(made) << made.error().to_string();
    const auto again = CorosyncConf::parse(made->text(), "c.conf");
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(again->nodes(), cluster.nodes);
    EXPECT_EQ(again->value("system", "sched_rr"), "no");
    cluster.nodes.clear();
    EXPECT_FALSE(CorosyncConf::create(cluster));
}

}  // namespace
}  // namespace quorate::cluster
