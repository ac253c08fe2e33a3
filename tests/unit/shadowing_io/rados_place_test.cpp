#include <gtest/gtest.h>

#include "shadowing/io/rados_member.hpp"

namespace quorate::shadowing {
namespace {

TEST(RadosPlace, NamesPoolAndMember) {
    const auto place = parse_rados_place("rados:pool/name");
    ASSERT_TRUE(place);
    EXPECT_EQ(*place, (RadosPlace{"pool", "name", "", "admin", "", 0}));
}

TEST(RadosPlace, MayNameFileUserAndNamespace) {
    const auto place =
        parse_rados_place("rados:p/n?conf=/etc/ceph.conf&id=quorate&namespace=q&size=65536");
    ASSERT_TRUE(place);
    EXPECT_EQ(*place, (RadosPlace{"p", "n", "/etc/ceph.conf", "quorate", "q", 65536}));
}

TEST(RadosPlace, WhatIsNoneIsRefused) {
    for (const auto* text :
         {"", "pool/name", "rados:", "rados:pool", "rados:/name", "rados:pool/", "rados:p/n?conf",
          "rados:p/n?conf=", "rados:p/n?volume=1", "rados:p/n?size=0", "rados:p/n?size=1G"}) {
        EXPECT_FALSE(parse_rados_place(text)) << text;
    }
}

}  // namespace
}  // namespace quorate::shadowing
