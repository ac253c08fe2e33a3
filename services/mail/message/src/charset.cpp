#include "charset.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "base/text.hpp"
#include "mail/message/decode.hpp"

namespace quorate::mail::message {

// Not in the unnamed namespace, because CharsetDecoder::Impl has it: in a unity build g++ warns.
struct CloseConverter {
    void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kPivotUnits = 1024;
constexpr std::size_t kOutputStep = 4096;

// Labels that mail uses for something else than ICU understands by them, or does not know. An empty
// name: read it leniently as UTF-8.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kAliases{{
    {"us-ascii", ""},
    {"ascii", ""},
    {"ansi_x3.4-1968", ""},
    {"utf-8", ""},
    {"utf8", ""},
    {"unicode-1-1-utf-8", ""},
    {"iso-8859-1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"ks_c_5601-1987", "windows-949"},
    {"euc-kr", "windows-949"},
    {"x-sjis", "shift_jis"},
}};

// ICU reads options and file names out of odd names: only plain ones get there.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      c == '.' || c == ':' || c == '+';
           });
}

// ICU's own callback puts U+001A for some octets.
void replace_broken(const void*, UConverterToUnicodeArgs* arguments, const char*, std::int32_t,
                    UConverterCallbackReason reason, UErrorCode* error) {
    constexpr UChar kReplacement = 0xfffd;
    if (reason <= UCNV_IRREGULAR) {
        *error = U_ZERO_ERROR;
        ucnv_cbToUWriteUChars(arguments, &kReplacement, 1, 0, error);
    }
}

Converter open_converter(std::string_view name) {
    UErrorCode error = U_ZERO_ERROR;
    Converter converter(ucnv_open(std::string(name).c_str(), &error));
    ucnv_setToUCallBack(converter.get(), replace_broken, nullptr, nullptr, nullptr, &error);
    return U_SUCCESS(error) ? std::move(converter) : nullptr;
}

// The name for ICU; empty when lenient UTF-8 is meant; nothing when it can be no charset.
std::optional<std::string> converter_name(std::string_view charset) {
    const auto name = to_lower(trim(charset));
    for (const auto& [label, used] : kAliases) {
        if (label == name) {
            return std::string(used);
        }
    }
    return is_plain_name(name) ? std::optional(name) : std::nullopt;
}

// windows-1252 from 0x80 on; the five holes are the control characters (as browsers have it).
constexpr std::array<std::uint16_t, 32> kWindows1252{
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

void append_windows1252(std::uint8_t byte, std::string& out) {
    const unsigned code = byte < 0xa0 ? kWindows1252[byte - 0x80U] : byte;
    if (code < 0x800) {
        out.push_back(static_cast<char>(0xc0 | code >> 6));
    } else {
        out.push_back(static_cast<char>(0xe0 | code >> 12));
        out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    }
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

// Length of the UTF-8 character at the beginning (first octet above 127): 0 when it is none, its
// expected length, beyond the end, when it is cut but right so far.
std::size_t utf8_length(std::string_view bytes) {
    const auto first = byte_at(bytes, 0);
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        // The second octet excludes overlong forms, surrogates and what is above U+10FFFF.
        const bool second = i == 1;
        const unsigned low = second && first == 0xe0 ? 0xa0 : second && first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = second && first == 0xed   ? 0x9f
                              : second && first == 0xf4 ? 0x8f
                                                        : 0xbf;
        if (byte_at(bytes, i) < low || byte_at(bytes, i) > high) {
            return 0;
        }
    }
    return length;
}

}  // namespace

std::size_t ascii_prefix(std::string_view bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        if ((word & 0x8080808080808080ULL) != 0) {
            break;
        }
    }
    while (at < bytes.size() && byte_at(bytes, at) < 0x80) {
        ++at;
    }
    return at;
}

struct CharsetDecoder::Impl {
    explicit Impl(std::string_view charset) {
        const auto name = converter_name(charset);
        if (name && !name->empty()) {
            source = open_converter(*name);
        }
        if (source) {
            target = open_converter("UTF-8");
            pivot.resize(kPivotUnits);
            pivot_source = pivot_target = pivot.data();
        }
    }

    void feed_lenient(std::string_view bytes, bool last, std::string& out) {
        std::string joined;
        if (!pending.empty()) {
            joined = std::exchange(pending, {}).append(bytes);
            bytes = joined;
        }
        while (!bytes.empty()) {
            const auto plain = ascii_prefix(bytes);
            out.append(bytes.substr(0, plain));
            bytes.remove_prefix(plain);
            if (bytes.empty()) {
                return;
            }
            const auto length = utf8_length(bytes);
            if (length > bytes.size() && !last) {
                pending = bytes;
                return;
            }
            if (length == 0 || length > bytes.size()) {
                append_windows1252(byte_at(bytes, 0), out);
                bytes.remove_prefix(1);
            } else {
                out.append(bytes.substr(0, length));
                bytes.remove_prefix(length);
            }
        }
    }

    void convert(std::string_view bytes, bool last, std::string& out) {
        // ICU takes no null pointer for nothing.
        const char* from = bytes.empty() ? "" : bytes.data();
        const char* const from_end = from + bytes.size();
        for (;;) {
            const auto before = out.size();
            out.resize(before + kOutputStep);
            char* to = out.data() + before;
            UErrorCode error = U_ZERO_ERROR;
            ucnv_convertEx(target.get(), source.get(), &to, out.data() + out.size(), &from,
                           from_end, pivot.data(), &pivot_source, &pivot_target,
                           pivot.data() + pivot.size(), /*reset=*/false, /*flush=*/last, &error);
            out.resize(static_cast<std::size_t>(to - out.data()));
            if (error == U_TRUNCATED_CHAR_FOUND) {
                out.append("\xef\xbf\xbd");
            }
            if (error != U_BUFFER_OVERFLOW_ERROR) {
                return;
            }
        }
    }

    Converter source;  // none: lenient UTF-8
    Converter target;
    std::vector<UChar> pivot;
    UChar* pivot_source = nullptr;
    UChar* pivot_target = nullptr;
    std::string pending;  // lenient: a character cut by the chunk's end
};

CharsetDecoder::CharsetDecoder(std::string_view charset) : impl_(std::make_unique<Impl>(charset)) {}
CharsetDecoder::~CharsetDecoder() = default;
CharsetDecoder::CharsetDecoder(CharsetDecoder&&) noexcept = default;
CharsetDecoder& CharsetDecoder::operator=(CharsetDecoder&&) noexcept = default;

void CharsetDecoder::feed(std::string_view bytes, std::string& out) {
    if (impl_->source) {
        impl_->convert(bytes, /*last=*/false, out);
    } else {
        impl_->feed_lenient(bytes, /*last=*/false, out);
    }
}

void CharsetDecoder::finish(std::string& out) {
    if (impl_->source) {
        impl_->convert({}, /*last=*/true, out);
    } else {
        impl_->feed_lenient({}, /*last=*/true, out);
    }
}

bool is_known_charset(std::string_view charset) {
    const auto name = converter_name(charset);
    return name && (name->empty() || open_converter(*name) != nullptr);
}

std::string to_utf8(std::string_view charset, std::string_view bytes) {
    std::string out;
    if (ascii_prefix(bytes) == bytes.size() && converter_name(charset) == "") {
        return std::string(bytes);
    }
    CharsetDecoder decoder(charset);
    decoder.feed(bytes, out);
    decoder.finish(out);
    return out;
}

}  // namespace quorate::mail::message
