#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace quorate {
namespace {

TEST(Bytes, WhatIsWrittenIsReadBack) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(0xfe);
    writer.u16(0x1234);
    writer.u32(0xdeadbeef);
    writer.u64(0x0123456789abcdef);
    writer.i64(-2);
    writer.varint(0xffffffffffffffff);
    writer.varint(127);
    writer.blob("hello");
    EXPECT_EQ(bytes.substr(1, 2), "\x34\x12");

    ByteReader reader(bytes);
    EXPECT_EQ(reader.u8(), 0xfe);
    EXPECT_EQ(reader.u16(), 0x1234);
    EXPECT_EQ(reader.u32(), 0xdeadbeef);
    EXPECT_EQ(reader.u64(), 0x0123456789abcdefU);
    EXPECT_EQ(reader.i64(), -2);
    EXPECT_EQ(reader.varint(), 0xffffffffffffffff);
    EXPECT_EQ(reader.varint(), 127U);
    EXPECT_EQ(reader.blob(), "hello");
    EXPECT_TRUE(reader.complete());
}

TEST(Bytes, CutAtEveryLengthTheReaderFailsAndNeverReadsPastTheEnd) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u32(7);
    writer.varint(300);
    writer.blob("payload");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string cut = bytes.substr(0, size);
        ByteReader reader(cut);
        reader.u32();
        reader.varint();
        reader.blob();
        EXPECT_FALSE(reader.complete()) << size;
    }
}

TEST(Bytes, AVarintOfMoreThan64BitsIsRefused) {
    const std::string bytes = std::string(9, '\xff') + '\x02';
    ByteReader reader(bytes);
    reader.varint();
    EXPECT_TRUE(reader.failed());
}

TEST(Bytes, ABlobLongerThanTheInputIsRefused) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.varint(0xffffffffffffffff);
    ByteReader reader(bytes);
    EXPECT_TRUE(reader.blob().empty());
    EXPECT_TRUE(reader.failed());
}

}  // namespace
}  // namespace quorate
