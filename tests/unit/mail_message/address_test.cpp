#include "mail/message/address.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::message {
namespace {

// `name|route|mailbox|host` per mailbox, `name:` and `;` around groups, separated by spaces.
std::string parsed(std::string_view value) {
    std::string out;
    for (const auto& address : parse_addresses(value)) {
        out += out.empty() ? "" : " ";
        switch (address.kind) {
            case Address::Kind::kGroupStart:
                out += address.name + ":";
                break;
            case Address::Kind::kGroupEnd:
                out += ";";
                break;
            case Address::Kind::kMailbox:
                out +=
                    address.name + "|" + address.route + "|" + address.mailbox + "|" + address.host;
                break;
        }
    }
    return out;
}

struct Case {
    std::string_view value;
    std::string_view expected;
};

void expect_all(const std::vector<Case>& cases) {
    for (const auto& [value, expected] : cases) {
        EXPECT_EQ(parsed(value), expected) << value;
    }
}

TEST(AddressRfc5322, MailboxesAreAddrSpecsOrNameAddrs) {
    expect_all({
        {"a@b", "||a|b"},
        {"<a@b>", "||a|b"},
        {"John Doe <john@example.test>", "John Doe||john|example.test"},
        {"\"Doe, John \\\"JD\\\"\" <j@d>", "Doe, John \"JD\"||j|d"},
        {"John \"Q\" Public <j@d>", "John Q Public||j|d"},
        {"a@b, C <c@d>", "||a|b C||c|d"},
        {"a@[192.0.2.1]", "||a|[192.0.2.1]"},
        {"\"quoted local\"@b", "||quoted local|b"},
        {"a.b.c@d.e.f", "||a.b.c|d.e.f"},
        {"\xc3\xa9 <\xc3\xa9@b>", "\xc3\xa9||\xc3\xa9|b"},
        {"", ""},
    });
}

TEST(AddressRfc5322, GroupsEndWithASemicolonOrTheField) {
    expect_all({
        {"A group:Ed Jones <joe@where.test>,joe@where.test;",
         "A group: Ed Jones||joe|where.test ||joe|where.test ;"},
        {"Undisclosed recipients:;", "Undisclosed recipients: ;"},
        {"g:a@b;, c@d", "g: ||a|b ; ||c|d"},
        {"g:a@b; h:c@d", "g: ||a|b ; h: ||c|d ;"},
        {"\"g\" : a@b", "g: ||a|b ;"},
    });
}

TEST(AddressRfc5322, CommentsAreNoPartOfTheAddress) {
    expect_all({
        {"a@b (John Doe)", "John Doe||a|b"},
        {"(before) a (in) @ (the) b (after)", "after||a|b"},
        {"Name (comment) <a@b> (another)", "Name||a|b"},
        {"a@b (nested (deep) \\) paren)", "nested (deep) ) paren||a|b"},
        {"(only a comment)", ""},
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete||pete|silly.test"},
    });
}

TEST(AddressRfc5322, ObsoleteFormsAreRead) {
    expect_all({
        {"Joe <@example.test,@other.test:joe@here.test>",
         "Joe|@example.test,@other.test|joe|here.test"},
        {"john . doe @ example . test", "||john.doe|example.test"},
        {"a@b,, ,c@d,", "||a|b ||c|d"},
        {"Joe Q. Public <j@d>", "Joe Q. Public||j|d"},
        {"a.\"b\".c@d", "||a.b.c|d"},
    });
}

TEST(AddressRfc2047, EncodedWordsStayAsTheyAre) {
    expect_all({
        {"=?utf-8?Q?J=C3=BCrgen?= <j@d>", "=?utf-8?Q?J=C3=BCrgen?=||j|d"},
        {"=?utf-8?Q?a?= =?utf-8?Q?b?= <j@d>", "=?utf-8?Q?a?= =?utf-8?Q?b?=||j|d"},
        {"=?utf-8?Q?Doe,_John?= <j@d>", "=?utf-8?Q?Doe,_John?=||j|d"},
        {"\"=?utf-8?Q?a?=\" <j@d>", "=?utf-8?Q?a?=||j|d"},
    });
}

TEST(Address, GarbageYieldsWhatCanBeMadeOfIt) {
    expect_all({
        {"root", "||root|"},
        {"root (Cron Daemon)", "Cron Daemon||root|"},
        {"Just A Name", "Just A Name|||"},
        {"Name <>", "Name|||"},
        {"Name <root>", "Name||root|"},
        {"a@", "||a|"},
        {"@b", "|||b"},
        {"a@b@c", "||a|b"},
        {"<a@b", "||a|b"},
        {"<<a@b>>, c@d", "||a|b ||c|d"},
        {"a@b; c@d", "||a|b ||c|d"},
        {"john@x.test <j@d>", "john@x.test||j|d"},
        {"\"unclosed <a@b>, c@d", "unclosed||a|b ||c|d"},
        {"a@b (unclosed, c@d", "unclosed, c@d||a|b"},
        {"A [x] <a@b>", "A [x]||a|b"},
        {"first second@b", "first||second|b"},
        {">a@b>", "||a|b"},
        {":a@b", "||a|b"},
        {"A <a@b> trailing words, c@d", "A||a|b ||c|d"},
        {"<@a>", "|||a"},
        {"a@b\\", "||a|b\\"},
    });
}

TEST(Address, TheNumberIsLimited) {
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "a@b,";
    }
    EXPECT_EQ(parse_addresses(many, 10).size(), 10U);
    EXPECT_EQ(parse_addresses("g:" + many, 10).size(), 11U);
}

TEST(Address, HostileFieldsTakeLinearTime) {
    for (const std::string_view unit : {"\"", "\\\"", "(", "<", "=?", "=?<", "a .", ". ", "@a,",
                                        "<@a,", ":", "a:;", ";", "[", "\" \\", "a@b <"}) {
        std::string value;
        while (value.size() < 256 * 1024) {
            value += unit;
        }
        parse_addresses(value);
    }
}

}  // namespace
}  // namespace quorate::mail::message
