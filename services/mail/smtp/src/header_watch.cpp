#include "header_watch.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

// Enough for the longest name that matters, with the white space that old mail has before the
// colon.
constexpr std::size_t kLineKept = 40;

bool is_name_octet(char c) { return c > ' ' && c < '\x7f'; }

// The name of the field that begins with this line (RFC 5322 3.6.8); empty if it is none. A line
// that is longer than what is kept may have its colon later.
std::string_view field_name(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == line.npos && line.size() < kLineKept) {
        return {};
    }
    const auto name = trim(line.substr(0, colon));
    return std::all_of(name.begin(), name.end(), is_name_octet) ? name : std::string_view();
}

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
    const bool continues = line_.front() == ' ' || line_.front() == '\t';
    // What mail folders put in front of a message (RFC 4155) is passed over.
    const bool separator = line_.starts_with("From ");
    if (!continues && !separator) {
        const auto name = field_name(line_);
        complete_ = name.empty();
        received_ += iequals(name, "Received") ? 1 : 0;
        date_ = date_ || iequals(name, "Date");
        message_id_ = message_id_ || iequals(name, "Message-ID");
    }
    line_.clear();
}

}  // namespace quorate::mail::smtp
