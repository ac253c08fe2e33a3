#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mail/message/structure.hpp"

// From what mail transports to text. Nothing here fails: what cannot be decoded is kept or replaced
// by U+FFFD, and the output is always valid UTF-8 unless said otherwise.
namespace quorate::mail::message {

// Content-Transfer-Encoding, streaming and lenient: base64 skips foreign characters, and
// padding ends a group, not the text; quoted-printable keeps a broken escape as it stands. The
// other encodings pass through. Output is octets. One caller.
class TransferDecoder {
public:
    explicit TransferDecoder(TransferEncoding encoding) : encoding_(encoding) {}

    void feed(std::string_view bytes, std::string& out);
    // Gives what waited for more.
    void finish(std::string& out);

private:
    void feed_base64(std::string_view bytes, std::string& out);
    void flush_base64(std::string& out);
    void feed_quoted_printable(std::string_view bytes, bool last, std::string& out);

    static constexpr std::size_t kPendingMax = 1024;

    TransferEncoding encoding_;
    std::uint32_t bits_ = 0;  // base64: sextets collected
    unsigned sextets_ = 0;
    std::string pending_;  // quoted-printable: an escape or white space cut by the chunk's end
};

// A charset to UTF-8, streaming. Unknown and empty names: octets that are UTF-8 stay, all others
// are read as windows-1252. One caller.
class CharsetDecoder {
public:
    explicit CharsetDecoder(std::string_view charset);
    ~CharsetDecoder();
    CharsetDecoder(CharsetDecoder&&) noexcept;
    CharsetDecoder& operator=(CharsetDecoder&&) noexcept;

    void feed(std::string_view bytes, std::string& out);
    void finish(std::string& out);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Whether the charset of a SEARCH command can be honoured (RFC 3501 6.4.4, BADCHARSET).
bool is_known_charset(std::string_view charset);
std::string to_utf8(std::string_view charset, std::string_view bytes);

// RFC 2047 encoded words in an unfolded field value. White space between adjacent words vanishes;
// a character cut between two words of one charset is whole again; what is no encoded word stays.
// Octets above 127 outside words: as CharsetDecoder("").
std::string decode_words(std::string_view value);

}  // namespace quorate::mail::message
