#include "chunk.hpp"

#include <gtest/gtest.h>

#include "mail/store/errc.hpp"
#include "sealed.hpp"

namespace quorate::mail::store {
namespace {

std::vector<Message> sample() {
    std::vector<Message> messages;
    for (Uid uid = 130; uid < 140; uid += 3) {
        Message message;
        message.uid = uid;
        message.flags = uid % 2 != 0 ? kSeen : FlagBits{1} << 62;
        message.modseq = 1'000'000 - uid;
        message.body = BodyId(uid * 7);
        message.size = 4000 + uid;
        message.internal_date = {-5 + static_cast<std::int64_t>(uid), -720};
        message.save_date = 1'700'000'000;
        messages.push_back(message);
    }
    return messages;
}

TEST(Chunk, ComesBackAsItWasWritten) {
    const auto written = sample();
    std::vector<Message> read;
    ASSERT_TRUE(decode_chunk(encode_chunk(written), read));
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].uid, written[i].uid);
        EXPECT_EQ(read[i].flags, written[i].flags);
        EXPECT_EQ(read[i].modseq, written[i].modseq);
        EXPECT_EQ(read[i].body, written[i].body);
        EXPECT_EQ(read[i].size, written[i].size);
        EXPECT_EQ(read[i].internal_date.seconds, written[i].internal_date.seconds);
        EXPECT_EQ(read[i].internal_date.zone_minutes, written[i].internal_date.zone_minutes);
        EXPECT_EQ(read[i].save_date, written[i].save_date);
    }
}

TEST(Chunk, IsRefusedWithAnyOctetChangedOrCut) {
    const auto sound = encode_chunk(sample());
    std::vector<Message> read;
    for (std::size_t at = 0; at < sound.size(); ++at) {
        auto bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
        EXPECT_FALSE(decode_chunk(bytes, read)) << at;
        EXPECT_FALSE(decode_chunk(std::string_view(sound).substr(0, at), read)) << at;
    }
}

TEST(Chunk, OfAnUnknownVersionIsRefusedAsSuch) {
    auto bytes = encode_chunk(sample());
    bytes[0] = 9;
    std::vector<Message> read;
    EXPECT_EQ(decode_chunk(bytes, read).error().code, errc::unsupported_version);
}

TEST(Sealed, TextsComeBackAndAreRefusedWhenDamaged) {
    const std::string text("(NIL \"subject\" NIL)");
    const auto sound = seal(text);
    ASSERT_TRUE(unseal(sound));
    EXPECT_EQ(*unseal(sound), text);
    EXPECT_EQ(*unseal(seal("")), "");
    for (std::size_t at = 0; at < sound.size(); ++at) {
        auto bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ 4);
        EXPECT_EQ(unseal(bytes).error().code, errc::damaged) << at;
        EXPECT_FALSE(unseal(std::string_view(sound).substr(0, at))) << at;
    }
}

}  // namespace
}  // namespace quorate::mail::store
