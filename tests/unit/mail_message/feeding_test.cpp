// The same answer however the octets arrive, and an answer for every beginning of a message.

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "mail/message/summary.hpp"
#include "samples.hpp"

namespace quorate::mail::message {
namespace {

using testing::sample_messages;

void expect_equal(const Summary& a, const Summary& b, const std::string& what) {
    EXPECT_EQ(a.envelope, b.envelope) << what;
    EXPECT_EQ(a.body, b.body) << what;
    EXPECT_EQ(a.bodystructure, b.bodystructure) << what;
    EXPECT_EQ(a.structure, b.structure) << what;
    EXPECT_EQ(a.size, b.size) << what;
    EXPECT_EQ(a.sent, b.sent) << what;
}

TEST(Feeding, ByteByByteIsTheSameAsWhole) {
    for (const auto& [name, message] : sample_messages()) {
        SummaryBuilder builder;
        for (const char& c : message) {
            builder.feed({&c, 1});
        }
        expect_equal(builder.finish(), summarize(message), name);
    }
}

TEST(Feeding, InRandomPiecesIsTheSameAsWhole) {
    Random random(1);
    for (const auto& [name, message] : sample_messages()) {
        const auto whole = summarize(message);
        for (int round = 0; round < 20; ++round) {
            SummaryBuilder builder;
            for (std::string_view rest = message; !rest.empty();) {
                const auto piece = rest.substr(0, random.below(1 + (round % 2 ? 5 : 200)));
                builder.feed(piece);
                rest.remove_prefix(piece.size());
            }
            expect_equal(builder.finish(), whole, name);
        }
    }
}

TEST(Feeding, CutInTwoAnywhereIsTheSameAsWhole) {
    for (const auto& [name, message] : sample_messages()) {
        const auto whole = encode(parse_structure(message));
        const auto step = 1 + message.size() / 3000;
        for (std::size_t cut = 0; cut <= message.size(); cut += step) {
            StructureParser parser;
            parser.feed(std::string_view(message).substr(0, cut));
            parser.feed(std::string_view(message).substr(cut));
            ASSERT_EQ(encode(parser.finish()), whole) << name << " at " << cut;
        }
    }
}

TEST(Feeding, EveryBeginningOfAMessageHasAConsistentStructure) {
    for (const auto& [name, message] : sample_messages()) {
        const auto step = 1 + message.size() / 3000;
        for (std::size_t size = 0; size <= message.size(); size += step) {
            const auto structure = parse_structure(std::string_view(message).substr(0, size));
            ASSERT_EQ(structure.size, size);
            const auto decoded = decode(encode(structure));
            ASSERT_TRUE(decoded) << name << " cut at " << size;
            ASSERT_EQ(*decoded, structure) << name << " cut at " << size;
        }
    }
}

TEST(Feeding, BareLineFeedsGiveTheSameTree) {
    for (const auto& [name, message] : sample_messages()) {
        std::string bare;
        for (const char c : message) {
            if (c != '\r') {
                bare.push_back(c);
            }
        }
        const auto a = parse_structure(message);
        const auto b = parse_structure(bare);
        ASSERT_EQ(a.parts.size(), b.parts.size()) << name;
        for (std::size_t i = 0; i < a.parts.size(); ++i) {
            EXPECT_EQ(a.parts[i].lines, b.parts[i].lines) << name << " part " << i;
            EXPECT_EQ(a.parts[i].body().size(), b.parts[i].body().size() + a.parts[i].lines)
                << name << " part " << i;
        }
    }
}

}  // namespace
}  // namespace quorate::mail::message
