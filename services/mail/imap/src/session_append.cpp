#include <algorithm>

#include "session_impl.hpp"

// APPEND (RFC 3501 6.3.11, RFC 7888, RFC 7889): its message never is in the machine as a whole.
namespace quorate::mail::imap {
namespace {

// A line feed alone becomes CRLF, as RFC 5322 2.3 wants and as every protocol sends it: sizes are
// then the same in all of them. `after_cr`: the octet before `octets` was CR; kept for the next.
std::string with_crlf(std::string_view octets, bool& after_cr) {
    std::string text;
    text.reserve(octets.size() + octets.size() / 32);
    for (std::size_t at = 0; at < octets.size();) {
        const auto feed = octets.find('\n', at);
        const auto end = std::min(feed, octets.size());
        text.append(octets, at, end - at);
        after_cr = end > at ? octets[end - 1] == '\r' : after_cr;
        if (feed == std::string_view::npos) {
            break;
        }
        text.append(after_cr ? "\n" : "\r\n");
        after_cr = false;
        at = feed + 1;
    }
    return text;
}

}  // namespace

// An APPEND up to a literal.
std::size_t Session::Impl::take_append_literal(std::string_view text, Request& request) {
    auto head = parse_append_head(text);
    const auto literal = reader_.literal();
    if (head.kind == AppendHead::Kind::kMailboxLiteral) {
        return accept_literal(text, request);
    }
    if (head.kind == AppendHead::Kind::kFailure) {
        request.failure = head.failure;
        refuse(request);
        return give_up(text);
    }
    if (literal.size > options_.append_bytes) {
        tagged(request.tag, "NO", "[TOOBIG] Message is larger than APPENDLIMIT");
        return give_up(text);
    }
    reader_.restart();
    errors_ = 0;
    octets_left_ = literal.size;
    after_cr_ = false;
    synchronizing_ = literal.synchronizing;
    AppendCheck check{head.append.mailbox, literal.size};
    const std::string tag(request.tag);
    append_ = std::make_unique<Command>(Command{tag, "APPEND", std::move(head.append)});
    execute(Executing::kAppendCheck,
            std::make_unique<Command>(Command{tag, "APPEND", std::move(check)}));
    return text.size();
}

void Session::Impl::append_checked(bool accepted) {
    if (accepted) {
        phase_ = octets_left_ > 0 ? Phase::kMessage : Phase::kMessageEnd;
        if (synchronizing_) {
            send("+ OK\r\n");
        }
        return;
    }
    append_.reset();
    if (!synchronizing_) {
        swallow(octets_left_);
    }
}

std::size_t Session::Impl::take_message(std::string_view octets) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(octets_left_, octets.size()));
    const auto piece = octets.substr(0, size);
    const auto clean = piece.substr(0, piece.find('\0'));
    if (!clean.empty()) {
        actions_.emplace_back(BodyData{with_crlf(clean, after_cr_)});
    }
    if (clean.size() < size) {
        octets_left_ -= clean.size();
        give_message_up("APPEND: NUL octet in the message");
        return clean.size();
    }
    octets_left_ -= size;
    if (octets_left_ == 0) {
        phase_ = Phase::kMessageEnd;
    }
    return size;
}

void Session::Impl::message_end(std::optional<std::string_view> line) {
    if (line == "") {
        phase_ = Phase::kCommand;
        execute(Executing::kCommand, std::move(append_));
    } else {
        give_message_up("APPEND: end of the command expected behind the message");
    }
}

void Session::Impl::give_message_up(std::string_view why) {
    const auto command = std::move(append_);
    actions_.emplace_back(BodyDiscard{});
    phase_ = Phase::kSwallow;
    bad(command->tag, why);
    swallow(octets_left_);
}

}  // namespace quorate::mail::imap
