#include "path.hpp"

#include <string>

#include <gtest/gtest.h>

#include "xtext.hpp"

namespace quorate::mail::smtp {
namespace {

// The mailbox of a path that is the whole text, "-" if it is none.
std::string read_path(const std::string& text) {
    const auto path = parse_path(text);
    return path && path->consumed == text.size() ? path->mailbox.to_string() : "-";
}

TEST(SmtpPath, IsAMailboxInAngleBracketsRfc5321Section4Point1Point2) {
    EXPECT_EQ(read_path("<ann@example.test>"), "ann@example.test");
    EXPECT_EQ(read_path("<Ann.B+tag@Example.Test>"), "Ann.B+tag@Example.Test");
    EXPECT_EQ(read_path("<!#$%&'*+-/=?^_`{|}~@a>"), "!#$%&'*+-/=?^_`{|}~@a");
    EXPECT_EQ(read_path("<ann@[192.0.2.1]>"), "ann@[192.0.2.1]");
    EXPECT_EQ(read_path("<ann@[IPv6:2001:db8::1]>"), "ann@[IPv6:2001:db8::1]");
    for (const auto* bad : {"",
                            "<",
                            "ann@example.test",
                            "<ann@example.test",
                            "<ann>x",
                            "<@>",
                            "<ann@>",
                            "<@a.test>",
                            "<ann @a.test>",
                            "<ann@a.test >",
                            "< ann@a.test>",
                            "<.ann@a.test>",
                            "<ann.@a.test>",
                            "<a..b@a.test>",
                            "<a(b)@a.test>",
                            "<ann@a@b>",
                            "<ann@[]>",
                            "<ann@[1.2.3]>",
                            "<ann@a.test,ben@a.test>",
                            "<a\"b\"@a.test>",
                            "<<ann@a.test>>",
                            "<ann@a..test>",
                            "<ann@-a.test>",
                            "<\x80@a.test>"}) {
        EXPECT_EQ(read_path(bad), "-") << bad;
    }
}

TEST(SmtpPath, EndsAtItsBracket) {
    const auto path = parse_path("<a@b> SIZE=1");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->consumed, 5U);
}

TEST(SmtpPath, MayBeNullOrWithoutDomainForTheCallerToJudge) {
    const auto null = parse_path("<>");
    ASSERT_TRUE(null);
    EXPECT_TRUE(null->mailbox.empty());
    const auto postmaster = parse_path("<Postmaster>");
    ASSERT_TRUE(postmaster);
    EXPECT_EQ(postmaster->mailbox.local, "Postmaster");
    EXPECT_EQ(postmaster->mailbox.domain, "");
}

TEST(SmtpPath, DropsASourceRouteRfc5321Section4Point1Point1Point3) {
    EXPECT_EQ(read_path("<@one.test,@two.test:ann@three.test>"), "ann@three.test");
    EXPECT_EQ(read_path("<@[192.0.2.1]:ann@three.test>"), "ann@three.test");
    for (const auto* bad : {"<@one.test,ann@three.test>", "<@one.test,@:ann@three.test>",
                            "<one.test:ann@three.test>", "<@one.test:>", "<@one.test:@:a@b>"}) {
        EXPECT_EQ(read_path(bad), "-") << bad;
    }
}

TEST(SmtpPath, AQuotedLocalPartComesOutUnquotedWhereItCanRfc5321Section4Point1Point2) {
    EXPECT_EQ(read_path("<\"ann\"@a.test>"), "ann@a.test");
    EXPECT_EQ(read_path("<\"a\\nn\"@a.test>"), "ann@a.test");
    EXPECT_EQ(read_path("<\"a b\"@a.test>"), "\"a b\"@a.test");
    EXPECT_EQ(read_path("<\"a@b\"@a.test>"), "\"a@b\"@a.test");
    EXPECT_EQ(read_path("<\"a>b\"@a.test>"), "\"a>b\"@a.test");
    EXPECT_EQ(read_path("<\"a..b\"@a.test>"), "\"a..b\"@a.test");
    EXPECT_EQ(read_path("<\"\\\"\\\\\"@a.test>"), "\"\\\"\\\\\"@a.test");
    for (const std::string bad : {"<\"\"@a.test>", "<\"a@a.test>", "<\"a\\\"@a.test>",
                                  "<\"a\x01\"@a.test>", "<\"a\tb\"@a.test>", "<\"a\"b@a.test>"}) {
        EXPECT_EQ(read_path(bad), "-") << bad;
    }
}

TEST(SmtpPath, WrittenOutItIsReadAsTheSameMailbox) {
    for (const auto* text : {"<ann@a.test>", "<\"a b\"@a.test>", "<\"\\\"\"@a.test>",
                             "<\".\"@a.test>", "<\"\\\\\"@a.test>"}) {
        const auto path = parse_path(text);
        ASSERT_TRUE(path) << text;
        const auto again = parse_path("<" + path->mailbox.to_string() + ">");
        ASSERT_TRUE(again) << text;
        EXPECT_EQ(again->mailbox.local, path->mailbox.local);
        EXPECT_EQ(again->mailbox.domain, path->mailbox.domain);
    }
}

TEST(SmtpPath, MayHaveUtf8Rfc6531Section3Point3) {
    EXPECT_EQ(read_path("<\xc3\xa4@b\xc3\xbc.test>"), "\xc3\xa4@b\xc3\xbc.test");
    EXPECT_FALSE(parse_path("<\xc3\xa4@b.test>")->mailbox.is_ascii());
    EXPECT_FALSE(parse_path("<a@b\xc3\xbc.test>")->mailbox.is_ascii());
    EXPECT_TRUE(parse_path("<a@b.test>")->mailbox.is_ascii());
}

TEST(SmtpPath, LimitsLocalPartAndLength) {
    const std::string local(kLocalPartMax, 'a');
    EXPECT_EQ(read_path("<" + local + "@b>"), local + "@b");
    EXPECT_EQ(read_path("<a" + local + "@b>"), "-");
    std::string route;
    while (route.size() < kPathMax) {
        route += route.empty() ? "@aaaaaaaa.test" : ",@aaaaaaaa.test";
    }
    EXPECT_EQ(read_path("<" + route + ":a@b>"), "-");
}

TEST(SmtpPath, CutAnywhereIsNoPath) {
    const std::string whole = "<@one.test,@[192.0.2.1]:\"a \\\" b\"@three.test>";
    ASSERT_NE(read_path(whole), "-");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_FALSE(parse_path(whole.substr(0, length))) << length;
    }
}

TEST(SmtpPath, AMailboxAloneIsReadToItsEnd) {
    EXPECT_EQ(parse_mailbox("ann@a.test")->to_string(), "ann@a.test");
    for (const auto* bad : {"", "ann", "ann@", "@a.test", "ann@a.test ", "<ann@a.test>"}) {
        EXPECT_FALSE(parse_mailbox(bad)) << bad;
    }
}

TEST(SmtpXtext, IsDecodedAsRfc3461Section4Says) {
    EXPECT_EQ(decode_xtext("QQ314159"), "QQ314159");
    EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
    EXPECT_EQ(decode_xtext("+00+FF"), std::string("\x00\xff", 2));
    EXPECT_EQ(decode_xtext(""), "");
    for (const auto* bad : {"+", "+2", "+2b", "+GG", "a=b", "a b", "\x7f", "\xc3\xa4", "a+2"}) {
        EXPECT_FALSE(decode_xtext(bad)) << bad;
    }
}

}  // namespace
}  // namespace quorate::mail::smtp
