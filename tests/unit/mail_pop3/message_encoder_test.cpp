#include "message_encoder.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace quorate::mail::pop3 {
namespace {

std::string encode(std::string_view message, std::optional<std::uint64_t> lines = std::nullopt) {
    std::string out;
    MessageEncoder encoder(lines);
    encoder.feed(message, out);
    encoder.finish(out);
    return out;
}

// What a client makes of a response: up to the line that is a single dot, further dots at the
// beginning of lines removed (RFC 1939 3). The number of octets behind that line is `rest`.
std::string decode(std::string_view response, std::size_t& rest) {
    std::string message;
    while (true) {
        const auto end = response.find("\r\n");
        EXPECT_NE(end, response.npos) << "no final dot";
        if (end == response.npos) {
            return message;
        }
        auto line = response.substr(0, end);
        response.remove_prefix(end + 2);
        if (line == ".") {
            rest = response.size();
            return message;
        }
        line.remove_prefix(line.starts_with('.') ? 1 : 0);
        message += line;
        message += "\r\n";
    }
}

// Every line end as CRLF, and one at the end.
std::string with_crlf(std::string_view message) {
    std::string out;
    for (const char c : message) {
        if (c == '\n' && !out.ends_with('\r')) {
            out.push_back('\r');
        }
        out.push_back(c);
    }
    return out.empty() || out.ends_with("\r\n") ? out : out + "\r\n";
}

TEST(Pop3MessageEncoder, Rfc1939Section3LinesThatBeginWithADotGetAnother) {
    EXPECT_EQ(encode(".\r\n..\r\n.x\r\nx.\r\n"), "..\r\n...\r\n..x\r\nx.\r\n.\r\n");
}

TEST(Pop3MessageEncoder, AMissingLineEndIsAdded) {
    EXPECT_EQ(encode("x"), "x\r\n.\r\n");
    EXPECT_EQ(encode("."), "..\r\n.\r\n");
    EXPECT_EQ(encode("x\r"), "x\r\r\n.\r\n");
    EXPECT_EQ(encode(""), ".\r\n");
    EXPECT_EQ(encode("\r\n"), "\r\n.\r\n");
}

TEST(Pop3MessageEncoder, LineFeedsAloneBecomeLineEnds) {
    EXPECT_EQ(encode("a\nb\n"), "a\r\nb\r\n.\r\n");
    EXPECT_EQ(encode("a\n.\nb\n"), "a\r\n..\r\nb\r\n.\r\n");
    EXPECT_EQ(encode("a\r.\r\n"), "a\r.\r\n.\r\n");
}

TEST(Pop3MessageEncoder, Rfc1939Section7TopStopsAfterTheLinesAskedFor) {
    const std::string message = "A: b\r\n\r\n.one\r\n\r\nthree";
    EXPECT_EQ(encode(message, 0), "A: b\r\n\r\n.\r\n");
    EXPECT_EQ(encode(message, 1), "A: b\r\n\r\n..one\r\n.\r\n");
    EXPECT_EQ(encode(message, 2), "A: b\r\n\r\n..one\r\n\r\n.\r\n");
    EXPECT_EQ(encode(message, 3), encode(message));
    EXPECT_EQ(encode(message, 100), encode(message));
    EXPECT_EQ(encode("\r\nbody\r\n", 0), "\r\n.\r\n");
    EXPECT_EQ(encode("\nbody\n", 0), "\r\n.\r\n");
    EXPECT_EQ(encode("no body", 0), "no body\r\n.\r\n");
    EXPECT_EQ(encode("A: b\r\n\r\r\n\r\nx\r\n", 0), "A: b\r\n\r\r\n\r\n.\r\n");
}

TEST(Pop3MessageEncoder, CutAnywhereTheResultIsTheSame) {
    const std::string message = "A: b\r\n.c\r\n\r\n.\r\n..d\n\r\n\n.\r.\r\re\r\n.";
    for (const auto lines : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(0),
                             std::optional<std::uint64_t>(2), std::optional<std::uint64_t>(50)}) {
        const auto whole = encode(message, lines);
        for (std::size_t cut = 0; cut <= message.size(); ++cut) {
            std::string out;
            MessageEncoder encoder(lines);
            encoder.feed(std::string_view(message).substr(0, cut), out);
            encoder.feed(std::string_view(message).substr(cut), out);
            encoder.finish(out);
            EXPECT_EQ(out, whole) << "cut at " << cut;
        }
        std::string out;
        MessageEncoder encoder(lines);
        for (const char& c : message) {
            encoder.feed({&c, 1}, out);
        }
        encoder.finish(out);
        EXPECT_EQ(out, whole) << "octet by octet";
    }
}

TEST(Pop3MessageEncoder, AClientGetsTheMessageAndStaysInStep) {
    Random random(1);
    constexpr std::string_view kOctets = "..\r\n\r\n\n\rxy";
    for (int round = 0; round < 20'000; ++round) {
        std::string message;
        for (auto size = random.below(20); size > 0; --size) {
            message.push_back(kOctets[random.below(kOctets.size())]);
        }
        std::size_t rest = 0;
        const auto received = decode(encode(message) + "+OK next\r\n", rest);
        ASSERT_EQ(received, with_crlf(message));
        ASSERT_EQ(rest, 10U);
    }
}

}  // namespace
}  // namespace quorate::mail::pop3
