#include "mailbox_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace quorate::mail::imap {
namespace {

void expect_pair(std::string_view wire, std::string_view utf8) {
    EXPECT_EQ(decode_mailbox_name(wire), utf8) << wire;
    EXPECT_EQ(encode_mailbox_name(utf8), wire) << utf8;
}

std::string utf8(char32_t c) {
    std::string out;
    if (c < 0x80) {
        out = {static_cast<char>(c)};
    } else if (c < 0x800) {
        out = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
    } else if (c < 0x10000) {
        out = {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
               static_cast<char>(0x80 | (c & 0x3f))};
    } else {
        out = {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
               static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    }
    return out;
}

TEST(MailboxNameRfc3501Section513, TheExample) {
    expect_pair("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e");
}

TEST(MailboxNameRfc3501Section513, PrintableCharactersStandForThemselves) {
    std::string all;
    for (char c = 0x20; c < 0x7f; ++c) {
        if (c != '&') {
            all.push_back(c);
        }
    }
    expect_pair(all, all);
    expect_pair("", "");
}

TEST(MailboxNameRfc3501Section513, AnAmpersandIsItsOwnTwoOctets) {
    expect_pair("&-", "&");
    expect_pair("Jack &- Jill", "Jack & Jill");
    expect_pair("&-&-&-", "&&&");
    expect_pair("&-&AOQ-&-", "&\u00e4&");
}

TEST(MailboxNameRfc3501Section513, CharactersBeyondTheFirstPlaneAreSurrogatePairs) {
    expect_pair("&2D3cqQ-", "\U0001f4a9");
    expect_pair("a&2D3cqdg93Kk-b", "a\U0001f4a9\U0001f4a9b");
}

TEST(MailboxNameRfc3501Section513, AShiftMustEndWithAHyphen) {
    for (const auto* wire : {"&", "a&", "&AOQ", "&AOQ/x", "&AOQ x-"}) {
        EXPECT_FALSE(decode_mailbox_name(wire)) << wire;
    }
}

TEST(MailboxNameRfc3501Section513, PrintableCharactersMustNotBeEncoded) {
    EXPECT_FALSE(decode_mailbox_name("&AEE-"));     // A
    EXPECT_FALSE(decode_mailbox_name("&ACY-"));     // &
    EXPECT_FALSE(decode_mailbox_name("&AOQAQQ-"));  // A behind an umlaut
    EXPECT_FALSE(decode_mailbox_name("&AEEA5A-"));  // and before
}

TEST(MailboxNameRfc3501Section513, SuperfluousShiftsAreNotPermitted) {
    EXPECT_FALSE(decode_mailbox_name("&U,BTFw-&ZeVnLIqe-"));
    EXPECT_FALSE(decode_mailbox_name("&Jjo-&Jjo-"));
    EXPECT_EQ(decode_mailbox_name("&U,BTFw-&-"), "\u53f0\u5317&");
}

TEST(MailboxNameRfc3501Section513, OnlyTheModifiedAlphabetWithoutPaddingIsBase64) {
    EXPECT_FALSE(decode_mailbox_name("&U/BTFw-"));
    EXPECT_FALSE(decode_mailbox_name("&AOQ=-"));
    EXPECT_FALSE(decode_mailbox_name("&AOQA-"));  // a sextet too many
    EXPECT_FALSE(decode_mailbox_name("&AOR-"));   // spare bits
    EXPECT_FALSE(decode_mailbox_name("&A-"));
    EXPECT_FALSE(decode_mailbox_name("&AO-"));
}

TEST(MailboxName, SurrogatesMustBePaired) {
    EXPECT_FALSE(decode_mailbox_name("&2D0-"));     // high alone
    EXPECT_FALSE(decode_mailbox_name("&3Kk-"));     // low alone
    EXPECT_FALSE(decode_mailbox_name("&2D0A5A-"));  // high, then a letter
    EXPECT_FALSE(decode_mailbox_name("&2D3YPQ-"));  // high, high
}

TEST(MailboxName, OctetsOutsidePrintableAsciiAreRefused) {
    EXPECT_FALSE(decode_mailbox_name("\u00e4"));
    EXPECT_FALSE(decode_mailbox_name("a\tb"));
    EXPECT_FALSE(decode_mailbox_name("a\x7f"));
    EXPECT_FALSE(decode_mailbox_name(std::string_view("a\0b", 3)));
}

TEST(MailboxName, ControlCharactersCannotBeSmuggledInEncoded) {
    EXPECT_FALSE(decode_mailbox_name("&AAA-"));
    EXPECT_FALSE(decode_mailbox_name("&AA0ACg-"));
    EXPECT_FALSE(decode_mailbox_name("&AIU-"));
}

TEST(MailboxName, WildcardsSurvive) { EXPECT_EQ(decode_mailbox_name("&AOQ-/%/*"), "\u00e4/%/*"); }

TEST(MailboxName, WhatIsNotUtf8IsEncodedAsReplacementCharacter) {
    EXPECT_EQ(encode_mailbox_name("a\xff"), "a&,,0-");
    EXPECT_EQ(encode_mailbox_name("\xc3"), "&,,0-");
    EXPECT_EQ(encode_mailbox_name("\xed\xa0\x80"), "&,,3,,f,9-");
    EXPECT_EQ(encode_mailbox_name("\xc0\x80"), "&,,3,,Q-");
}

TEST(MailboxName, EveryCharacterComesBack) {
    for (char32_t c = 0xa0; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
        if (c >= 0xd800 && c < 0xe000) {
            continue;
        }
        for (const auto& name : {utf8(c), "x" + utf8(c) + "y", utf8(c) + utf8(c) + utf8(c)}) {
            ASSERT_EQ(decode_mailbox_name(encode_mailbox_name(name)), name) << std::hex << +c;
        }
    }
}

TEST(MailboxName, EveryCutOfANameIsRefusedOrIsTheEncodingOfWhatCameOut) {
    const std::string wire = "Entw&APw-rfe/&2D3cqQ-&-/&ZeVnLIqe-";
    for (std::size_t size = 0; size <= wire.size(); ++size) {
        const auto cut = std::string_view(wire).substr(0, size);
        if (const auto name = decode_mailbox_name(cut)) {
            EXPECT_EQ(encode_mailbox_name(*name), cut);
        }
    }
}

}  // namespace
}  // namespace quorate::mail::imap
