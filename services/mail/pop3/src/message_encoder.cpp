#include "message_encoder.hpp"

#include <algorithm>

namespace quorate::mail::pop3 {

void MessageEncoder::feed(std::string_view bytes, std::string& out) {
    while (!bytes.empty() && !satisfied()) {
        const auto feed_at = bytes.find('\n');
        add_to_line(bytes.substr(0, feed_at), out);
        if (feed_at == bytes.npos) {
            return;
        }
        end_line(out);
        bytes.remove_prefix(feed_at + 1);
    }
}

void MessageEncoder::add_to_line(std::string_view bytes, std::string& out) {
    if (bytes.empty()) {
        return;
    }
    if (at_start_ && bytes.front() == '.') {
        out.push_back('.');
    }
    out += bytes;
    only_cr_ = at_start_ && bytes == "\r";
    at_start_ = false;
    ends_in_cr_ = bytes.back() == '\r';
}

void MessageEncoder::end_line(std::string& out) {
    out += ends_in_cr_ ? "\n" : "\r\n";
    if (in_body_ && lines_left_) {
        --*lines_left_;
    }
    in_body_ = in_body_ || at_start_ || only_cr_;
    at_start_ = true;
    only_cr_ = false;
    ends_in_cr_ = false;
}

void MessageEncoder::finish(std::string& out) {
    if (!at_start_) {
        out += "\r\n";
    }
    out += ".\r\n";
}

}  // namespace quorate::mail::pop3
