#include <gtest/gtest.h>

#include "shadowing/served/digest.hpp"

namespace quorate::shadowing {
namespace {

TEST(Digest, IsTheBeginningOfSha256OfEachBlock) {
    const std::string data(2 * kDigestBlock, '\0');
    const auto digests = digests_of(data);
    ASSERT_EQ(digests.size(), 2 * kDigestOctets);
    EXPECT_EQ(digests.substr(0, kDigestOctets), digests.substr(kDigestOctets));
    // sha256sum of 4,096 zeros begins with ad7facb2586fc6e9.
    EXPECT_EQ(digests.substr(0, 8), "\xad\x7f\xac\xb2\x58\x6f\xc6\xe9");
}

TEST(Digest, OneOctetThatDiffersIsSeenInItsBlockOnly) {
    std::string data(3 * kDigestBlock, 'x');
    const auto before = digests_of(data);
    data[kDigestBlock] = 'y';
    const auto after = digests_of(data);
    EXPECT_EQ(before.substr(0, kDigestOctets), after.substr(0, kDigestOctets));
    EXPECT_NE(before.substr(kDigestOctets, kDigestOctets),
              after.substr(kDigestOctets, kDigestOctets));
    EXPECT_EQ(before.substr(2 * kDigestOctets), after.substr(2 * kDigestOctets));
}

}  // namespace
}  // namespace quorate::shadowing
