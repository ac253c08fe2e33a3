#include <cctype>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "examples.hpp"
#include "shadowing/rados_header.hpp"
#include "shadowing/witness_block.hpp"

// What docs/formats says is what the code does.
namespace quorate::shadowing {
namespace {

// The octets of the example on a page: pairs of digits up to two spaces, the rest of a line
// explains; zeros follow.
std::string example_of(const std::string& name, std::size_t size = kMetaBlock) {
    std::ifstream file(QUORATE_SOURCE_DIR "/docs/formats/" + name);
    const std::string page(std::istreambuf_iterator<char>(file), {});
    const auto begin = page.find("```\n", page.find("## Worked example")) + 4;
    const auto block = page.substr(begin, page.find("```", begin) - begin);
    std::string octets;
    for (std::size_t at = 0; at < block.size(); at = block.find('\n', at) + 1) {
        for (; std::isxdigit(static_cast<unsigned char>(block[at])) != 0; at += 3) {
            octets += static_cast<char>(std::stoi(block.substr(at, 2), nullptr, 16));
        }
    }
    octets.resize(size, '\0');
    return octets;
}

TEST(ShadowLabelPage, TheWorkedExampleIsWhatTheCodeWrites) {
    EXPECT_EQ(example_of("shadow-label.md"), encode(testing::example_label(), 0));
}

TEST(RadosMemberPage, TheWorkedExampleIsWhatTheCodeWrites) {
    const RadosHeader header{.octets = 1 << 30, .life = 0x1fe};
    EXPECT_EQ(example_of("rados-member.md").substr(0, kRadosHeader), encode(header));
}

TEST(ShadowWitnessPage, TheWorkedExampleIsWhatTheCodeWrites) {
    const WitnessBlock block{
        .set = {0, 0x5e}, .word = WitnessWord{{0, 0x11}, {7, 0xabcd}}, .reserved = 8};
    EXPECT_EQ(example_of("shadow-witness.md").substr(0, kWitnessBlock), encode(block));
}

TEST(WriteIntentLogPage, TheWorkedExampleIsWhatTheCodeWrites) {
    EXPECT_EQ(example_of("write-intent-log.md", kIntentOctets), encode(testing::example_intent()));
}

}  // namespace
}  // namespace quorate::shadowing
