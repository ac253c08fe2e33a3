// The TRANSACTION state (RFC 1939 5) and what QUIT does in it (RFC 1939 6).

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "session_impl.hpp"

namespace quorate::mail::pop3 {
namespace {

constexpr std::uint64_t kPiece = 64 * 1024;

}  // namespace

bool Session::Impl::transaction_command(const Command& command) {
    switch (command.verb) {
        case Verb::kCapa:
            capa(command);
            return true;
        case Verb::kDele:
            dele(command);
            return true;
        case Verb::kList:
            list(command, /*unique_ids=*/false);
            return true;
        case Verb::kQuit:
            quit(command);
            return true;
        case Verb::kRetr:
            retr(command);
            return true;
        case Verb::kTop:
            top(command);
            return true;
        case Verb::kUidl:
            list(command, /*unique_ids=*/true);
            return true;
        case Verb::kNoop:
        case Verb::kRset:
        case Verb::kStat:
            answer_at_once(command);
            return true;
        case Verb::kApop:
        case Verb::kAuth:
        case Verb::kPass:
        case Verb::kStls:
        case Verb::kUnknown:
        case Verb::kUser:
            break;
    }
    return false;
}

void Session::Impl::answer_at_once(const Command& command) {
    if (!command.bare()) {
        fault("this command has no argument");
    } else if (command.verb == Verb::kStat) {
        ok(fmt::format("{} {}", maildrop_.count(), maildrop_.octets()));
    } else if (command.verb == Verb::kRset) {
        maildrop_.unmark_all();
        ok("maildrop has " + maildrop_.total());
    } else {
        ok();
    }
}

void Session::Impl::list(const Command& command, bool unique_ids) {
    if (numbers_of(command.argument, 0)) {
        const auto lines = unique_ids ? maildrop_.unique_id_listings() : maildrop_.scan_listings();
        ok(maildrop_.total());
        out_.emplace_back(Send{lines + ".\r\n"});
        return;
    }
    const auto number = numbers_of(command.argument, 1);
    if (!number) {
        fault("a message number was expected");
    } else if (maildrop_.find(number->front()) == nullptr) {
        err("no such message");
    } else {
        ok(unique_ids ? maildrop_.unique_id_listing(number->front())
                      : maildrop_.scan_listing(number->front()));
    }
}

void Session::Impl::retr(const Command& command) {
    if (const auto number = numbers_of(command.argument, 1)) {
        fetch(number->front(), std::nullopt);
    } else {
        fault("a message number was expected");
    }
}

void Session::Impl::top(const Command& command) {
    if (const auto numbers = numbers_of(command.argument, 2)) {
        fetch((*numbers)[0], (*numbers)[1]);
    } else {
        fault("a message number and a number of lines were expected");
    }
}

void Session::Impl::dele(const Command& command) {
    const auto number = numbers_of(command.argument, 1);
    if (!number) {
        fault("a message number was expected");
    } else if (maildrop_.find(number->front()) == nullptr) {
        err("no such message");
    } else {
        maildrop_.mark_deleted(number->front());
        ok(fmt::format("message {} deleted", number->front()));
    }
}

// ---- messages

// The response begins when the first piece is there: until then it can still be -ERR.
void Session::Impl::fetch(std::uint64_t number, std::optional<std::uint64_t> body_lines) {
    const auto* item = maildrop_.find(number);
    if (item == nullptr) {
        err("no such message");
        return;
    }
    transfer_ =
        Transfer{item->body, item->size, 0, 0, !body_lines.has_value(), MessageEncoder(body_lines)};
    if (item->size == 0) {
        send_piece({});
    } else {
        read_more();
    }
}

void Session::Impl::read_more() {
    auto& transfer = *transfer_;
    transfer.asked = std::min(kPiece, transfer.size - transfer.offset);
    waiting_ = Waiting::kBody;
    out_.emplace_back(ReadBody{transfer.body, transfer.offset, transfer.asked});
}

void Session::Impl::take(BodyRead& read) {
    QUORATE_ASSERT(waiting_ == Waiting::kBody && transfer_);
    waiting_ = Waiting::kNothing;
    deadline_ = now_ + options_.idle;
    if (read.ok && read.bytes.size() == transfer_->asked) {
        send_piece(read.bytes);
        return;
    }
    const auto transfer = *std::exchange(transfer_, std::nullopt);
    note(Note::Level::kWarn, "pop3_body_unreadable",
         fmt::format("account={} body={} offset={}", account_, transfer.body.value(),
                     transfer.offset));
    if (transfer.offset == 0) {
        err("[SYS/PERM] the message cannot be read");
    } else {
        close();  // without the final dot: the client knows that it has not all
    }
}

void Session::Impl::send_piece(std::string_view bytes) {
    auto& transfer = *transfer_;
    auto text =
        transfer.offset == 0 ? fmt::format("+OK {} octets\r\n", transfer.size) : std::string();
    transfer.encoder.feed(bytes, text);
    transfer.offset += bytes.size();
    const bool done = transfer.offset == transfer.size || transfer.encoder.satisfied();
    if (done) {
        transfer.encoder.finish(text);
    }
    out_.emplace_back(Send{std::move(text)});
    if (!done) {
        read_more();
        return;
    }
    retrieved_ += transfer.whole ? 1 : 0;
    transfer_.reset();
}

// ---- the end

void Session::Impl::quit(const Command& command) {
    if (!command.bare()) {
        fault("QUIT has no argument");
        return;
    }
    auto uids = maildrop_.deleted();
    if (uids.empty()) {
        say_good_bye();
        return;
    }
    waiting_ = Waiting::kRemoval;
    out_.emplace_back(RemoveMessages{std::move(uids)});
}

// RFC 1939 6: whether or not it succeeded, the lock is released and the connection closed.
void Session::Impl::take(Removed& removed) {
    QUORATE_ASSERT(waiting_ == Waiting::kRemoval);
    waiting_ = Waiting::kNothing;
    if (removed.ok) {
        say_good_bye();
        return;
    }
    err("[SYS/TEMP] no message was removed");
    close();
}

void Session::Impl::say_good_bye() {
    if (state_ == State::kTransaction) {
        note(Note::Level::kInfo, "pop3_logout",
             fmt::format("account={} retrieved={} deleted={}", account_, retrieved_,
                         maildrop_.deleted().size()));
    }
    ok("good-bye");
    close();
}

}  // namespace quorate::mail::pop3
