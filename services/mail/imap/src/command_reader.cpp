#include "command_reader.hpp"

namespace quorate::mail::imap {

CommandReader::Event CommandReader::next(std::string_view text, std::size_t limit) {
    if (in_literal()) {
        if (text.size() < literal_end_) {
            return Event::kMore;
        }
        at_ = line_ = literal_end_;
        literal_end_ = 0;
    }
    const auto end = text.find('\n', at_);
    if (end == std::string_view::npos || end >= limit) {
        at_ = text.size();
        return at_ >= limit ? Event::kTooLong : Event::kMore;
    }
    at_ = end + 1;
    const auto header = literal_at_end(without_cr(text.substr(line_, end - line_)));
    if (!header) {
        return Event::kCommand;
    }
    literal_ = *header;
    return Event::kLiteral;
}

void CommandReader::accept_literal() {
    line_ = at_;
    literal_end_ = at_ + static_cast<std::size_t>(literal_.size);
    if (literal_.size == 0) {
        literal_end_ = 0;
    }
}

}  // namespace quorate::mail::imap
