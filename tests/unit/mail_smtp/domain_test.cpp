#include "domain.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

TEST(SmtpDomain, FollowsTheGrammarOfRfc5321Section4Point1Point2) {
    const std::string label63(63, 'a');
    for (const auto& good :
         {std::string("example.test"), std::string("a"), std::string("a-b.c"), std::string("1.2"),
          std::string("EXAMPLE.Test"), label63 + ".test", std::string("xn--bcher-kva.test"),
          std::string("b\xc3\xbc"
                      "cher.test"),
          std::string("my_host.test")}) {
        EXPECT_TRUE(is_domain(good)) << good;
    }
    for (const auto& bad :
         {std::string(), std::string("."), std::string("a."), std::string(".a"),
          std::string("a..b"), std::string("-a.test"), std::string("a-.test"), std::string("a b"),
          std::string("a@b"), std::string("[1.2.3.4]"), label63 + "a.test",
          std::string("a\x80.test"), std::string("a\0b", 3)}) {
        EXPECT_FALSE(is_domain(bad)) << bad;
    }
}

TEST(SmtpDomain, IsAtMost255OctetsLongRfc5321Section4Point5Point3Point1Point2) {
    std::string name;
    while (name.size() < 250) {
        name += "abcd.";
    }
    EXPECT_TRUE(is_domain(name + "abcde"));
    EXPECT_FALSE(is_domain(name + "abcdef"));
}

TEST(SmtpDomain, AddressLiteralsFollowRfc5321Section4Point1Point3) {
    for (const auto* good :
         {"[192.0.2.1]", "[0.0.0.0]", "[255.255.255.255]", "[IPv6:2001:db8::1]", "[IPv6:::]",
          "[IPv6:::1]", "[ipv6:1:2:3:4:5:6:7:8]", "[IPv6:::ffff:192.0.2.1]",
          "[IPv6:1:2:3:4:5:6:192.0.2.1]", "[IPv6:1::]"}) {
        EXPECT_TRUE(is_address_literal(good)) << good;
    }
    for (const auto* bad : {"",
                            "[",
                            "[]",
                            "192.0.2.1",
                            "[192.0.2]",
                            "[192.0.2.256]",
                            "[192.0.2.1.1]",
                            "[192.0.2.]",
                            "[0192.0.2.1]",
                            "[192.0.2.1",
                            "[::1]",
                            "[IPv6:]",
                            "[IPv6:1:2:3:4:5:6:7]",
                            "[IPv6:1:2:3:4:5:6:7:8:9]",
                            "[IPv6:1::2::3]",
                            "[IPv6:12345::]",
                            "[IPv6:g::]",
                            "[IPv6:192.0.2.1::]",
                            "[IPv6:1:2:3:4:5:6:7::8]",
                            "[IPv6::1]",
                            "[tag:data]",
                            "[IPv6:1:2:3:4:5:6:7:192.0.2.1]"}) {
        EXPECT_FALSE(is_address_literal(bad)) << bad;
    }
}

}  // namespace
}  // namespace quorate::mail::smtp
