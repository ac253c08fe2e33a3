#include "frame.hpp"

#include <gtest/gtest.h>

#include "cluster/errc.hpp"
#include "support/hex.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Frames of a stream that came in these pieces; `error` is what ended it.
struct Read {
    std::vector<Frame> frames;
    std::error_code error;
    bool at_boundary = true;
};

Read read(const std::vector<std::string_view>& pieces) {
    Read read;
    FrameReader reader;
    for (auto piece : pieces) {
        for (;;) {
            auto frame = reader.next(piece);
            if (!frame) {
                read.error = frame.error().code;
                return read;
            }
            if (!*frame) {
                break;
            }
            read.frames.push_back(std::move(**frame));
        }
    }
    read.at_boundary = reader.at_boundary();
    return read;
}

CircuitHello hello() {
    CircuitHello hello;
    hello.from = {NodeId(1), Incarnation(0xa1)};
    hello.to = {NodeId(2), Incarnation(0xb2)};
    hello.cluster_name = "demo";
    hello.ring = 1;
    hello.levels = {1, 2};
    hello.since = Epoch(7);
    hello.next = 5;
    return hello;
}

std::string conversation() {
    std::string bytes = encode(hello());
    append_frame(bytes, FrameType::kMessage, Epoch(7), 1, "abc", Channel(3));
    append_frame(bytes, FrameType::kMessage, Epoch(8), 2, "", Channel(4));
    append_frame(bytes, FrameType::kAck, Epoch(8), 9);
    append_heartbeat(bytes, {Epoch(8), BootTime(microseconds(123)), milliseconds(1500)});
    append_frame(bytes, FrameType::kHeartbeatAck, Epoch(8), 123);
    append_frame(bytes, FrameType::kRefusal, Epoch(0), 0, "no");
    return bytes;
}

// docs/formats/interconnect.md
TEST(Frame, TheDocumentedExample) {
    std::string bytes;
    append_frame(bytes, FrameType::kMessage, Epoch(10), 3, "hello", Channel(1));
    EXPECT_EQ(support::hex(bytes),
              "51460102"
              "05000000"
              "0a00000000000000"
              "0300000000000000"
              "01000000"
              "68656c6c6f");
    EXPECT_EQ(support::hex(encode(hello())),
              "51460101"
              "24000000"
              "0700000000000000"
              "0500000000000000"
              "00000000"
              "01000000a100000000000000"
              "02000000b200000000000000"
              "010001000200"
              "040064656d6f");
}

TEST(Frame, IsReadWholeAndByteByByte) {
    const auto bytes = conversation();
    const auto whole = read({bytes});
    ASSERT_EQ(whole.frames.size(), 7U);
    EXPECT_FALSE(whole.error);
    EXPECT_TRUE(whole.at_boundary);
    EXPECT_EQ(*decode_hello(whole.frames[0]), hello());
    EXPECT_EQ(whole.frames[1].payload, "abc");
    EXPECT_EQ(whole.frames[1].channel, Channel(3));
    EXPECT_EQ(whole.frames[2].sequence, 2U);
    EXPECT_EQ(decode_heartbeat(whole.frames[4])->lease, milliseconds(1500));
    EXPECT_EQ(whole.frames[6].payload, "no");
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        pieces.push_back(std::string_view(bytes).substr(i, 1));
    }
    EXPECT_EQ(read(pieces).frames, whole.frames);
}

TEST(Frame, IsReadWhereverTheStreamIsCut) {
    const auto bytes = conversation();
    const auto whole = read({bytes}).frames;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const std::string_view view = bytes;
        EXPECT_EQ(read({view.substr(0, cut), view.substr(cut)}).frames, whole) << cut;
        const auto first = read({view.substr(0, cut)});
        EXPECT_FALSE(first.error) << cut;
        EXPECT_LE(first.frames.size(), whole.size());
    }
}

TEST(Frame, AnUnfinishedOneIsNoBoundary) {
    const auto bytes = conversation();
    EXPECT_FALSE(read({std::string_view(bytes).substr(0, 1)}).at_boundary);
    EXPECT_FALSE(read({std::string_view(bytes).substr(0, kFrameHeader)}).at_boundary);
}

struct Bad {
    const char* name;
    std::size_t offset;
    std::string bytes;
    errc expected;
};

TEST(Frame, WhatBreaksTheFormatIsRefused) {
    const Bad cases[] = {
        {"magic", 0, "X", errc::damaged},
        {"version", 2, "\x02", errc::unsupported_version},
        {"type 0", 3, std::string(1, '\0'), errc::damaged},
        {"type 7", 3, "\x07", errc::damaged},
        {"reserved", 26, "\x01", errc::damaged},
        {"one octet too long", 4, std::string("\x01\x00\x10\x00", 4), errc::too_large},
        {"4 GiB", 4, "\xff\xff\xff\xff", errc::too_large},
    };
    for (const auto& bad : cases) {
        std::string bytes;
        append_frame(bytes, FrameType::kMessage, Epoch(1), 1, "abc");
        bytes.replace(bad.offset, bad.bytes.size(), bad.bytes);
        EXPECT_EQ(read({bytes}).error, make_error_code(bad.expected)) << bad.name;
        // The header alone is enough: nothing is waited for, no memory is taken.
        EXPECT_TRUE(read({std::string_view(bytes).substr(0, kFrameHeader)}).error) << bad.name;
    }
}

TEST(Frame, EachTypeHasItsLimit) {
    for (const auto type : {FrameType::kHello, FrameType::kAck, FrameType::kHeartbeat,
                            FrameType::kHeartbeatAck, FrameType::kRefusal}) {
        std::string bytes;
        append_frame(bytes, type, Epoch(1), 1, std::string(*payload_limit(type) + 1, 'x'));
        EXPECT_EQ(read({bytes}).error, make_error_code(errc::too_large));
    }
    std::string bytes;
    append_frame(bytes, FrameType::kMessage, Epoch(1), 1, std::string(kMaxMessage, 'x'));
    EXPECT_EQ(read({bytes}).frames.size(), 1U);
}

TEST(Frame, AHelloWithSurplusOrLessIsDamaged) {
    auto frame = read({encode(hello())}).frames.at(0);
    for (std::size_t size = 0; size < frame.payload.size(); ++size) {
        auto cut = frame;
        cut.payload.resize(size);
        EXPECT_FALSE(decode_hello(cut)) << size;
    }
    auto longer = frame;
    longer.payload += 'x';
    EXPECT_FALSE(decode_hello(longer));
    auto from_zero = frame;
    from_zero.sequence = 0;
    EXPECT_FALSE(decode_hello(from_zero));
}

}  // namespace
}  // namespace quorate::cluster
