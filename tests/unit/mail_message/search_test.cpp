#include "mail/message/search.hpp"

#include <gtest/gtest.h>

#include "mail/message/errc.hpp"
#include "samples.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;

bool streamed(const Needle& needle, std::string_view text, std::size_t piece) {
    StreamMatcher matcher(needle);
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
        if (matcher.feed(text.substr(0, piece))) {
            return true;
        }
    }
    return matcher.finish();
}

bool contains(std::string_view text, std::string_view wanted) {
    const Needle needle(wanted);
    const bool found = needle.in(text);
    for (const std::size_t piece : {1U, 2U, 3U, 10U}) {
        EXPECT_EQ(streamed(needle, text, piece), found) << text << " / " << wanted;
    }
    return found;
}

TEST(SearchRfc5051, CaseIsIgnored) {
    EXPECT_TRUE(contains("Hello World", "lo wo"));
    EXPECT_TRUE(contains("hello", "HELLO"));
    EXPECT_FALSE(contains("hello", "help"));
    EXPECT_TRUE(contains("ПРИВЕТ", "привет"));
    EXPECT_TRUE(contains("ΣΊΣΥΦΟΣ", "σίσυφος"));
    EXPECT_TRUE(contains("Straße", "STRASSE"));
    EXPECT_TRUE(contains("ÅNGSTRÖM", "ångström"));
}

TEST(SearchRfc5051, ComposedAndDecomposedAreTheSame) {
    EXPECT_TRUE(contains("caf\u00e9", "cafe\u0301"));
    EXPECT_TRUE(contains("cafe\u0301!", "caf\u00e9!"));
    EXPECT_TRUE(contains("\ufb01n", "fin"));
    EXPECT_TRUE(contains("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"));
    // Two marks in either order.
    EXPECT_TRUE(contains("a\u0323\u0307b", "a\u0307\u0323b"));
}

TEST(Search, AMatchMayBeCutAnywhere) {
    const std::string text = "The quick bröwn fox jumps över the lazy dog, ﬁnally";
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
        if ((static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) {
            continue;
        }
        EXPECT_TRUE(contains(text, text.substr(begin)));
    }
    EXPECT_TRUE(contains("aaaaaaab", "aab"));
    EXPECT_FALSE(contains("", "a"));
}

TEST(Search, TheEmptyTextIsInEverything) {
    EXPECT_TRUE(contains("", ""));
    EXPECT_TRUE(contains("a", ""));
}

TEST(Search, ManyCombiningMarksAreNotKeptWaiting) {
    std::string marks = "x";
    for (int i = 0; i < 10'000; ++i) {
        marks += "\u0301";
    }
    EXPECT_TRUE(contains(marks + "end", "END"));
}

TEST(SearchRfc3501, HeaderFieldsAreDecoded) {
    const auto header = crlf("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= aus\n K\xf6ln\nX-Empty:\n\n");
    EXPECT_TRUE(match_field(header, "subject", Needle("GRÜSSE AUS KÖLN")));
    EXPECT_FALSE(match_field(header, "subject", Needle("utf-8")));
    EXPECT_FALSE(match_field(header, "from", Needle("")));
    EXPECT_TRUE(match_field(header, "x-empty", Needle("")));
    EXPECT_FALSE(match_field(header, "x-empty", Needle("x")));
}

TEST(SearchRfc3501, OfRepeatedFieldsAnyCounts) {
    EXPECT_TRUE(match_field(crlf("To: a@b\nTo: c@d\n\n"), "To", Needle("c@")));
}

class Reader {
public:
    explicit Reader(std::string message) : message_(std::move(message)) {}

    bool match(SearchScope scope, std::string_view wanted) {
        const auto result = match_message(
            parse_structure(message_),
            [&](std::uint64_t offset, std::uint64_t size) -> Result<std::string> {
                read_ += size;
                return message_.substr(offset, size);
            },
            scope, Needle(wanted));
        EXPECT_TRUE(result);
        return result && *result;
    }
    bool body(std::string_view wanted) { return match(SearchScope::kBody, wanted); }
    bool text(std::string_view wanted) { return match(SearchScope::kText, wanted); }
    std::uint64_t read() const { return read_; }

private:
    std::string message_;
    std::uint64_t read_ = 0;
};

Reader sample(const std::string& name) { return Reader(testing::sample_messages().at(name)); }

TEST(SearchRfc3501, BodyIsTheTextWithoutTheHeader) {
    auto plain = sample("plain");
    EXPECT_TRUE(plain.body("NOTHING ODD"));
    EXPECT_FALSE(plain.body("example.test"));
    EXPECT_TRUE(plain.text("example.test"));
    EXPECT_TRUE(plain.text("subject: a plain"));
    EXPECT_TRUE(plain.text("nothing odd"));
    EXPECT_FALSE(plain.text("something"));
    EXPECT_TRUE(plain.body(""));
}

TEST(SearchRfc3501, TransferEncodingAndCharsetAreDecoded) {
    EXPECT_TRUE(sample("base64-koi8-r").body("ПРИВЕТ, МИР"));
    EXPECT_TRUE(sample("base64-broken").body("this is two pieces."));
    EXPECT_TRUE(sample("quoted-printable-latin1").body("café est prêt. trailing"));
    EXPECT_TRUE(sample("iso-2022-jp").body("日本語のメール"));
    EXPECT_TRUE(sample("gb2312").body("世界"));
    EXPECT_TRUE(sample("big5-html").body("中文電子"));
    EXPECT_TRUE(sample("shift-jis").body("カタカナ"));
    EXPECT_TRUE(sample("euc-kr").body("한국어"));
    EXPECT_TRUE(sample("utf-16").body("ŽLUŤOUČKÝ"));
    EXPECT_TRUE(sample("unlabelled-8bit").body("NAÏVE"));
    EXPECT_TRUE(sample("unknown-charset").body("SCHÖN"));
    EXPECT_TRUE(sample("calendar").body("café"));
    EXPECT_TRUE(sample("windows-1251-split-words").text("Очень длинная тема"));
    EXPECT_TRUE(sample("windows-1251-split-words").text("тест"));
}

TEST(SearchRfc3501, EncapsulatedMessagesBelongToTheBody) {
    auto forwarded = sample("forwarded-three-deep");
    EXPECT_TRUE(forwarded.body("zanzibar"));
    EXPECT_TRUE(forwarded.body("level thrée"));
    EXPECT_TRUE(forwarded.body("l2@example.test"));
    EXPECT_FALSE(forwarded.body("Fwd: Fwd"));
    EXPECT_TRUE(forwarded.text("Fwd: Fwd"));
    EXPECT_TRUE(sample("delivery-status").body("5.1.1"));
}

TEST(SearchRfc3501, OnlyTextIsLookedAt) {
    auto nested = sample("alternative-related");
    EXPECT_TRUE(nested.body("plain text"));
    EXPECT_TRUE(nested.body("CAFÉ"));
    EXPECT_FALSE(nested.body("JVBERi0"));
    EXPECT_FALSE(nested.body("report.pdf"));
    EXPECT_TRUE(nested.text("report.pdf"));
    EXPECT_FALSE(nested.text("multi-part message in MIME"));
}

TEST(Search, ReadingStopsAtTheFirstMatch) {
    Reader reader("\r\n" + std::string("needle") + std::string(10'000'000, 'x'));
    EXPECT_TRUE(reader.body("needle"));
    EXPECT_LE(reader.read(), 70'000U);
}

TEST(Search, AMatchAcrossTwoPiecesOfReadingIsFound) {
    for (std::size_t shift = 0; shift < 12; ++shift) {
        Reader reader("\r\n" + std::string(64 * 1024 - shift, ' ') + "straße gefunden");
        EXPECT_TRUE(reader.body("STRASSE"));
    }
}

TEST(Search, TheReadersErrorIsPassedOn) {
    const auto result = match_message(
        parse_structure("\r\nx"),
        [](std::uint64_t, std::uint64_t) -> Result<std::string> {
            return fail(errc::damaged, "no body");
        },
        SearchScope::kBody, Needle("x"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::damaged);
}

}  // namespace
}  // namespace quorate::mail::message
