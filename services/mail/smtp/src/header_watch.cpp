#include "header_watch.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

// Enough for the longest name that matters, with the white space that old mail has before the
// colon.
constexpr std::size_t kLineKept = 40;

}  // namespace

std::size_t HeaderWatch::feed(std::string_view octets) {
    std::size_t used = 0;
    while (used < octets.size() && !complete_ && !loop()) {
        const auto feed = octets.find('\n', used);
        const auto end = feed == octets.npos ? octets.size() : feed + 1;
        line_.append(octets.substr(used, std::min(end - used, kLineKept - line_.size())));
        used = end;
        if (feed != octets.npos) {
            end_line();
        }
    }
    size_ += used;
    return used;
}

void HeaderWatch::end_line() {
    const std::string_view line(line_);
    complete_ = line == "\r\n";
    const auto colon = line.find(':');
    if (colon != line.npos && line.front() != ' ' && line.front() != '\t') {
        const auto name = trim(line.substr(0, colon));
        received_ += iequals(name, "Received") ? 1 : 0;
        date_ = date_ || iequals(name, "Date");
        message_id_ = message_id_ || iequals(name, "Message-ID");
    }
    line_.clear();
}

}  // namespace quorate::mail::smtp
