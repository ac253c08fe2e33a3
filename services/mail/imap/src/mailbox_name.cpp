#include "mailbox_name.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace quorate::mail::imap {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr unsigned kNoSextet = 64;
constexpr char32_t kReplacement = 0xfffd;

constexpr std::array<std::uint8_t, 256> make_sextets() {
    std::array<std::uint8_t, 256> table{};
    table.fill(kNoSextet);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}
constexpr auto kSextets = make_sextets();

bool is_printable(char32_t c) { return c >= 0x20 && c < 0x7f; }
bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }
bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

void append_utf8(std::string& out, char32_t c) {
    const auto tail = [&](unsigned shift) {
        out.push_back(static_cast<char>(0x80 | (c >> shift & 0x3f)));
    };
    if (c < 0x80) {
        out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
        out.push_back(static_cast<char>(0xc0 | c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | c >> 12));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xf0 | c >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

// UTF-16 units of one shifted run, as they come out of the base64, to UTF-8.
class RunDecoder {
public:
    explicit RunDecoder(std::string& out) : out_(out) {}

    bool take(unsigned unit) {
        if (high_ != 0) {
            if (!is_low_surrogate(unit)) {
                return false;
            }
            append_utf8(out_, 0x10000 + ((high_ - 0xd800) << 10) + (unit - 0xdc00));
            high_ = 0;
            return true;
        }
        if (is_high_surrogate(unit)) {
            high_ = unit;
            return true;
        }
        if (is_low_surrogate(unit) || is_printable(unit) || is_control(unit)) {
            return false;
        }
        append_utf8(out_, unit);
        return true;
    }
    bool complete() const { return high_ == 0; }

private:
    std::string& out_;
    unsigned high_ = 0;
};

// `text` is what stands between "&" and "-", not empty.
bool decode_run(std::string_view text, std::string& out) {
    RunDecoder run(out);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const unsigned sextet = kSextets[static_cast<unsigned char>(c)];
        if (sextet == kNoSextet) {
            return false;
        }
        bits = bits << 6 | sextet;
        count += 6;
        if (count >= 16) {
            count -= 16;
            if (!run.take(bits >> count & 0xffff)) {
                return false;
            }
        }
    }
    // A whole sextet left over, or spare bits that are not zero, would be a second spelling.
    return count < 6 && (bits & ((1U << count) - 1)) == 0 && run.complete();
}

// The character at the front of `text`, which it is taken from.
char32_t take_utf8(std::string_view& text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    char32_t c = size == 1 ? lead : lead & (0x7fU >> size);
    bool sound = lead < 0x80 || (size > 1 && lead < 0xf5 && size <= text.size());
    for (std::size_t i = 1; sound && i < size; ++i) {
        sound = (byte(i) & 0xc0) == 0x80;
        c = c << 6 | (byte(i) & 0x3f);
    }
    constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    if (!sound || c < kSmallest[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        text.remove_prefix(1);
        return kReplacement;
    }
    text.remove_prefix(size);
    return c;
}

// UTF-16 units to one shifted run.
class RunEncoder {
public:
    explicit RunEncoder(std::string& out) : out_(out) {}

    void put(char32_t c) {
        if (!open_) {
            out_.push_back('&');
            open_ = true;
        }
        if (c < 0x10000) {
            unit(c);
        } else {
            unit(0xd800 + ((c - 0x10000) >> 10));
            unit(0xdc00 + ((c - 0x10000) & 0x3ff));
        }
    }
    void close() {
        if (!open_) {
            return;
        }
        if (count_ > 0) {
            out_.push_back(kAlphabet[bits_ << (6 - count_) & 0x3f]);
        }
        out_.push_back('-');
        open_ = false;
        bits_ = 0;
        count_ = 0;
    }

private:
    void unit(char32_t value) {
        bits_ = bits_ << 16 | value;
        for (count_ += 16; count_ >= 6;) {
            count_ -= 6;
            out_.push_back(kAlphabet[bits_ >> count_ & 0x3f]);
        }
    }

    std::string& out_;
    bool open_ = false;
    std::uint32_t bits_ = 0;  // the lowest count_ of them are still to be written
    unsigned count_ = 0;
};

}  // namespace

std::optional<std::string> decode_mailbox_name(std::string_view wire) {
    std::string out;
    out.reserve(wire.size());
    bool after_run = false;  // another run at once would be a superfluous shift
    while (!wire.empty()) {
        const char c = wire.front();
        if (c != '&') {
            if (!is_printable(static_cast<unsigned char>(c))) {
                return std::nullopt;
            }
            out.push_back(c);
            wire.remove_prefix(1);
            after_run = false;
            continue;
        }
        const auto end = wire.find('-');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        if (end == 1) {
            out.push_back('&');
            after_run = false;
        } else {
            if (after_run || !decode_run(wire.substr(1, end - 1), out)) {
                return std::nullopt;
            }
            after_run = true;
        }
        wire.remove_prefix(end + 1);
    }
    return out;
}

std::string encode_mailbox_name(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    RunEncoder run(out);
    while (!utf8.empty()) {
        const char32_t c = take_utf8(utf8);
        if (!is_printable(c)) {
            run.put(c);
            continue;
        }
        run.close();
        out.push_back(static_cast<char>(c));
        if (c == '&') {
            out.push_back('-');
        }
    }
    run.close();
    return out;
}

}  // namespace quorate::mail::imap
