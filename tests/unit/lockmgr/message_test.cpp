#include "message.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "examples.hpp"
#include "support/hex.hpp"

namespace quorate::lockmgr {
namespace {

using testing::examples;

std::string sealed(std::string bytes) {
    ByteWriter(bytes).u32(crc32c(bytes));
    return bytes;
}

// The worked example of docs/formats/lock-message.md.
TEST(LockMessage, TheDocumentedExample) {
    const auto body = encode(Message(
        QueuedMessage{LockId((std::uint64_t{1} << 32) | 5), 7, /*order=*/-2, LockMode::PR}));
    EXPECT_EQ(support::hex(body),
              "04858080801007"
              "0303");
    Batch batch;
    batch.first = 12;
    batch.received = 34;
    batch.items.push_back({1, body});
    EXPECT_EQ(support::hex(encode(Packet{cluster::Epoch(9), batch})),
              "514c434b"          // magic
              "0300"              // version
              "0100"              // a batch
              "0900000000000000"  // epoch
              "0c00000000000000"  // first
              "2200000000000000"  // received
              "0100"              // one message
              "01"                // made one epoch ago
              "09"                // its length
              "048580808010070303"
              "4da6b97b");
}

// Whoever changes a message finds this sum changed: then the version is another one too.
TEST(LockMessage, TheMessagesOfVersionThree) {
    std::string all;
    for (const auto& message : examples()) {
        all += encode(message);
    }
    EXPECT_EQ(crc32c(all), 3'662'697'130U);
}

// What the fuzzer of these messages begins with: every kind alone, and all of them in one packet.
std::map<std::string, std::string> fuzz_seeds() {
    std::map<std::string, std::string> seeds;
    std::vector<std::string> bodies;
    for (const auto& message : examples()) {
        bodies.push_back(encode(message));
        seeds[fmt::format("message-{}", bodies.size() - 1)] = bodies.back();
    }
    Batch batch;
    batch.first = 1;
    for (const auto& body : bodies) {
        batch.items.push_back({batch.items.size() % 3, body});
    }
    seeds["batch"] = encode(Packet{cluster::Epoch(3), batch});
    seeds["batch-unsummed"] = seeds["batch"].substr(0, seeds["batch"].size() - 4);
    seeds["begin"] = encode(Packet{cluster::Epoch(3), Begin{cluster::Epoch(2), 77, 5}});
    return seeds;
}

// With QUORATE_REWRITE they are written.
TEST(LockMessage, TheFuzzerBeginsWithThisVersion) {
    const std::string folder = QUORATE_SOURCE_DIR "/tests/fuzz/corpus/lock_message/";
    for (const auto& [name, bytes] : fuzz_seeds()) {
        if (std::getenv("QUORATE_REWRITE") != nullptr) {
            std::ofstream(folder + name, std::ios::binary) << bytes;
        }
        std::ifstream file(folder + name, std::ios::binary);
        const std::string kept{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(support::hex(kept), support::hex(bytes)) << name;
    }
}

TEST(LockMessage, EveryKindIsReadAsWritten) {
    const auto all = examples();
    ASSERT_EQ(all.size(), std::variant_size_v<Message>);
    for (std::size_t kind = 0; kind < all.size(); ++kind) {
        ASSERT_EQ(all[kind].index(), kind);
        const auto read = decode_message(encode(all[kind]));
        ASSERT_TRUE(read) << kind;
        EXPECT_EQ(*read, all[kind]) << kind;
    }
}

TEST(LockMessage, EveryCutAndEverySurplusIsNoticed) {
    for (const auto& message : examples()) {
        const auto bytes = encode(message);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            EXPECT_FALSE(decode_message(bytes.substr(0, i))) << message.index() << " at " << i;
        }
        EXPECT_FALSE(decode_message(bytes + '\0')) << message.index();
    }
}

TEST(LockMessage, WhatIsReadOfADamagedOneIsValid) {
    for (const auto& message : examples()) {
        const auto bytes = encode(message);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            for (int bit = 0; bit < 8; ++bit) {
                auto damaged = bytes;
                damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
                if (const auto read = decode_message(damaged)) {
                    const auto again = decode_message(encode(*read));
                    ASSERT_TRUE(again);
                    EXPECT_EQ(*again, *read);
                }
            }
        }
    }
}

TEST(LockMessage, LimitsAreKept) {
    EnqueueMessage enqueue;
    enqueue.root = root_key("d", "r");
    EXPECT_TRUE(decode_message(encode(Message(enqueue))));
    enqueue.flags = 0x40000;
    EXPECT_FALSE(decode_message(encode(Message(enqueue)))) << "no such flag";
    enqueue.flags = 0;
    enqueue.parent = LockId(1);
    EXPECT_FALSE(decode_message(encode(Message(enqueue)))) << "a sublock has no root of its own";
    enqueue.root.clear();
    enqueue.name = std::string(kMaxName + 1, 'n');
    EXPECT_FALSE(decode_message(encode(Message(enqueue)))) << "the name is too long";
    EXPECT_FALSE(
        decode_message(encode(Message(StopMessage{"\x05"
                                                  "ab",
                                                  1, NodeId(1)}))))
        << "a domain longer than its key";
    EXPECT_FALSE(
        decode_message(encode(Message(CancelMessage{LockId(1), 1, LockStatus::kGranted}))));
}

TEST(LockPacket, BeginsAndBatchesAreReadAsWritten) {
    const auto begin =
        decode_packet(encode(Packet{cluster::Epoch(3), Begin{cluster::Epoch(2), 77, -5}}));
    ASSERT_TRUE(begin);
    EXPECT_EQ(begin->epoch, cluster::Epoch(3));
    EXPECT_EQ(std::get<Begin>(begin->content), (Begin{cluster::Epoch(2), 77, -5}));
    Batch batch;
    batch.first = 1;
    batch.received = 2;
    batch.items = {{0, "ab"}, {300, ""}};
    const auto bytes = encode(Packet{cluster::Epoch(3), batch});
    const auto read = decode_packet(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Batch>(read->content).items, batch.items);
}

TEST(LockPacket, EveryDamagedByteAndEveryCutIsNoticed) {
    Batch batch;
    batch.first = 1;
    batch.items = {{0, "ab"}};
    const auto bytes = encode(Packet{cluster::Epoch(3), batch});
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        EXPECT_FALSE(decode_packet(damaged)) << i;
        EXPECT_FALSE(decode_packet(bytes.substr(0, i))) << i;
    }
}

TEST(LockPacket, ANewerMinorVersionMayAddFieldsAndANewerMajorIsRefused) {
    auto bytes = encode(Packet{cluster::Epoch(3), Begin{cluster::Epoch(2), 77, 0}});
    bytes.resize(bytes.size() - 4);
    EXPECT_FALSE(decode_packet(sealed(bytes + "more")));
    bytes[5] = 1;
    EXPECT_TRUE(decode_packet(sealed(bytes + "more")));
    for (const char major : {'\1', '\2', '\4'}) {
        bytes[4] = major;
        const auto refused = decode_packet(sealed(bytes));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::unsupported_version);
    }
}

TEST(LockPacket, MessagesAreNumberedFromOne) {
    EXPECT_FALSE(decode_packet(encode(Packet{cluster::Epoch(3), Batch{}})));
}

}  // namespace
}  // namespace quorate::lockmgr
