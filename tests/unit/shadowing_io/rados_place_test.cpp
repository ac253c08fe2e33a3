#include <gtest/gtest.h>

#include "shadowing/io/rados_member.hpp"

namespace quorate::shadowing {
namespace {

TEST(RadosPlace, NamesPoolAndMember) {
    const auto place = parse_rados_place("rados:pool/name");
    ASSERT_TRUE(place);
    EXPECT_EQ(*place, (RadosPlace{"pool", "name", "", "admin", ""}));
}

TEST(RadosPlace, MayNameFileUserAndNamespace) {
    const auto place = parse_rados_place("rados:p/n?conf=/etc/ceph.conf&id=quorate&namespace=q");
    ASSERT_TRUE(place);
    EXPECT_EQ(*place, (RadosPlace{"p", "n", "/etc/ceph.conf", "quorate", "q"}));
}

TEST(RadosPlace, WhatIsNoneIsRefused) {
    for (const auto* text : {"", "pool/name", "rados:", "rados:pool", "rados:/name", "rados:pool/",
                             "rados:p/n?conf", "rados:p/n?conf=", "rados:p/n?size=1"}) {
        EXPECT_FALSE(parse_rados_place(text)) << text;
    }
}

}  // namespace
}  // namespace quorate::shadowing
