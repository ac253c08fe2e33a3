#include "quorum/page.hpp"

#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "pages.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

PageHead head() { return {PageKind::kRequest, NodeId(3), 9, testing::kCluster}; }

std::error_code error_of(std::string_view page, PageKind kind = PageKind::kRequest,
                         NodeId owner = NodeId(3)) {
    const auto opened = open_page(page, kind, owner);
    return opened ? std::error_code() : opened.error().code;
}

TEST(Page, IsOpenedAsItWasSealed) {
    const auto page = seal(head(), "fields");
    ASSERT_EQ(page.size(), kPageBytes);
    const auto opened = open_page(page, PageKind::kRequest, NodeId(3));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->head, head());
    EXPECT_EQ(opened->fields, "fields");
    EXPECT_FALSE(opened->surplus_allowed);
}

TEST(Page, TheLargestFits) {
    const std::string fields(kMaxFields, 'x');
    EXPECT_EQ(open_page(seal(head(), fields), PageKind::kRequest, NodeId(3))->fields, fields);
}

TEST(Page, EveryDamagedOctetIsNoticed) {
    const auto page = seal(head(), "fields");
    for (std::size_t i = 0; i < page.size(); ++i) {
        auto damaged = page;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x04);
        EXPECT_EQ(error_of(damaged), errc::damaged) << "octet " << i;
    }
}

TEST(Page, ATornWriteIsNoticed) {
    const auto before = seal(head(), std::string(3000, 'a'));
    auto later = head();
    ++later.sequence;
    const auto after = seal(later, std::string(3000, 'b'));
    for (std::size_t sectors = 1; sectors < kPageBytes / 512; ++sectors) {
        const auto cut = sectors * 512;
        EXPECT_EQ(error_of(after.substr(0, cut) + before.substr(cut)), errc::damaged);
        EXPECT_EQ(error_of(before.substr(0, cut) + after.substr(cut)), errc::damaged);
    }
}

TEST(Page, AnotherLengthIsNoPage) {
    const auto page = seal(head(), "fields");
    EXPECT_EQ(error_of(page.substr(1)), errc::damaged);
    EXPECT_EQ(error_of(page + '\0'), errc::damaged);
    EXPECT_EQ(error_of({}), errc::damaged);
}

TEST(Page, OneThatWasNeverWrittenIsBlank) {
    EXPECT_EQ(error_of(std::string(kPageBytes, '\0')), errc::blank);
}

TEST(Page, AnUnknownMajorVersionIsToldApartFromDamage) {
    auto page = seal(head(), "fields");
    page[4] = 2;
    testing::seal_again(page);
    EXPECT_EQ(error_of(page), errc::unsupported_version);
}

TEST(Page, ANewerMinorVersionMayHaveMoreFields) {
    auto page = seal(head(), "fields");
    page[5] = 1;
    testing::seal_again(page);
    const auto opened = open_page(page, PageKind::kRequest, NodeId(3));
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->surplus_allowed);
}

TEST(Page, AnotherKindAndAnotherOwnerAreForeign) {
    const auto page = seal(head(), "fields");
    EXPECT_EQ(error_of(page, PageKind::kBallot), errc::foreign);
    EXPECT_EQ(error_of(page, PageKind::kRequest, NodeId(4)), errc::foreign);
}

TEST(Page, WhatIsReservedIsZero) {
    for (const std::size_t octet : {std::size_t{40}, std::size_t{42}, std::size_t{3000}}) {
        auto page = seal(head(), "fields");
        page[octet] = 1;
        testing::seal_again(page);
        EXPECT_EQ(error_of(page), errc::damaged) << "octet " << octet;
    }
}

TEST(Page, ALengthBeyondThePageIsDamage) {
    auto page = seal(head(), "fields");
    page[9] = 0x10;
    testing::seal_again(page);
    EXPECT_EQ(error_of(page), errc::damaged);
}

TEST(Page, EachHasItsPlace) {
    EXPECT_EQ(page_of(NodeId(1), PageKind::kHeartbeat, 0), 2U);
    EXPECT_EQ(page_of(NodeId(1), PageKind::kWitness, 1), 9U);
    EXPECT_EQ(page_of(NodeId(64), PageKind::kBallot, 0), 507U);
    EXPECT_EQ(pages_for(kMaxNodes), 514U);
}

}  // namespace
}  // namespace quorate::quorum
