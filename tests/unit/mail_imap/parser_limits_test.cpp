#include <gtest/gtest.h>

#include <string>

#include "command_reader.hpp"
#include "describe_command.hpp"
#include "request.hpp"

namespace quorate::mail::imap {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

std::string why_not(const std::string& command) {
    const auto request = parse_request("a " + command, kSelected);
    return request.failure ? std::string(request.failure->what) : "understood";
}

TEST(ParserLimits, RangesOfASet) {
    EXPECT_EQ(why_not("FETCH " + repeated("1,", 99'999) + "1 FLAGS"), "understood");
    EXPECT_EQ(why_not("FETCH " + repeated("1,", 100'000) + "1 FLAGS"),
              "set of more than 100000 ranges");
}

TEST(ParserLimits, ItemsOfAFetch) {
    EXPECT_EQ(why_not("FETCH 1 (" + repeated("UID ", 255) + "UID)"), "understood");
    EXPECT_EQ(why_not("FETCH 1 (" + repeated("UID ", 256) + "UID)"), "more than 256 items");
}

TEST(ParserLimits, KeysOfASearch) {
    EXPECT_EQ(why_not("SEARCH " + repeated("SEEN ", 9'999) + "SEEN"), "understood");
    EXPECT_EQ(why_not("SEARCH " + repeated("SEEN ", 10'000) + "SEEN"), "more than 10000 keys");
}

TEST(ParserLimits, DepthOfASearch) {
    for (const auto* step : {"NOT ", "(", "OR 1 "}) {
        EXPECT_EQ(why_not("SEARCH " + repeated(step, 50) + "ALL"), "keys more than 50 levels deep");
    }
    EXPECT_EQ(why_not("SEARCH " + repeated("NOT ", 49) + "ALL"), "understood");
    EXPECT_EQ(why_not("SEARCH " + repeated("(", 49) + "ALL" + repeated(")", 49)), "understood");
    EXPECT_EQ(why_not("SEARCH " + repeated("(", 1'000'000)), "keys more than 50 levels deep");
}

TEST(ParserLimits, KeywordsOfACommand) {
    std::string flags;
    for (int i = 0; i < 58; ++i) {
        flags += (i > 0 ? " k" : "k") + std::to_string(i);
    }
    EXPECT_EQ(why_not("STORE 1 +FLAGS (" + flags + ")"), "understood");
    EXPECT_EQ(why_not("STORE 1 +FLAGS (" + flags + " K1 \\Seen)"), "understood");
    EXPECT_EQ(why_not("STORE 1 +FLAGS (" + flags + " more)"), "too many keywords");
}

TEST(CommandReader, FindsTheEndHoweverTheOctetsWereCut) {
    const std::string text = "a LOGIN {5+}\r\nb\r\nob {0}\r\n {2+}\r\n{}\r\nnext";
    const std::size_t end = text.size() - 4;
    for (std::size_t step = 1; step <= text.size(); ++step) {
        CommandReader reader;
        std::size_t literals = 0;
        auto event = CommandReader::Event::kMore;
        for (std::size_t have = step; event != CommandReader::Event::kCommand;
             have = std::min(have + step, text.size())) {
            event = reader.next(std::string_view(text).substr(0, have), 1000);
            while (event == CommandReader::Event::kLiteral) {
                ++literals;
                reader.accept_literal();
                event = reader.next(std::string_view(text).substr(0, have), 1000);
            }
        }
        EXPECT_EQ(reader.size(), end) << step;
        EXPECT_EQ(literals, 3U) << step;
    }
}

TEST(CommandReader, LooksAtEachOctetOnce) {
    constexpr std::size_t kSize = 2'000'000;
    const std::string text(kSize, 'x');
    CommandReader reader;
    for (std::size_t have = 1; have < kSize; ++have) {
        ASSERT_EQ(reader.next(std::string_view(text).substr(0, have), kSize),
                  CommandReader::Event::kMore);
    }
    EXPECT_EQ(reader.next(text, kSize), CommandReader::Event::kTooLong);
}

TEST(CommandReader, AnnouncementsOfLiterals) {
    const auto size = [](std::string_view line) {
        const auto header = literal_at_end(line);
        return header ? std::to_string(header->size) + (header->synchronizing ? "" : "+") : "-";
    };
    EXPECT_EQ(size("a {0}"), "0");
    EXPECT_EQ(size("{12+}"), "12+");
    EXPECT_EQ(size("x{007}"), "7");
    EXPECT_EQ(size("{18446744073709551615}"), "18446744073709551615");
    EXPECT_EQ(size("{18446744073709551616+}"), "18446744073709551615+");
    EXPECT_EQ(size("{99999999999999999999999999}"), "18446744073709551615");
    for (const auto* line : {"", "}", "{}", "{+}", "{-1}", "{ 1}", "{1 }", "{1+ }", "{1}x", "1}",
                             "{1++}", "{1-}", "{0x1}"}) {
        EXPECT_EQ(size(line), "-") << line;
    }
}

// Commands with every kind of argument.
const std::vector<std::string>& samples() {
    static const std::vector<std::string> texts{
        "a LOGIN \"b\\\"ob\" {6+}\r\nsecret",
        "a ID (\"name\" \"x\" \"version\" NIL)",
        "a LIST \"\" {3}\r\n%/*",
        "a STATUS INBOX (MESSAGES UNSEEN SIZE)",
        "a UID STORE 1:3,*:5 +FLAGS.SILENT (\\Seen $Junk)",
        "a UID FETCH 1:* (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From {2}\r\nTo)]<0.100> BODY)",
        "a SEARCH CHARSET UTF-8 OR (FROM {2}\r\n\xc3\xa4 NOT 1:*) SENTSINCE 1-Jan-2020",
        "a AUTHENTICATE PLAIN AGJvYgBzZWNyZXQ="};
    return texts;
}

TEST(Parser, EveryCutOfACommandIsUnderstoodOrRefusedInsideItself) {
    for (const auto& text : samples()) {
        for (const auto state : {kNotAuthenticated, kAuthenticated, kSelected}) {
            for (std::size_t size = 0; size <= text.size(); ++size) {
                const auto request = parse_request(text.substr(0, size), state);
                if (request.failure) {
                    EXPECT_LE(request.failure->octet, size + 1);
                    EXPECT_FALSE(request.failure->what.empty());
                }
            }
        }
    }
}

TEST(Parser, EveryOctetChangedIsUnderstoodOrRefusedInsideTheCommand) {
    for (const auto& text : samples()) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            for (const char c : {'\0', ' ', '(', ')', '"', '{', '\\', '0', '9', '*', '\xff', '&'}) {
                auto changed = text;
                changed[at] = c;
                const auto request = parse_request(changed, kSelected);
                if (request.failure) {
                    EXPECT_LE(request.failure->octet, text.size() + 1);
                }
            }
        }
    }
}

TEST(Parser, EachMissingSpaceIsFound) {
    for (const auto* text :
         {"a FETCH 1 FLAGS", "a UID FETCH 1 (FLAGS UID)", "a STORE 1 FLAGS (a b)", "a COPY 1 x",
          "a SEARCH NOT SEEN", "a RENAME x y", "a STATUS x (UNSEEN)"}) {
        const std::string whole = text;
        EXPECT_FALSE(parse_request(whole, kSelected).failure) << whole;
        for (auto at = whole.find(' '); at != std::string::npos; at = whole.find(' ', at + 1)) {
            auto without = whole;
            without.erase(at, 1);
            // These are commands too.
            const bool joins_words =
                without == "a STORE 1 FLAGS (ab)" || without == "aUID FETCH 1 (FLAGS UID)";
            if (!joins_words) {
                EXPECT_TRUE(parse_request(without, kSelected).failure) << without;
            }
        }
    }
}

}  // namespace
}  // namespace quorate::mail::imap
