#include "mail/auth/address.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::auth {
namespace {

TEST(MailAddress, TakesTheDomainBehindTheLastAt) {
    const auto address = split_address("\"a@b\"@Example.Test");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->local, "a@b");
    EXPECT_EQ(address->domain, "example.test");
}

TEST(MailAddress, Rfc5321Section412QuotedPairsStandForTheirCharacter) {
    EXPECT_EQ(split_address("\"a\\\"b\\\\c d\"@x.test")->local, "a\"b\\c d");
    EXPECT_EQ(split_address("\"ann\"@x.test")->to_string(), "ann@x.test");
    for (const auto* text : {"\"a@x.test", "\"a\"b\"@x.test", "\"a\\\"@x.test", "\"\"@x.test"}) {
        EXPECT_FALSE(split_address(text)) << text;
    }
}

TEST(MailAddress, ComparesWithoutCase) {
    EXPECT_EQ(split_address("Ann@Example.Test")->key(), split_address("aNN@example.test")->key());
    EXPECT_EQ(split_address("Ann@Example.Test")->to_string(), "Ann@example.test");
}

TEST(MailAddress, Rfc5321Section4531KeepsToTheLengths) {
    const std::string label(63, 'a');
    EXPECT_TRUE(split_address(std::string(64, 'a') + "@x.test"));
    EXPECT_FALSE(split_address(std::string(65, 'a') + "@x.test"));
    EXPECT_TRUE(canonical_domain(label + "." + label + "." + label + "." + label));
    EXPECT_FALSE(canonical_domain(label + "." + label + "." + label + "." + label + ".a"));
    EXPECT_FALSE(canonical_domain(label + "a.test"));
}

TEST(MailAddress, Rfc6531AllowsUtf8) {
    EXPECT_EQ(split_address("j\xc3\xb6rg@b\xc3\xbc"
                            "cher.example")
                  ->to_string(),
              "j\xc3\xb6rg@xn--bcher-kva.example");
    EXPECT_FALSE(split_address("j\xc3@x.test")) << "broken UTF-8";
    EXPECT_FALSE(split_address("a@x\xff.test"));
}

TEST(MailAddress, ANameAloneIsOneOfTheDefaultDomain) {
    EXPECT_EQ(full_address("ann", "x.test"), "ann@x.test");
    EXPECT_EQ(full_address("ann@y.test", "x.test"), "ann@y.test");
    EXPECT_EQ(full_address("ann@", "x.test"), "ann@");
    EXPECT_EQ(full_address("ann", ""), std::nullopt);
}

TEST(MailAddress, Rfc5890AllSpellingsOfADomainAreOne) {
    for (const auto* spelling :
         {"xn--bcher-kva.example", "XN--BCHER-KVA.Example", "b\u00fccher.example",
          "B\u00dcCHER.example", "bu\u0308cher.example", "b\u00fccher\u3002example",
          "b\u00fccher.\uff45xample"}) {
        EXPECT_EQ(canonical_domain(spelling), "xn--bcher-kva.example") << spelling;
    }
    EXPECT_EQ(canonical_domain("stra\u00dfe.example"), "xn--strae-oqa.example");
    EXPECT_EQ(canonical_domain("a.\u4f60\u597d.example"), "a.xn--6qq79v.example");
    EXPECT_EQ(canonical_domain("Plain.Example"), "plain.example");
}

TEST(MailAddress, Rfc5891LabelsThatIdnaForbidsAreRefused) {
    for (const auto* name :
         {"xn--.example", "xn--a.example", "xn--999999999.example", "\u2603\u200d.example",
          "\u0300a.example", "a\u05d0b.example", "-\u00fc.example", "a_\u00fc.example",
          "\u00fc .example", "\u00fc..example"}) {
        EXPECT_FALSE(canonical_domain(name)) << name;
    }
    std::string umlauts;
    for (int i = 0; i < 31; ++i) {
        umlauts += "\u00fc";
    }
    EXPECT_TRUE(canonical_domain(umlauts + ".example"));
    EXPECT_FALSE(canonical_domain(umlauts + umlauts + umlauts + ".example"));
}

TEST(MailAddress, RefusesWhatIsNoAddress) {
    for (const auto* text : {"", "@", "a", "a@", "@x.test", "a@x..test", "a@.x", "a@x.",
                             "a@-x.test", "a@x-.test", "a@x_y.test", "a@[192.0.2.1]",
                             "a\x01@x.test", "a\r\n@x.test", "a@x test", "a\x7f@x.test"}) {
        EXPECT_FALSE(split_address(text)) << text;
    }
    EXPECT_FALSE(split_address(std::string("a\0b@x.test", 10)));
}

}  // namespace
}  // namespace quorate::mail::auth
