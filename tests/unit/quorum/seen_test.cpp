#include "seen.hpp"

#include <gtest/gtest.h>

#include "pages.hpp"
#include "quorum/errc.hpp"
#include "support/hex.hpp"
#include "voter_bench.hpp"

namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;
using testing::Bench;

std::vector<Sighting> example() {
    return {{NodeId(1), {NodeId(1), 8}, {0xb1, 0xb2}}, {NodeId(3), {NodeId(1), 4}, {}}};
}

// docs/formats/quorum-seen.md
TEST(Seen, TheDocumentedExample) {
    const std::string bytes = encode_seen(example());
    EXPECT_EQ(support::hex(bytes),
              "5153454e"                          // QSEN
              "0100"                              // version 1.0
              "0200"                              // two nodes
              "01000000"                          // node 1
              "010000000800000000000000"          // in the ring of node 1, 8
              "00000000000000b100000000000000b2"  // as that boot
              "03000000"                          // node 3
              "010000000400000000000000"          // in the ring of node 1, 4
              "00000000000000000000000000000000"  // it has not said as which
              "81865da7");
    const auto seen = decode_seen(bytes);
    ASSERT_TRUE(seen);
    EXPECT_EQ(*seen, example());
}

TEST(Seen, EveryDamagedOctetIsNoticed) {
    const auto bytes = encode_seen(example());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        auto damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        EXPECT_FALSE(decode_seen(damaged)) << at;
        EXPECT_FALSE(decode_seen(bytes.substr(0, at))) << at;
    }
}

std::string sealed(std::string body) {
    ByteWriter(body).u32(crc32c(body));
    return body;
}

TEST(Seen, ANewerMinorVersionMayHaveMoreFieldsAndAnotherMajorIsRefused) {
    auto body = encode_seen(example());
    body.resize(body.size() - 4);
    auto newer = body + "more";
    EXPECT_FALSE(decode_seen(sealed(newer)));
    newer[5] = 1;
    EXPECT_TRUE(decode_seen(sealed(newer)));
    body[4] = 2;
    EXPECT_EQ(decode_seen(sealed(body)).error().code, errc::unsupported_version);
}

TEST(Seen, ANodeWithoutAPlaceIsDamage) {
    for (const std::uint32_t node : {0U, 65U}) {
        EXPECT_FALSE(decode_seen(encode_seen({{NodeId(node), {}, {}}})));
    }
}

// What is damaged may have said that a machine has started again: its old page proves nothing, to
// nobody who is in a ring with the one that forgot.
TEST(Seen, WhatSomebodyForgotLetsNobodyBeFencedBySilenceThatWasNotSeenSince) {
    Bench bench(3);
    bench.start_all();
    bench.reboot(3);
    bench.kill(1);
    bench.kill(2);
    bench.forget(2, "damaged");
    bench.start(1);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(30'000));
    bench.feed(1, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    ASSERT_EQ(bench.fences().size(), 1U);
    EXPECT_FALSE(bench.fences().front().done) << bench.fences().front().text;
}

}  // namespace
}  // namespace quorate::quorum
