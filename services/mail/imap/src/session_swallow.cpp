#include <algorithm>

#include "session_impl.hpp"

// What is left of a command that was answered before it was whole.
namespace quorate::mail::imap {
namespace {

// The longest announcement of a literal that is looked for at the end of a swallowed line.
constexpr std::size_t kTailBytes = 32;
constexpr std::uint64_t kMessagesSwallowed = 4;
constexpr std::uint64_t kCommandsSwallowed = 8;

}  // namespace

std::uint64_t Session::Impl::swallow_limit() const {
    return state_ == kNotAuthenticated ? kCommandsSwallowed * options_.command_bytes_before_login
                                       : kMessagesSwallowed * options_.append_bytes;
}

// `octets`, and then the rest of the line, with its literals.
void Session::Impl::swallow(std::uint64_t octets) {
    if (is_closed()) {
        return;
    }
    if (octets > swallow_limit() || octets_swallowed_ + octets > swallow_limit()) {
        bye("[TOOBIG] Literal is too large to be read and thrown away");
        return;
    }
    phase_ = Phase::kSwallow;
    octets_left_ = octets;
    octets_swallowed_ += octets;
}

void Session::Impl::count_swallowed(std::uint64_t octets) {
    octets_swallowed_ += octets;
    if (octets_swallowed_ > swallow_limit()) {
        bye("[TOOBIG] Command is too long to be read and thrown away");
    }
}

std::optional<std::size_t> Session::Impl::take_swallowed(std::string_view input) {
    if (octets_left_ > 0) {
        const auto taken = std::min<std::uint64_t>(octets_left_, input.size());
        octets_left_ -= taken;
        return static_cast<std::size_t>(taken);
    }
    const auto end = input.find('\n');
    if (end == std::string_view::npos) {
        if (input.size() <= kTailBytes) {
            return std::nullopt;
        }
        count_swallowed(input.size() - kTailBytes);
        return input.size() - kTailBytes;
    }
    count_swallowed(end + 1);
    if (is_closed()) {
        return end + 1;
    }
    const auto begin = end > kTailBytes ? end - kTailBytes : 0;
    const auto literal = literal_at_end(without_cr(input.substr(begin, end - begin)));
    if (literal && !literal->synchronizing) {
        swallow(literal->size);
    } else {
        phase_ = Phase::kCommand;
        octets_swallowed_ = 0;
    }
    return end + 1;
}

}  // namespace quorate::mail::imap
