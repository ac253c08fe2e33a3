#include "chunk_decoder.hpp"

#include <algorithm>

namespace quorate::mail::smtp {

std::size_t ChunkDecoder::feed(std::string_view octets) {
    if (defect_ != Defect::kNone || octets.empty()) {
        return 0;
    }
    const auto nul = octets.find('\0');
    const auto clean = clean_lines(octets.substr(0, nul));
    if (defect_ == Defect::kNone && nul != octets.npos) {
        defect_ = Defect::kNul;
    }
    return clean;
}

std::size_t ChunkDecoder::clean_lines(std::string_view octets) {
    std::size_t position = 0;
    while (position < octets.size()) {
        const auto feed = std::min(octets.find('\n', position), octets.size());
        const auto line = octets.substr(position, feed - position);
        const auto cr = std::min(line.find('\r'), line.size());
        const bool ends_in_cr = line.empty() ? last_was_cr_ : cr + 1 == line.size();
        if (!line.empty() && (last_was_cr_ || cr + 1 < line.size())) {
            defect_ = Defect::kBareLineEnd;
            return position + (last_was_cr_ ? 0 : cr + 1);
        }
        if (feed < octets.size() && !ends_in_cr) {
            defect_ = Defect::kBareLineEnd;
            return feed;
        }
        last_was_cr_ = feed == octets.size() && ends_in_cr;
        position = feed + 1;
    }
    return octets.size();
}

void ChunkDecoder::finish() {
    if (last_was_cr_ && defect_ == Defect::kNone) {
        defect_ = Defect::kBareLineEnd;
    }
}

}  // namespace quorate::mail::smtp
