// "The PROXY protocol", versions 1 and 2: section numbers in the names.

#include "mail/session/proxy.hpp"

#include <gtest/gtest.h>

#include "base/crc32c.hpp"

namespace quorate::mail {
namespace {

using State = ProxyDecoded::State;
using namespace std::string_literals;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// A version 2 header around a block.
std::string v2(unsigned char command, unsigned char family, const std::string& block) {
    std::string header = kSignature;
    header.push_back(static_cast<char>(0x20 | command));
    header.push_back(static_cast<char>(family));
    header.push_back(static_cast<char>(block.size() >> 8));
    header.push_back(static_cast<char>(block.size() & 255));
    return header + block;
}

// 192.0.2.1:56324 to 198.51.100.7:25.
const std::string kIpv4Block("\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x00\x19", 12);
// [2001:db8::1]:1 to [::1]:65535.
const std::string kIpv6Block(
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01\xff\xff",
    36);

std::string extension(unsigned char type, const std::string& value) {
    return std::string(1, static_cast<char>(type)) + static_cast<char>(value.size() >> 8) +
           static_cast<char>(value.size() & 255) + value;
}

std::string big_endian(std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text.push_back(static_cast<char>(value >> shift));
    }
    return text;
}

// A version 2 header with a checksum extension behind `before`.
std::string with_checksum(const std::string& before, const std::string& after) {
    auto header = v2(1, 0x11, kIpv4Block + before + extension(3, "\0\0\0\0"s) + after);
    const auto sum = crc32c(header);
    header.replace(header.size() - after.size() - 4, 4, big_endian(sum));
    return header;
}

// Decoded from every prefix: incomplete until the header is whole, then always the same, whatever
// follows.
ProxyDecoded decode_everywhere(const std::string& header) {
    const auto whole = decode_proxy_header(header);
    EXPECT_EQ(whole.state, State::kDone) << whole.reason;
    EXPECT_EQ(whole.consumed, header.size());
    for (std::size_t size = 0; size < header.size(); ++size) {
        EXPECT_EQ(decode_proxy_header(header.substr(0, size)).state, State::kIncomplete)
            << "cut at " << size;
    }
    for (const auto& rest : {"E"s, "EHLO x\r\n"s, "\r\n"s, std::string(5000, '\0')}) {
        const auto longer = decode_proxy_header(header + rest);
        EXPECT_EQ(longer.state, State::kDone);
        EXPECT_EQ(longer.consumed, header.size());
        EXPECT_EQ(longer.header.source_address, whole.header.source_address);
    }
    return whole;
}

void expect_endpoints(const ProxyDecoded& decoded, const std::string& source,
                      const std::string& destination) {
    EXPECT_FALSE(decoded.header.local);
    EXPECT_EQ(decoded.header.source_address + " " + std::to_string(decoded.header.source_port),
              source);
    EXPECT_EQ(
        decoded.header.destination_address + " " + std::to_string(decoded.header.destination_port),
        destination);
}

void expect_local(const ProxyDecoded& decoded) {
    EXPECT_EQ(decoded.state, State::kDone) << decoded.reason;
    EXPECT_TRUE(decoded.header.local);
    EXPECT_EQ(decoded.header.source_address, "");
    EXPECT_EQ(decoded.header.destination_address, "");
}

void expect_invalid(const std::string& bytes) {
    const auto decoded = decode_proxy_header(bytes);
    EXPECT_EQ(decoded.state, State::kInvalid) << bytes;
    EXPECT_FALSE(decoded.reason.empty());
}

// ---- version 1

TEST(ProxyV1, Section21TheExampleOfTheSpecification) {
    expect_endpoints(decode_everywhere("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"),
                     "192.168.0.1 56324", "192.168.0.11 443");
}

TEST(ProxyV1, Section21TheLongestLines) {
    expect_endpoints(
        decode_everywhere("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
        "255.255.255.255 65535", "255.255.255.255 65535");
    const std::string full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    expect_endpoints(decode_everywhere("PROXY TCP6 " + full + " " + full + " 65535 65535\r\n"),
                     full + " 65535", full + " 65535");
    expect_local(decode_everywhere("PROXY UNKNOWN " + full + " " + full + " 65535 65535\r\n"));
}

TEST(ProxyV1, Section21Ipv6InAnyFormIsTheSameAddress) {
    expect_endpoints(decode_everywhere("PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 0 1\r\n"),
                     "2001:db8::1 0", "::1 1");
}

TEST(ProxyV1, AnIpv4AddressInsideIpv6IsAnIpv4Address) {
    expect_endpoints(decode_everywhere("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1 2\r\n"),
                     "192.0.2.1 1", "192.0.2.2 2");
}

TEST(ProxyV1, Section21UnknownStandsForTheConnectionItself) {
    expect_local(decode_everywhere("PROXY UNKNOWN\r\n"));
    expect_local(decode_everywhere("PROXY UNKNOWN anything \x01\xff may follow\r\n"));
}

TEST(ProxyV1, Section21HeadingZeroesAreNotPermitted) {
    expect_invalid("PROXY TCP4 192.168.00.1 192.168.0.11 56324 443\r\n");
    expect_invalid("PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n");
    expect_invalid("PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n");
    expect_invalid("PROXY TCP4 192.168.0.1 192.168.0.11 56324 0443\r\n");
}

TEST(ProxyV1, Section21AnythingElseIsInvalid) {
    for (const auto* line : {
             "PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
             "PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
             "PROXY  TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
             "PROXY TCP4 192.168.0.256 192.168.0.11 56324 443\r\n",
             "PROXY TCP4 192.168.0 192.168.0.11 56324 443\r\n",
             "PROXY TCP4 192.168.0.1.5 192.168.0.11 56324 443\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 +1 443\r\n",
             "PROXY TCP4 192.168.0.1 192.168.0.11 1 4x\r\n",
             "PROXY TCP4 ::1 ::2 1 2\r\n",
             "PROXY TCP6 192.168.0.1 192.168.0.11 1 2\r\n",
             "PROXY TCP6 1::2::3 ::1 1 2\r\n",
             "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
             "PROXY UDP4 192.168.0.1 192.168.0.11 1 2\r\n",
             "PROXY tcp4 192.168.0.1 192.168.0.11 1 2\r\n",
             "PROXY UNKNOWNX\r\n",
             "PROXY \r\n",
             "proxy TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
             "PROXYTCP4",
             "EHLO client.example\r\n",
             "\r\n\r\n ",
         }) {
        expect_invalid(line);
    }
    expect_invalid("PROXY TCP4 192.168.0.1\0 192.168.0.11 1 2\r\n"s);
    expect_invalid("PROXY TCP4 192.168.0.1 192.168.0.11 1\0 2\r\n"s);
}

TEST(ProxyV1, Section21ASingleCrOrLfDoesNotEndTheLine) {
    const std::string line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443";
    EXPECT_EQ(decode_proxy_header(line + "\n").state, State::kIncomplete);
    EXPECT_EQ(decode_proxy_header(line + "\r").state, State::kIncomplete);
    expect_invalid(line + "\n\r\n");
    expect_invalid(line + "\r\r\n");
}

TEST(ProxyV1, Section21TheLineEndsWithin107Octets) {
    const auto line = "PROXY UNKNOWN " + std::string(91, 'x');
    ASSERT_EQ(line.size(), 105U);
    expect_local(decode_everywhere(line + "\r\n"));
    EXPECT_EQ(decode_proxy_header(line + "x").state, State::kIncomplete);
    expect_invalid(line + "xx");
    expect_invalid(line + "x\r\n");
}

TEST(ProxyV1, OtherProtocolsAreRefusedAtTheFirstOctetThatDiffers) {
    expect_invalid("E");
    expect_invalid("PO");
    expect_invalid("\r\nx");
    EXPECT_EQ(decode_proxy_header("").state, State::kIncomplete);
}

// ---- version 2

TEST(ProxyV2, Section22TcpOverIpv4) {
    expect_endpoints(decode_everywhere(v2(1, 0x11, kIpv4Block)), "192.0.2.1 56324",
                     "198.51.100.7 25");
}

TEST(ProxyV2, Section22TcpOverIpv6) {
    expect_endpoints(decode_everywhere(v2(1, 0x21, kIpv6Block)), "2001:db8::1 1", "::1 65535");
}

TEST(ProxyV2, Section22LocalDiscardsTheBlockAndTheFamily) {
    expect_local(decode_everywhere(v2(0, 0x00, "")));
    expect_local(decode_everywhere(v2(0, 0x11, kIpv4Block)));
    expect_local(decode_everywhere(v2(0, 0xff, "anything")));
}

TEST(ProxyV2, Section22UnspecifiedFamiliesAndTransportsFallBack) {
    for (const auto family : {0x00, 0x01, 0x02, 0x10, 0x20, 0x30}) {
        expect_local(decode_everywhere(v2(1, static_cast<unsigned char>(family), "skipped")));
    }
}

TEST(ProxyV2, Section22ValidCombinationsThatAreNotTcpFallBack) {
    expect_local(decode_everywhere(v2(1, 0x12, kIpv4Block)));
    expect_local(decode_everywhere(v2(1, 0x22, kIpv6Block)));
    expect_local(decode_everywhere(v2(1, 0x31, std::string(216, '/'))));
    expect_local(decode_everywhere(v2(1, 0x32, std::string(216, '\0'))));
}

TEST(ProxyV2, Section22OtherVersionsAndCommandsAreDropped) {
    for (unsigned head = 0; head < 256; ++head) {
        const auto bytes = kSignature + static_cast<char>(head);
        const auto state = decode_proxy_header(bytes).state;
        EXPECT_EQ(state, head == 0x20 || head == 0x21 ? State::kIncomplete : State::kInvalid)
            << head;
    }
}

TEST(ProxyV2, Section22OtherFamiliesAndTransportsAreRejected) {
    for (unsigned family = 0; family < 256; ++family) {
        const bool known = (family >> 4) <= 3 && (family & 15) <= 2;
        const auto bytes = kSignature + '\x21' + static_cast<char>(family);
        EXPECT_EQ(decode_proxy_header(bytes).state, known ? State::kIncomplete : State::kInvalid)
            << family;
    }
}

TEST(ProxyV2, Section22TheAddressBlockMustBeWhole) {
    expect_invalid(v2(1, 0x11, kIpv4Block.substr(1)));
    expect_invalid(v2(1, 0x21, kIpv6Block.substr(1)));
    expect_invalid(v2(1, 0x31, std::string(215, '/')));
    expect_invalid(v2(1, 0x11, ""));
}

TEST(ProxyV2, TheBlockIsLimitedTo4096Octets) {
    const auto padding = extension(4, std::string(4096 - 12 - 3, 'x'));
    expect_endpoints(decode_everywhere(v2(1, 0x11, kIpv4Block + padding)), "192.0.2.1 56324",
                     "198.51.100.7 25");
    expect_invalid(v2(1, 0x11, kIpv4Block + padding + "x").substr(0, 16));
}

TEST(ProxyV2, Section22ExtensionsAreSkipped) {
    const auto extensions = extension(1, "imap") + extension(2, "mail.example") + extension(4, "") +
                            extension(0xea, std::string(300, '\xff'));
    expect_endpoints(decode_everywhere(v2(1, 0x11, kIpv4Block + extensions)), "192.0.2.1 56324",
                     "198.51.100.7 25");
}

TEST(ProxyV2, Section22ExtensionsMustFit) {
    expect_invalid(v2(1, 0x11, kIpv4Block + "\x04"s));
    expect_invalid(v2(1, 0x11, kIpv4Block + "\x04\x00"s));
    expect_invalid(v2(1, 0x11, kIpv4Block + "\x04\x00\x01"s));
    expect_invalid(v2(1, 0x11, kIpv4Block + "\x04\xff\xffxyz"s));
}

TEST(ProxyV2, Section223ARightChecksumIsAccepted) {
    expect_endpoints(decode_everywhere(with_checksum("", "")), "192.0.2.1 56324",
                     "198.51.100.7 25");
    expect_endpoints(decode_everywhere(with_checksum(extension(1, "imap"), extension(4, "xyz"))),
                     "192.0.2.1 56324", "198.51.100.7 25");
}

TEST(ProxyV2, Section223AChangeOfAnyBitIsNoticed) {
    const auto header = with_checksum(extension(1, "imap"), "");
    for (std::size_t i = 16; i < header.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto damaged = header;
            damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
            const bool type_changed = i == header.size() - 7;  // no checksum extension any more
            const auto state = decode_proxy_header(damaged).state;
            EXPECT_EQ(state, type_changed ? State::kDone : State::kInvalid)
                << "octet " << i << " bit " << bit;
        }
    }
}

TEST(ProxyV2, Section223AChecksumOfAnotherSizeOrASecondOneIsInvalid) {
    expect_invalid(v2(1, 0x11, kIpv4Block + extension(3, "abc")));
    const auto sum = extension(3, "\0\0\0\0"s);
    expect_invalid(v2(1, 0x11, kIpv4Block + sum + sum));
}

}  // namespace
}  // namespace quorate::mail
