#include "mail/message/decode.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace quorate::mail::message {
namespace {

std::string transfer(TransferEncoding encoding, std::string_view bytes, std::size_t piece) {
    std::string out;
    TransferDecoder decoder(encoding);
    while (!bytes.empty()) {
        decoder.feed(bytes.substr(0, piece), out);
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    decoder.finish(out);
    return out;
}

// The same whole and in pieces of every small size.
std::string transfer(TransferEncoding encoding, std::string_view bytes) {
    const auto whole = transfer(encoding, bytes, bytes.size() + 1);
    for (const std::size_t piece : {1U, 2U, 3U, 5U}) {
        EXPECT_EQ(transfer(encoding, bytes, piece), whole) << bytes << " by " << piece;
    }
    return whole;
}

std::string base64(std::string_view text) { return transfer(TransferEncoding::kBase64, text); }

std::string quoted_printable(std::string_view text) {
    return transfer(TransferEncoding::kQuotedPrintable, text);
}

TEST(DecodeRfc2045, Base64) {
    EXPECT_EQ(base64("aGVsbG8="), "hello");
    EXPECT_EQ(base64("aGVs\r\nbG8h\r\n"), "hello!");
    EXPECT_EQ(base64("/+8="), "\xff\xef");
}

TEST(DecodeRfc2045, Base64SkipsForeignCharactersAndGoesOnAfterPadding) {
    EXPECT_EQ(base64("a!G\x80 V-s\nbG8="), "hello");
    EXPECT_EQ(base64("aGVsbG8=IHdvcmxk"), "hello world");
    EXPECT_EQ(base64("aGVsbG8"), "hello");
    EXPECT_EQ(base64("aGVsbG"), "hell");
    EXPECT_EQ(base64("aGVsb"), "hel");
    EXPECT_EQ(base64("===="), "");
    EXPECT_EQ(base64(""), "");
}

TEST(DecodeRfc2045, QuotedPrintable) {
    EXPECT_EQ(quoted_printable("caf=E9 =3D"), "caf\xe9 =");
    EXPECT_EQ(quoted_printable("soft =\r\nbreak"), "soft break");
    EXPECT_EQ(quoted_printable("soft =\nbreak"), "soft break");
    EXPECT_EQ(quoted_printable("soft= \t\r\nbreak"), "softbreak");
    EXPECT_EQ(quoted_printable("trailing \t \r\nspace  "), "trailing\r\nspace");
    EXPECT_EQ(quoted_printable("kept=20\r\n"), "kept \r\n");
    EXPECT_EQ(quoted_printable("inner  space\tkept\rtoo"), "inner  space\tkept\rtoo");
}

TEST(DecodeRfc2045, QuotedPrintableKeepsBrokenEscapes) {
    EXPECT_EQ(quoted_printable("=ZZ =4 =4x =3d="), "=ZZ =4 =4x =");
    EXPECT_EQ(quoted_printable("==41="), "=A");
    EXPECT_EQ(quoted_printable("=4"), "=4");
    EXPECT_EQ(quoted_printable("= x"), "= x");
    EXPECT_EQ(quoted_printable("=\rx"), "=\rx");
}

TEST(DecodeRfc2045, LongWhiteSpaceIsNotKeptWaiting) {
    const std::string spaces(100'000, ' ');
    EXPECT_EQ(transfer(TransferEncoding::kQuotedPrintable, spaces + "x", 1000), spaces + "x");
}

TEST(DecodeRfc2045, OtherEncodingsPassThrough) {
    for (const auto encoding : {TransferEncoding::k7bit, TransferEncoding::k8bit,
                                TransferEncoding::kBinary, TransferEncoding::kOther}) {
        EXPECT_EQ(transfer(encoding, "a=41 \xff"), "a=41 \xff");
    }
}

std::string charset(std::string_view name, std::string_view bytes) {
    const auto whole = to_utf8(name, bytes);
    for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
        std::string out;
        CharsetDecoder decoder(name);
        for (auto rest = bytes; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
            decoder.feed(rest.substr(0, piece), out);
        }
        decoder.finish(out);
        EXPECT_EQ(out, whole) << name << " by " << piece;
    }
    EXPECT_TRUE(is_valid_utf8(whole)) << name;
    return whole;
}

TEST(Charset, TheUsualOnes) {
    EXPECT_EQ(charset("iso-8859-1", "caf\xe9"), "café");
    EXPECT_EQ(charset("ISO-8859-15", "\xa4"), "€");
    EXPECT_EQ(charset("windows-1252", "\x80"), "€");
    EXPECT_EQ(charset("koi8-r", "\xf0\xf2\xe9"), "ПРИ");
    EXPECT_EQ(charset("windows-1251", "\xcf\xf0\xe8"), "При");
    EXPECT_EQ(charset("iso-2022-jp", "\x1b$BF|K\\\x1b(B!"), "日本!");
    EXPECT_EQ(charset("Shift_JIS", "\x93\xfa\x96\x7b"), "日本");
    EXPECT_EQ(charset("euc-jp", "\xc6\xfc\xcb\xdc"), "日本");
    EXPECT_EQ(charset("gb2312", "\xc4\xe3\xba\xc3"), "你好");
    EXPECT_EQ(charset("big5", "\xa4\xa4\xa4\xe5"), "中文");
    EXPECT_EQ(charset("ks_c_5601-1987", "\xc7\xd1"), "한");
    EXPECT_EQ(charset("utf-16", std::string_view("\xfe\xff\0a\xd8\x3d\xde\x00", 8)), "a😀");
    EXPECT_EQ(charset("utf-16le", std::string_view("a\0", 2)), "a");
    EXPECT_EQ(charset("utf-7", "Hi +Jjo-!"), "Hi ☺!");
    EXPECT_EQ(charset("\tUTF-8 ", "grüß"), "grüß");
}

TEST(Charset, WhatIsNoUtf8IsReadAsWindows1252) {
    for (const auto* name : {"", "utf-8", "us-ascii", "unknown-8bit", "x-nobody",
                             "../../etc/passwd", "utf-8,swaplfnl"}) {
        EXPECT_EQ(charset(name, "caf\xe9 caf\xc3\xa9 \x80"), "café café €") << name;
        EXPECT_EQ(charset(name, "\xe2\x82"), "â‚") << name;
        EXPECT_EQ(charset(name, "\xc0\xaf\xed\xa0\x80\xf5"), "À¯í\xc2\xa0€õ") << name;
        EXPECT_EQ(charset(name, "\xf0\x9f\x98\x80"), "😀") << name;
    }
}

TEST(Charset, BrokenInputIsReplaced) {
    EXPECT_EQ(charset("shift_jis", "a\x93"), "a\xef\xbf\xbd");
    EXPECT_EQ(charset("euc-jp", "\xff"), "\xef\xbf\xbd");
}

TEST(Charset, KnownNames) {
    EXPECT_TRUE(is_known_charset("UTF-8"));
    EXPECT_TRUE(is_known_charset("us-ascii"));
    EXPECT_TRUE(is_known_charset("KOI8-R"));
    EXPECT_FALSE(is_known_charset("x-nobody"));
    EXPECT_FALSE(is_known_charset(""));
    EXPECT_FALSE(is_known_charset("a/b"));
}

TEST(WordsRfc2047, TheExamplesOfSection8) {
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a?=)"), "(a)");
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a?= b)"), "(a b)");
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)"), "(ab)");
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)"), "(ab)");
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a_b?=)"), "(a b)");
    EXPECT_EQ(decode_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)"), "(a b)");
    EXPECT_EQ(decode_words("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?= <paf@nada.kth.test>"),
              "Patrik Fältström <paf@nada.kth.test>");
    EXPECT_EQ(decode_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
                           "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
              "If you can read this you understand the example.");
}

TEST(WordsRfc2047, ACharacterCutBetweenTwoWordsIsWhole) {
    EXPECT_EQ(decode_words("=?utf-8?B?w6nD?= =?UTF-8?B?qQ==?="), "éé");
    EXPECT_EQ(decode_words("=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?="), "€");
}

TEST(WordsRfc2047, JapaneseWordsThatEachReturnToAsciiJoinWithoutAGap) {
    EXPECT_EQ(
        decode_words("=?ISO-2022-JP?B?GyRCN29MPiROGyhC?=\t=?iso-2022-jp?B?GyRCQjMkLRsoQg==?="),
        "件名の続き");
}

TEST(WordsRfc2047, WhatIsNoEncodedWordStays) {
    for (const auto* text :
         {"=?", "=?utf-8", "=?utf-8?", "=?utf-8?Q", "=?utf-8?Q?", "=?utf-8?Q?abc", "=?utf-8?Q?abc?",
          "=?utf-8?X?abc?=", "=??Q?abc?=", "=?utf-8??abc?=", "a =? b ?= c", "?=", "=?=?=?"}) {
        EXPECT_EQ(decode_words(text), text);
    }
    EXPECT_EQ(decode_words("=?utf-8?Q?a =?utf-8?Q?b?="), "a =?utf-8?Q?b");
}

TEST(WordsRfc2047, SpacesInsideAWordAndForeignTextAroundItAreTolerated) {
    EXPECT_EQ(decode_words("=?utf-8?Q?two words?="), "two words");
    EXPECT_EQ(decode_words("x=?utf-8?Q?=C3=A9?=y"), "xéy");
    EXPECT_EQ(decode_words("\"=?utf-8?Q?=C3=A9?=\""), "\"é\"");
    EXPECT_EQ(decode_words("caf\xe9 =?utf-8?q?=3D_?= x"), "café =  x");
    EXPECT_EQ(decode_words("=?utf-8*en?q?x?="), "x");
    EXPECT_EQ(decode_words("=?utf-8?Q?\?= x"), " x");
    EXPECT_EQ(decode_words("=?x-nobody?Q?=E9?="), "é");
}

TEST(WordsRfc2047, HostileValuesTakeLinearTime) {
    for (const std::string_view unit : {"=?", "=?a?q?", "=?a?q?b?= ", "?=", "=?a?b?=?a?b?"}) {
        std::string value;
        while (value.size() < 256 * 1024) {
            value += unit;
        }
        EXPECT_TRUE(is_valid_utf8(decode_words(value)));
    }
}

}  // namespace
}  // namespace quorate::mail::message
