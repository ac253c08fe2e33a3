#include "data_decoder.hpp"

#include <algorithm>

namespace quorate::mail::smtp {
namespace {

// Where the first CR of [begin, end) is; the size of the text when there is none.
std::size_t find_cr(std::string_view text, std::size_t begin, std::size_t end) {
    const auto found = text.substr(begin, end - begin).find('\r');
    return found == text.npos ? text.size() : begin + found;
}

}  // namespace

std::size_t DataDecoder::feed(std::string_view wire, std::string& out) {
    std::size_t used = 0;
    const auto nul = defect_ == Defect::kNone ? wire.find('\0') : wire.npos;
    if (nul != wire.npos) {
        used = scan(wire.substr(0, nul), out);
        if (ended()) {
            return used;
        }
        found(Defect::kNul);
    }
    return used + scan(wire.substr(used), out);
}

std::size_t DataDecoder::scan(std::string_view wire, std::string& out) {
    std::size_t position = 0;
    while (position < wire.size() && !ended()) {
        if (state_ == State::kLineBegin || state_ == State::kText) {
            position += scan_lines(wire.substr(position), out);
        } else {
            scan_octet(wire[position++], out);
        }
    }
    return position;
}

void DataDecoder::scan_octet(char c, std::string& out) {
    const bool behind_cr = state_ != State::kDot;
    if (behind_cr && c == '\n') {
        put(state_ == State::kCr ? "\n" : "", out);
        state_ = state_ == State::kCr ? State::kLineBegin : State::kEnded;
        return;
    }
    if (behind_cr || c == '\n') {
        found(Defect::kBareLineEnd);
    }
    if (c == '\r') {
        state_ = state_ == State::kDot ? State::kDotCr : State::kCr;
    } else {
        state_ = State::kText;
        put({&c, 1}, out);
    }
}

// The inner loop of a delivery: memchr finds the ends of lines, and what needs no change is copied
// in one run.
std::size_t DataDecoder::scan_lines(std::string_view wire, std::string& out) {
    std::size_t position = 0;
    const auto give_up_at = [&](std::size_t end) {
        put(wire.substr(0, end), out);
        found(Defect::kBareLineEnd);
        state_ = State::kText;
    };
    while (position < wire.size()) {
        if (state_ == State::kLineBegin && wire[position] == '.') {
            put(wire.substr(0, position), out);
            state_ = State::kDot;
            return position + 1;
        }
        const auto feed = std::min(wire.find('\n', position), wire.size());
        const auto cr = find_cr(wire, position, feed);
        if (cr + 1 == feed) {
            state_ = feed == wire.size() ? State::kCr : State::kLineBegin;
            position = std::min(feed + 1, wire.size());
        } else if (cr < feed) {
            give_up_at(cr + 1);
            position = cr + 1;
        } else if (feed < wire.size()) {
            give_up_at(feed);
            position = feed + 1;
        } else {
            state_ = State::kText;
            position = wire.size();
        }
    }
    put(wire.substr(0, position), out);
    return position;
}

}  // namespace quorate::mail::smtp
