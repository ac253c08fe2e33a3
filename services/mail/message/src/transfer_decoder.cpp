#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "mail/message/decode.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::uint8_t kForeign = 0xff;
constexpr unsigned kSextetsPerGroup = 4;

constexpr std::array<std::uint8_t, 256> make_base64_values() {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 256> values{};
    values.fill(kForeign);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}
constexpr auto kBase64Values = make_base64_values();

// -1 when it is no hexadecimal digit; lower case is tolerated (RFC 2045 6.7).
int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

// Quoted-printable: what stands at the beginning of `rest`.
struct Escape {
    std::size_t length = 0;  // 0: more must be seen
    bool is_octet = false;
    char octet = 0;
    std::size_t kept = 0;  // so many octets of it stay as they are
};

// At '='.
Escape read_escape(std::string_view rest, bool last) {
    if (rest.size() >= 3) {
        const int high = hex_value(rest[1]);
        const int low = hex_value(rest[2]);
        if (high >= 0 && low >= 0) {
            return {3, /*is_octet=*/true, static_cast<char>(high * 16 + low), 0};
        }
    } else if (!last && (rest.size() == 1 || hex_value(rest[1]) >= 0)) {
        return {};
    }
    // A soft line break, with the white space that transport may have added.
    auto end = std::size_t{1};
    while (end < rest.size() && is_space(rest[end])) {
        ++end;
    }
    if (end < rest.size() && rest[end] == '\r') {
        ++end;
    }
    if (end < rest.size() && rest[end] == '\n') {
        return {end + 1, false, 0, 0};
    }
    if (end == rest.size()) {
        return last ? Escape{end, false, 0, 0} : Escape{};
    }
    return {1, false, 0, 1};
}

// At white space: what stands before a line end was added by transport (RFC 2045 6.7 rule 3).
Escape read_space(std::string_view rest, bool last) {
    std::size_t end = 0;
    while (end < rest.size() && is_space(rest[end])) {
        ++end;
    }
    const auto after = rest.substr(end);
    if (after.empty() || after == "\r") {
        return last ? Escape{end, false, 0, 0} : Escape{};
    }
    const bool at_line_end = after.starts_with('\n') || after.starts_with("\r\n");
    return {end, false, 0, at_line_end ? 0 : end};
}

}  // namespace

void TransferDecoder::feed(std::string_view bytes, std::string& out) {
    switch (encoding_) {
        case TransferEncoding::kBase64:
            feed_base64(bytes, out);
            break;
        case TransferEncoding::kQuotedPrintable:
            if (pending_.empty()) {
                feed_quoted_printable(bytes, /*last=*/false, out);
            } else {
                pending_.append(bytes);
                const std::string joined = std::move(pending_);
                pending_.clear();
                feed_quoted_printable(joined, /*last=*/false, out);
            }
            break;
        case TransferEncoding::k7bit:
        case TransferEncoding::k8bit:
        case TransferEncoding::kBinary:
        case TransferEncoding::kOther:
            out.append(bytes);
            break;
    }
}

void TransferDecoder::finish(std::string& out) {
    if (encoding_ == TransferEncoding::kBase64) {
        flush_base64(out);
    } else if (!pending_.empty()) {
        const std::string rest = std::move(pending_);
        pending_.clear();
        feed_quoted_printable(rest, /*last=*/true, out);
    }
}

void TransferDecoder::feed_base64(std::string_view bytes, std::string& out) {
    out.reserve(out.size() + bytes.size() / 4 * 3 + 3);
    for (const char c : bytes) {
        const auto value = kBase64Values[static_cast<unsigned char>(c)];
        if (value == kForeign) {
            if (c == '=') {
                flush_base64(out);
            }
            continue;
        }
        bits_ = bits_ << 6 | value;
        if (++sextets_ == kSextetsPerGroup) {
            out.push_back(static_cast<char>(bits_ >> 16 & 0xff));
            out.push_back(static_cast<char>(bits_ >> 8 & 0xff));
            out.push_back(static_cast<char>(bits_ & 0xff));
            bits_ = 0;
            sextets_ = 0;
        }
    }
}

// The octets of a group that is not full.
void TransferDecoder::flush_base64(std::string& out) {
    if (sextets_ == 2) {
        out.push_back(static_cast<char>(bits_ >> 4 & 0xff));
    } else if (sextets_ == 3) {
        out.push_back(static_cast<char>(bits_ >> 10 & 0xff));
        out.push_back(static_cast<char>(bits_ >> 2 & 0xff));
    }
    bits_ = 0;
    sextets_ = 0;
}

void TransferDecoder::feed_quoted_printable(std::string_view bytes, bool last, std::string& out) {
    while (!bytes.empty()) {
        const auto* const end = std::find_if(
            bytes.begin(), bytes.end(), [](char c) { return c == '=' || c == ' ' || c == '\t'; });
        const auto plain = bytes.substr(0, static_cast<std::size_t>(end - bytes.begin()));
        out.append(plain);
        bytes.remove_prefix(plain.size());
        if (bytes.empty()) {
            break;
        }
        const auto escape = bytes[0] == '=' ? read_escape(bytes, last) : read_space(bytes, last);
        if (escape.length == 0) {
            // White space without end is not kept waiting.
            if (bytes.size() <= kPendingMax) {
                pending_ = bytes;
                return;
            }
            out.push_back(bytes[0]);
            bytes.remove_prefix(1);
            continue;
        }
        if (escape.is_octet) {
            out.push_back(escape.octet);
        } else {
            out.append(bytes.substr(0, escape.kept));
        }
        bytes.remove_prefix(escape.length);
    }
}

}  // namespace quorate::mail::message
