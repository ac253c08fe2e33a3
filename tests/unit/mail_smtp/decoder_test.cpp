// DATA and BDAT: whole, octet by octet, cut at every length.

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "chunk_decoder.hpp"
#include "data_decoder.hpp"

namespace quorate::mail::smtp {
namespace {

struct Decoded {
    std::string message;
    Defect defect = Defect::kNone;
    bool ended = false;
    std::size_t used = 0;

    bool operator==(const Decoded&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Decoded& outcome) {
    return out << ::testing::PrintToString(outcome.message) << " defect "
               << static_cast<int>(outcome.defect) << (outcome.ended ? " ended" : " open")
               << " used " << outcome.used;
}

class Pieces {
public:
    void data(std::string_view piece) {
        if (!data_.ended()) {
            outcome_.used += data_.feed(piece, outcome_.message);
        }
    }
    Decoded finish() {
        outcome_.defect = data_.defect();
        outcome_.ended = data_.ended();
        return outcome_;
    }

private:
    DataDecoder data_;
    Decoded outcome_;
};

Decoded decode(const std::string& wire) {
    Pieces pieces;
    pieces.data(wire);
    return pieces.finish();
}

// The outcome, which is the same in whatever pieces the octets come.
Decoded decode_every_way(const std::string& wire) {
    const auto whole = decode(wire);
    Pieces octets;
    for (const char& c : wire) {
        octets.data({&c, 1});
    }
    EXPECT_EQ(octets.finish(), whole);
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        Pieces two;
        two.data(std::string_view(wire).substr(0, cut));
        two.data(std::string_view(wire).substr(cut));
        EXPECT_EQ(two.finish(), whole) << cut;
    }
    return whole;
}

void expect_message(const std::string& wire, const std::string& message) {
    const auto outcome = decode_every_way(wire + ".\r\n" + "QUIT\r\n");
    EXPECT_EQ(outcome, (Decoded{message, Defect::kNone, true, wire.size() + 3})) << wire;
}

// The message does end where it should, and is refused.
void expect_defect(const std::string& wire, Defect defect) {
    const auto outcome = decode_every_way(wire + "\r\n.\r\nQUIT\r\n");
    EXPECT_TRUE(outcome.ended) << ::testing::PrintToString(wire);
    EXPECT_EQ(outcome.defect, defect) << ::testing::PrintToString(wire);
    EXPECT_EQ(outcome.used, wire.size() + 5) << ::testing::PrintToString(wire);
}

TEST(SmtpData, EndsWithALineOfOneDotRfc5321Section4Point1Point1Point4) {
    expect_message("", "");
    expect_message("\r\n", "\r\n");
    expect_message("a\r\n", "a\r\n");
    expect_message("a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n");
    EXPECT_FALSE(decode_every_way("a\r\n.").ended);
    EXPECT_FALSE(decode_every_way("a\r\n.\r").ended);
    EXPECT_FALSE(decode_every_way("a.\r\n").ended);
}

TEST(SmtpData, LosesTheFirstDotOfALineRfc5321Section4Point5Point2) {
    expect_message("..\r\n", ".\r\n");
    expect_message("...\r\n", "..\r\n");
    expect_message(".a\r\n", "a\r\n");
    expect_message("..a\r\n..b\r\nc.\r\n.. \r\n", ".a\r\n.b\r\nc.\r\n. \r\n");
    expect_message("a..b\r\n", "a..b\r\n");
}

TEST(SmtpData, PassesEveryOtherOctetUnchangedRfc6152Section2) {
    std::string all = "x";
    for (int c = 1; c < 256; ++c) {
        if (c != '\r' && c != '\n') {
            all.push_back(static_cast<char>(c));
        }
    }
    expect_message(all + "\r\n", all + "\r\n");
}

TEST(SmtpData, NothingButCrLfDotCrLfEndsItAndABareCrOrLfSpoilsIt) {
    for (const auto* smuggled : {"a\n.\n",
                                 "a\n.\r\n",
                                 "a\r.\r\n",
                                 "a\r\n.\n",
                                 "a\r\n.\r",
                                 "a\r.\r",
                                 "a\n.\r",
                                 "a\r\n.\rb",
                                 "a\r\r\n.\r",
                                 "a\r\n..\n",
                                 "\n.\r\nMAIL FROM:<x@y>",
                                 "\r.\r\nMAIL FROM:<x@y>",
                                 ".\n",
                                 ".\rx",
                                 "a\r\n.\r\r",
                                 "a\nb",
                                 "a\rb",
                                 "\n",
                                 "\r",
                                 "a\r\r\nb",
                                 "a\n\r\nb",
                                 "a\r\n\nb",
                                 ".\n.\n",
                                 ".\r.",
                                 "a\r\n.\r.\r"}) {
        expect_defect(smuggled, Defect::kBareLineEnd);
    }
}

TEST(SmtpData, NulSpoilsIt) {
    using namespace std::string_literals;
    for (const auto& wire : {"\0"s, "a\0b"s, "a\r\n\0"s, "a\r\n.\0"s, "a\r\n..\0"s, "\0\0"s}) {
        expect_defect(wire, Defect::kNul);
    }
}

TEST(SmtpData, TheFirstDefectCountsAndNothingIsGivenOutBehindIt) {
    using namespace std::string_literals;
    EXPECT_EQ(decode_every_way("a\r\nb\nc\0d\r\n.\r\n"s),
              (Decoded{"a\r\nb", Defect::kBareLineEnd, true, 13}));
    EXPECT_EQ(decode_every_way("a\r\nb\rc\r\n.\r\n"s),
              (Decoded{"a\r\nb\r", Defect::kBareLineEnd, true, 11}));
    EXPECT_EQ(decode_every_way("a\0b\nc\r\n.\r\n"s), (Decoded{"a", Defect::kNul, true, 10}));
    EXPECT_EQ(decode_every_way("a\r\0b\r\n.\r\n"s), (Decoded{"a\r", Defect::kNul, true, 9}));
}

TEST(SmtpData, RandomOctetsGiveOneOutcomeHoweverTheyAreCut) {
    constexpr std::string_view kAlphabet("\r\n.a\0\r\n.\r\n", 10);
    Random random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string wire;
        for (auto left = random.below(14); left > 0; --left) {
            wire.push_back(kAlphabet[random.below(kAlphabet.size())]);
        }
        decode_every_way(wire);
    }
}

// What is wrong with a message that comes in two chunks.
Defect chunks(std::string_view octets, std::size_t cut, std::string* clean = nullptr) {
    ChunkDecoder decoder;
    std::string out;
    for (const auto piece : {octets.substr(0, cut), octets.substr(cut)}) {
        out += piece.substr(0, decoder.feed(piece));
    }
    decoder.finish();
    if (clean != nullptr) {
        *clean = out;
    }
    return decoder.defect();
}

Defect chunks_every_way(const std::string& octets, std::string* clean = nullptr) {
    std::string whole;
    const auto defect = chunks(octets, octets.size(), &whole);
    ChunkDecoder slow;
    std::string out;
    for (const char& c : octets) {
        out.append(&c, slow.feed({&c, 1}));
    }
    slow.finish();
    EXPECT_EQ(slow.defect(), defect) << ::testing::PrintToString(octets);
    EXPECT_EQ(out, whole) << ::testing::PrintToString(octets);
    for (std::size_t cut = 0; cut < octets.size(); ++cut) {
        std::string two;
        EXPECT_EQ(chunks(octets, cut, &two), defect) << ::testing::PrintToString(octets) << cut;
        EXPECT_EQ(two, whole) << ::testing::PrintToString(octets) << cut;
    }
    if (clean != nullptr) {
        *clean = whole;
    }
    return defect;
}

TEST(SmtpChunks, AreTheMessageAsItIsRfc3030Section2) {
    for (const std::string message :
         {"", "a", "a\r\n", ".\r\n", "..\r\n", "a\r\n.\r\nb\r\n", "\r\n\r\n", "no line end"}) {
        std::string clean;
        EXPECT_EQ(chunks_every_way(message, &clean), Defect::kNone) << message;
        EXPECT_EQ(clean, message);
    }
}

TEST(SmtpChunks, ABareCrOrLfSpoilsTheMessage) {
    for (const std::string message : {"\n", "\r", "a\n", "a\r", "a\rb\r\n", "a\r\r\n", "a\n\r\n",
                                      "a\r\n\n", "a\r\nb\r", "\n.\r\n", "\r\r"}) {
        EXPECT_EQ(chunks_every_way(message), Defect::kBareLineEnd)
            << ::testing::PrintToString(message);
    }
}

TEST(SmtpChunks, NulSpoilsTheMessage) {
    using namespace std::string_literals;
    std::string clean;
    EXPECT_EQ(chunks_every_way("a\r\nb\0\nc"s, &clean), Defect::kNul);
    EXPECT_EQ(clean, "a\r\nb");
    EXPECT_EQ(chunks_every_way("a\r\0"s), Defect::kNul);
    EXPECT_EQ(chunks_every_way("\0"s), Defect::kNul);
    EXPECT_EQ(chunks_every_way("a\nb\0"s), Defect::kBareLineEnd);
}

TEST(SmtpChunks, RandomOctetsGiveOneOutcomeHoweverTheyAreCut) {
    constexpr std::string_view kAlphabet("\r\na\0\r\n\r\n", 8);
    Random random(8);
    for (int round = 0; round < 3000; ++round) {
        std::string octets;
        for (auto left = random.below(12); left > 0; --left) {
            octets.push_back(kAlphabet[random.below(kAlphabet.size())]);
        }
        chunks_every_way(octets);
    }
}

}  // namespace
}  // namespace quorate::mail::smtp
