#include <gtest/gtest.h>

#include "pages.hpp"
#include "quorum/errc.hpp"
#include "support/hex.hpp"

namespace quorate::quorum {
namespace {

using support::hex;

// Envelope, fields and checksum of a page; between the last two are zeros.
std::string written(const std::string& page) {
    const auto size = ByteReader(std::string_view(page).substr(8)).u32();
    return hex(page.substr(0, kEnvelopeBytes + size)) + hex(page.substr(kPageBytes - 4));
}

TEST(QuorumDisk, TheDocumentedHeader) {
    EXPECT_EQ(written(encode(testing::header(), 0)),
              "5144534b"                          // QDSK
              "0100"                              // version 1.0
              "0100"                              // kind
              "46000000"                          // octets of fields
              "00000000"                          // owner
              "0100000000000000"                  // sequence
              "00000000000000c100000000000000c2"  // cluster
              "00000000"                          // copy, reserved
              "01000000"                          // each page has two sides
              "00000000000000d100000000000000d2"  // disk
              "00014000"                          // the first of one, 64 places
              "e8030000"                          // heartbeat 1,000 ms
              "d0070000"                          // late I/O 2,000 ms
              "88130000"                          // lease 5,000 ms
              "f4010000"                          // poll 500 ms
              "b80b0000"                          // vote timeout 3,000 ms
              "a8610000"                          // sync timeout 25,000 ms
              "88130000"                          // watchdog 5,000 ms
              "e02e0000"                          // silence 12,000 ms
              "e8030000"                          // guard 1,000 ms
              "e8030000"                          // clock error 1,000 ppm
              "04006d61696c"                      // label "mail"
              "2a9b4d5e");
}

TEST(QuorumDisk, TheDocumentedHeartbeat) {
    EXPECT_EQ(written(encode(testing::heartbeat())),
              "5144534b"                          // QDSK
              "0100"                              // version 1.0
              "0200"                              // kind
              "7e000000"                          // octets of fields
              "02000000"                          // owner
              "2c01000000000000"                  // sequence
              "00000000000000c100000000000000c2"  // cluster
              "00000000"                          // copy, reserved
              "a200000000000000"                  // incarnation 0xa2
              "00000000000000b100000000000000b2"  // boot
              "01000000"                          // ring: representative 1
              "0800000000000000"                  // ring: sequence 8
              "0300000000000000"                  // members 1 and 2
              "02000000"                          // 2 votes
              "06010000"                          // HOLD, trusted
              "00000000"                          // score
              "0500000000000000"                  // held 5
              "0400000000000000"                  // released 4
              "0300000000000000"                  // closed 3
              "0000000000000000"                  // needed 0
              "0000000000000000"                  // no wards
              "00000000"                          // disk step 0
              "02"                                // two echoes
              "012201000000000000"                // node 1: 290
              "022b01000000000000"                // node 2: 299
              "05007269646572"                    // rider "rider"
              "a05321d7");
}

TEST(QuorumDisk, TheDocumentedBallot) {
    EXPECT_EQ(written(encode(testing::ballot())),
              "5144534b"                          // QDSK
              "0100"                              // version 1.0
              "0300"                              // kind
              "48000000"                          // octets of fields
              "01000000"                          // owner
              "0300000000000000"                  // sequence
              "00000000000000c100000000000000c2"  // cluster
              "00000000"                          // copy, reserved
              "0500000000000000"                  // epoch 5
              "4100000000000000"                  // entered 65
              "4100000000000000"                  // accepted 65
              "01000000"                          // award: ring: representative
              "0800000000000000"                  // ring: sequence
              "0300000000000000"                  // members 1 and 2
              "0500000000000000"                  // committed 5
              "01000000"                          // its award
              "0800000000000000"
              "0300000000000000"
              "81408ed2");
}

TEST(QuorumDisk, TheDocumentedRequest) {
    EXPECT_EQ(written(encode(testing::request())),
              "5144534b"                          // QDSK
              "0100"                              // version 1.0
              "0400"                              // kind
              "21000000"                          // octets of fields
              "01000000"                          // owner
              "0100000000000000"                  // sequence
              "00000000000000c100000000000000c2"  // cluster
              "00000000"                          // copy, reserved
              "01"                                // one fence
              "02000000"                          // node 2
              "a200000000000000"                  // incarnation 0xa2
              "0500000000000000"                  // epoch 5
              "040068756e67"                      // "hung"
              "04006e6f7465"                      // note "note"
              "0e1d8d88");
}

TEST(QuorumDisk, TheDocumentedWitness) {
    EXPECT_EQ(written(encode(testing::witness())),
              "5144534b"                          // QDSK
              "0100"                              // version 1.0
              "0500"                              // kind
              "3d000000"                          // octets of fields
              "01000000"                          // owner
              "0100000000000000"                  // sequence
              "00000000000000c100000000000000c2"  // cluster
              "00000000"                          // copy, reserved
              "01"                                // one set
              "00000000000000e100000000000000e2"  // set
              "00000000000000f100000000000000f2"  // lineage
              "0700000000000000"                  // generation 7
              "cdab000000000000"                  // its id
              "0800000000000000"                  // a change numbered 8 was begun
              "03000000"                          // members 0 and 1
              "87890c7c");
}

TEST(QuorumDisk, EveryPageIsReadAsWritten) {
    EXPECT_EQ(*decode_header(encode(testing::header(), 1)), testing::header());
    EXPECT_EQ(*decode_heartbeat(encode(testing::heartbeat()), NodeId(2)), testing::heartbeat());
    EXPECT_EQ(*decode_ballot(encode(testing::ballot()), NodeId(1)), testing::ballot());
    EXPECT_EQ(*decode_request(encode(testing::request()), NodeId(1)), testing::request());
    EXPECT_EQ(*decode_witness(encode(testing::witness()), NodeId(1)), testing::witness());
}

TEST(QuorumDisk, TheLargestPagesFit) {
    auto heartbeat = testing::heartbeat();
    heartbeat.echoes.clear();
    for (std::uint32_t node = 1; node <= kMaxNodes; ++node) {
        heartbeat.echoes.push_back({NodeId(node), ~std::uint64_t{0}});
    }
    heartbeat.rider.assign(kMaxRider, 'r');
    EXPECT_EQ(*decode_heartbeat(encode(heartbeat), NodeId(2)), heartbeat);

    auto request = testing::request();
    request.fences.assign(kMaxFences, {NodeId(64), Incarnation(1), Epoch(1), std::string(64, 'x')});
    request.note.assign(kMaxNote, 'n');
    EXPECT_EQ(*decode_request(encode(request), NodeId(1)), request);

    auto witness = testing::witness();
    witness.sets.clear();
    for (std::uint64_t set = 0; set < kMaxWitnessed; ++set) {
        witness.sets.push_back({{1, set}, {2, set}, set, ~set, set + 1, 0x3f});
    }
    EXPECT_EQ(*decode_witness(encode(witness), NodeId(1)), witness);
}

// Of each page: fields that end early, or go on.
TEST(QuorumDisk, FieldsOfAnotherLengthAreDamage) {
    const auto spoil = [](std::string page, int by) {
        page[8] = static_cast<char>(page[8] + by);
        testing::seal_again(page);
        return page;
    };
    for (const int by : {-1, 1}) {
        EXPECT_FALSE(decode_header(spoil(encode(testing::header(), 0), by)));
        EXPECT_FALSE(decode_heartbeat(spoil(encode(testing::heartbeat()), by), NodeId(2)));
        EXPECT_FALSE(decode_ballot(spoil(encode(testing::ballot()), by), NodeId(1)));
        EXPECT_FALSE(decode_request(spoil(encode(testing::request()), by), NodeId(1)));
        EXPECT_FALSE(decode_witness(spoil(encode(testing::witness()), by), NodeId(1)));
    }
}

TEST(QuorumDisk, WhatCannotBeIsDamage) {
    auto heartbeat = testing::heartbeat();
    heartbeat.released = Epoch(6);
    EXPECT_FALSE(decode_heartbeat(encode(heartbeat), NodeId(2)));
    heartbeat = testing::heartbeat();
    heartbeat.state = static_cast<VoterState>(9);
    EXPECT_FALSE(decode_heartbeat(encode(heartbeat), NodeId(2)));
    heartbeat = testing::heartbeat();
    heartbeat.echoes = {{NodeId(2), 1}, {NodeId(1), 1}};
    EXPECT_FALSE(decode_heartbeat(encode(heartbeat), NodeId(2)));

    auto ballot = testing::ballot();
    ballot.accepted = ballot.entered + 1;
    EXPECT_FALSE(decode_ballot(encode(ballot), NodeId(1)));
    ballot = testing::ballot();
    ballot.committed = Epoch(6);
    EXPECT_FALSE(decode_ballot(encode(ballot), NodeId(1)));

    auto request = testing::request();
    request.fences[0].target = NodeId(65);
    EXPECT_FALSE(decode_request(encode(request), NodeId(1)));

    auto witness = testing::witness();
    witness.sets.push_back(witness.sets.front());
    EXPECT_FALSE(decode_witness(encode(witness), NodeId(1)));
}

TEST(QuorumDisk, AHeaderSaysWhichOfOneOrThree) {
    auto header = testing::header();
    header.count = 3;
    header.index = 2;
    EXPECT_TRUE(decode_header(encode(header, 0)));
    header.index = 3;
    EXPECT_FALSE(decode_header(encode(header, 0)));
    header.index = 0;
    header.count = 2;
    EXPECT_FALSE(decode_header(encode(header, 0)));
    header = testing::header();
    header.nodes = kMaxNodes + 1;
    EXPECT_FALSE(decode_header(encode(header, 0)));
}

TEST(QuorumDisk, AHeaderWithUnsafeTimingIsRefused) {
    auto header = testing::header();
    header.timing.silence = header.timing.lease;
    EXPECT_EQ(decode_header(encode(header, 0)).error().code, errc::unsafe_timing);
}

TEST(QuorumDisk, AFeatureThatIsNotKnownIsRefused) {
    auto page = encode(testing::header(), 0);
    page[kEnvelopeBytes] = 3;
    testing::seal_again(page);
    EXPECT_EQ(decode_header(page).error().code, errc::unsupported_version);
}

TEST(QuorumDisk, OneSoundHeaderIsEnough) {
    const auto first = encode(testing::header(), 0);
    const auto second = encode(testing::header(), 1);
    EXPECT_TRUE(decode_header(first, std::string(kPageBytes, 'x')));
    EXPECT_TRUE(decode_header(std::string(kPageBytes, 'x'), second));
    EXPECT_EQ(
        decode_header(std::string(kPageBytes, '\0'), std::string(kPageBytes, '\0')).error().code,
        errc::blank);
}

// A copy that asks for more than this program knows is not passed over for an older one.
TEST(QuorumDisk, ANewerHeaderIsNotPassedOver) {
    auto newer = encode(testing::header(), 0);
    newer[4] = 2;
    testing::seal_again(newer);
    EXPECT_EQ(decode_header(newer, encode(testing::header(), 1)).error().code,
              errc::unsupported_version);
}

}  // namespace
}  // namespace quorate::quorum
