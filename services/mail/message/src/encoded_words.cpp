// RFC 2047 encoded words.

#include <optional>
#include <utility>

#include "base/text.hpp"
#include "mail/message/decode.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::size_t kCharsetBytesMax = 64;

struct EncodedWord {
    std::string_view charset;
    TransferEncoding encoding = TransferEncoding::kBase64;
    std::string_view text;
    std::size_t length = 0;
};

// In the encoded text of a Q word '_' is a space, and white space does not vanish at the end.
std::string decode_q(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        if (c == '_' || c == ' ') {
            escaped.append("=20");
        } else if (c == '\t') {
            escaped.append("=09");
        } else {
            escaped.push_back(c);
        }
    }
    std::string out;
    TransferDecoder decoder(TransferEncoding::kQuotedPrintable);
    decoder.feed(escaped, out);
    decoder.finish(out);
    return out;
}

std::string decode_text(const EncodedWord& word) {
    if (word.encoding == TransferEncoding::kQuotedPrintable) {
        return decode_q(word.text);
    }
    std::string out;
    TransferDecoder decoder(TransferEncoding::kBase64);
    decoder.feed(word.text, out);
    decoder.finish(out);
    return out;
}

class WordDecoder {
public:
    explicit WordDecoder(std::string_view value) : value_(value) {}

    std::string run() {
        while (at_ < value_.size()) {
            const auto start = value_.find("=?", at_);
            if (start == std::string_view::npos) {
                break;
            }
            const auto word = read_word(start);
            if (!word) {
                plain(start + 2);
                continue;
            }
            // White space between two encoded words is no text.
            if (!after_word_ || !trim(value_.substr(at_, start - at_)).empty()) {
                plain(start);
            }
            at_ = start + word->length;
            take(*word);
        }
        plain(value_.size());
        flush();
        return std::move(out_);
    }

private:
    // `=?charset*language?encoding?text?=`
    std::optional<EncodedWord> read_word(std::size_t start) {
        const auto rest = value_.substr(start);
        const auto mark = rest.substr(0, kCharsetBytesMax).find('?', 2);
        if (mark == std::string_view::npos || mark == 2 || mark + 3 > rest.size() ||
            rest[mark + 2] != '?') {
            return std::nullopt;
        }
        EncodedWord word;
        word.charset = rest.substr(2, mark - 2);
        word.charset = word.charset.substr(0, word.charset.find('*'));
        switch (rest[mark + 1]) {
            case 'q':
            case 'Q':
                word.encoding = TransferEncoding::kQuotedPrintable;
                break;
            case 'b':
            case 'B':
                break;
            default:
                return std::nullopt;
        }
        const auto begin = mark + 3;
        const auto end = find_end(start + begin);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        word.text = value_.substr(start + begin, end - start - begin);
        word.length = end + 2 - start;
        return word;
    }

    // Of the next "?=" from `from`. Remembered, so that many beginnings without end cost one
    // search.
    std::size_t find_end(std::size_t from) {
        if (end_ < from) {
            end_ = value_.find("?=", from);
        }
        return end_;
    }

    // Up to `end` is no encoded word.
    void plain(std::size_t end) {
        if (end <= at_) {
            return;
        }
        const auto text = value_.substr(at_, end - at_);
        at_ = end;
        flush();
        after_word_ = false;
        out_ += to_utf8({}, text);
    }

    // Octets of adjacent words in one charset are decoded together: some mailers cut characters.
    // Words of ISO-2022-JP are complete in themselves (RFC 1468): joined, their two escape
    // sequences in a row would count as damage.
    void take(const EncodedWord& word) {
        constexpr std::string_view kToAscii = "\x1b(B";
        if (!iequals(charset_, word.charset) || octets_.ends_with(kToAscii)) {
            flush();
            charset_ = word.charset;
        }
        octets_ += decode_text(word);
        after_word_ = true;
    }

    void flush() {
        if (!octets_.empty()) {
            out_ += to_utf8(charset_, std::exchange(octets_, {}));
        }
    }

    std::string_view value_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::string_view charset_;
    std::string octets_;  // of the words before at_, not converted yet
    bool after_word_ = false;
    std::string out_;
};

}  // namespace

std::string decode_words(std::string_view value) { return WordDecoder(value).run(); }

}  // namespace quorate::mail::message
