#include "mail/message/search.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include "base/assert.hpp"
#include "charset.hpp"

namespace quorate::mail::message {
namespace {

// So many characters at the end of a piece may wait for what follows them.
constexpr std::size_t kWaitingBytesMax = 256;

// Case folding and compatibility decomposition in one.
const icu::Normalizer2& folder() {
    static const icu::Normalizer2* const instance = [] {
        UErrorCode error = U_ZERO_ERROR;
        const auto* found =
            icu::Normalizer2::getInstance(nullptr, "nfkc_cf", UNORM2_DECOMPOSE, error);
        QUORATE_ASSERT(U_SUCCESS(error) && found != nullptr);
        return found;
    }();
    return *instance;
}

// Inline, unlike to_lower(): this runs over whole mailboxes.
char fold_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void append_folded(std::string& out, std::string_view utf8) {
    const auto plain = ascii_prefix(utf8);
    if (plain == utf8.size()) {
        const auto before = out.size();
        out.append(utf8);
        std::transform(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
                       out.begin() + static_cast<std::ptrdiff_t>(before), fold_ascii);
        return;
    }
    icu::StringByteSink<std::string> sink(&out);
    UErrorCode error = U_ZERO_ERROR;
    folder().normalizeUTF8(0, icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size())),
                           sink, nullptr, error);
}

// Where the text can be cut so that both pieces fold alone as they do together: before its last
// character, or before the one to which that belongs.
std::size_t foldable_prefix(std::string_view utf8) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(utf8.data());
    auto at = static_cast<std::int32_t>(utf8.size());
    const auto lowest = at - static_cast<std::int32_t>(std::min(utf8.size(), kWaitingBytesMax));
    while (at > lowest) {
        UChar32 character = 0;
        U8_PREV(bytes, lowest, at, character);
        if (character < 0x80 || folder().hasBoundaryBefore(character)) {
            return static_cast<std::size_t>(at);
        }
    }
    return lowest > 0 ? utf8.size() : 0;
}

}  // namespace

Needle::Needle(std::string_view utf8) { append_folded(folded_, utf8); }

bool Needle::in(std::string_view utf8) const {
    StreamMatcher matcher(*this);
    return matcher.feed(utf8) || matcher.finish();
}

bool StreamMatcher::feed(std::string_view utf8) {
    if (found_ || needle_.folded().empty()) {
        found_ = true;
        return true;
    }
    constexpr std::size_t kStep = 64 * 1024;
    while (!utf8.empty() && !found_) {
        raw_.append(utf8.substr(0, kStep));
        utf8.remove_prefix(std::min(utf8.size(), kStep));
        const auto ready = foldable_prefix(raw_);
        scan(std::string_view(raw_).substr(0, ready));
        raw_.erase(0, ready);
    }
    return found_;
}

bool StreamMatcher::finish() {
    if (!found_) {
        found_ = needle_.folded().empty() || scan(raw_);
        raw_.clear();
    }
    return found_;
}

// Looks in what was kept and `utf8`, and keeps as much as the beginning of a match may need.
bool StreamMatcher::scan(std::string_view utf8) {
    append_folded(folded_, utf8);
    const auto& needle = needle_.folded();
    found_ = memmem(folded_.data(), folded_.size(), needle.data(), needle.size()) != nullptr;
    if (folded_.size() >= needle.size()) {
        folded_.erase(0, folded_.size() - needle.size() + 1);
    }
    return found_;
}

}  // namespace quorate::mail::message
