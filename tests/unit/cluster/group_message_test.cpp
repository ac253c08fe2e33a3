#include "cluster/group_message.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "cluster/errc.hpp"
#include "support/hex.hpp"

namespace quorate::cluster {
namespace {

MemberId life(std::uint32_t node, std::uint64_t incarnation) {
    return {NodeId(node), Incarnation(incarnation)};
}

Configuration configuration() { return {{NodeId(1), 8}, 0x1122334455667788}; }

Hello hello() {
    Hello hello;
    hello.configuration = configuration();
    hello.attempt = 3;
    hello.self.id = life(2, 0xb2);
    hello.self.name = "n2";
    hello.self.software = "0.1.0";
    hello.self.addresses = {"10.77.0.2:5410", "10.77.1.2:5410"};
    hello.self.votes = 1;
    hello.self.directory_weight = 1;
    hello.self.levels = {1, 2};
    hello.cluster_name = "orchard";
    hello.key_fingerprint = "0123456789abcdef";
    hello.floor = Epoch(9);
    hello.lineage.epoch = Epoch(8);
    hello.lineage.level = 1;
    hello.lineage.members = {life(1, 0xb1), life(2, 0xb2)};
    hello.lineage.lost = {life(3, 0xb3)};
    hello.joined = Epoch(8);
    hello.quorate = true;
    hello.expected_votes = 3;
    hello.quorum = 2;
    hello.disk_votes = 1;
    hello.wanted_level = 2;
    hello.taken_over = {life(3, 0xb3)};
    hello.self.draining = true;
    return hello;
}

std::vector<GroupMessage> examples() {
    return {hello(), Vouch{configuration(), Epoch(10), 0x99},
            Silent{configuration(), {NodeId(3), 4711}, 2},
            Fencing{Epoch(10), life(3, 0xb3), {"lease", "serving"}}};
}

// The worked example of docs/formats/group-message.md.
TEST(GroupMessage, TheDocumentedExample) {
    EXPECT_EQ(support::hex(encode(Vouch{configuration(), Epoch(10), 0x99})),
              "51475250"          // magic
              "0102"              // version
              "0200"              // a vouch
              "01000000"          // ring: representative
              "0800000000000000"  // and sequence
              "8877665544332211"  // group
              "0a00000000000000"  // epoch
              "9900000000000000"  // proposal
              "94b99eaa");
}

TEST(GroupMessage, EveryKindIsReadAsWritten) {
    for (const auto& message : examples()) {
        const auto read = decode_group_message(encode(message));
        ASSERT_TRUE(read) << message.index();
        EXPECT_EQ(*read, message);
    }
}

TEST(GroupMessage, EveryDamagedByteAndEveryCutIsNoticed) {
    for (const auto& message : examples()) {
        const auto bytes = encode(message);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            auto damaged = bytes;
            damaged[i] = static_cast<char>(damaged[i] ^ 0x01);
            EXPECT_FALSE(decode_group_message(damaged)) << "byte " << i;
            EXPECT_FALSE(decode_group_message(bytes.substr(0, i))) << "cut at " << i;
        }
    }
}

std::string sealed(std::string bytes) {
    ByteWriter(bytes).u32(crc32c(bytes));
    return bytes;
}

TEST(GroupMessage, ANewerMinorVersionMayAddFields) {
    auto bytes = encode(Vouch{configuration(), Epoch(10), 0x99});
    bytes.resize(bytes.size() - 4);
    EXPECT_FALSE(decode_group_message(sealed(bytes + "more")));
    bytes[5] = 3;
    EXPECT_TRUE(decode_group_message(sealed(bytes + "more")));
}

TEST(GroupMessage, AHelloOfMinorVersion0IsOfANodeThatDoesNotDrain) {
    auto bytes = encode(hello());
    bytes[5] = 0;
    bytes.resize(bytes.size() - 13);
    auto expected = hello();
    expected.self.draining = false;
    const auto read = decode_group_message(sealed(bytes));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Hello>(*read), expected);
}

TEST(GroupMessage, AHelloOfMinorVersion1DoesNotSayWhatItMayHaveJoined) {
    auto bytes = encode(hello());
    bytes[5] = 1;
    bytes.resize(bytes.size() - 12);
    const auto read = decode_group_message(sealed(bytes));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Hello>(*read), hello());
}

TEST(GroupMessage, WhoJoinedDoesNotDoubtIt) {
    auto fresh = hello();
    fresh.joined = Epoch(0);
    fresh.may_have_joined = Epoch(7);
    EXPECT_EQ(std::get<Hello>(*decode_group_message(encode(fresh))), fresh);
    fresh.joined = Epoch(8);
    EXPECT_FALSE(decode_group_message(encode(fresh)));
}

TEST(GroupMessage, AnotherMajorVersionIsToldApartFromDamage) {
    auto bytes = encode(Vouch{});
    bytes[4] = 2;
    EXPECT_EQ(decode_group_message(bytes).error().code, errc::unsupported_version);
}

TEST(GroupMessage, CountsOverTheirLimitsAreRefusedBeforeMemoryIsTaken) {
    auto lost = hello();
    lost.lineage.lost.assign(kMaxLost + 1, life(3, 3));
    EXPECT_FALSE(decode_group_message(encode(lost)));
    auto rings = hello();
    rings.self.addresses.assign(kMaxRings + 1, "a:1");
    EXPECT_FALSE(decode_group_message(encode(rings)));
    auto name = hello();
    name.self.name.assign(kMaxText + 1, 'x');
    EXPECT_FALSE(decode_group_message(encode(name)));
    Fencing fencing{Epoch(1), life(1, 1), {}};
    fencing.waiting.assign(kMaxFencers + 1, "f");
    EXPECT_FALSE(decode_group_message(encode(fencing)));
    EXPECT_EQ(decode_group_message(std::string(kMaxGroupMessage + 1, 'x')).error().code,
              errc::too_large);
}

TEST(GroupMessage, AConfigurationIsTheRingAndWhoIsInTheGroup) {
    const RingId ring{NodeId(1), 8};
    const std::vector<GroupMember> two{{NodeId(1), 10}, {NodeId(2), 20}};
    const std::vector<GroupMember> restarted{{NodeId(1), 10}, {NodeId(2), 21}};
    EXPECT_EQ(configuration_of(ring, two), configuration_of(ring, two));
    EXPECT_NE(configuration_of(ring, two), configuration_of(ring, restarted));
    EXPECT_NE(configuration_of(ring, two), configuration_of({NodeId(1), 12}, two));
}

}  // namespace
}  // namespace quorate::cluster
