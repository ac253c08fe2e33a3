#include <fmt/format.h>

#include "base/text.hpp"
#include "render.hpp"
#include "session_impl.hpp"

// Commands, those that the session answers itself in full (RFC 3501 6.1, RFC 2177, 2342, 2971,
// 5161), and the answers' form.
namespace quorate::mail::imap {
namespace {

constexpr std::uint32_t kCommandsBeforeLoginMax = 100;

}  // namespace

void Session::Impl::greet() {
    send_line({"* OK [", capability_text(options_, standing()), "] ", options_.host_name,
               " IMAP4rev1 ready"});
}

void Session::Impl::command(std::string_view text) {
    if (state_ == kNotAuthenticated && ++commands_ > kCommandsBeforeLoginMax) {
        bye("Too many commands before login");
        return;
    }
    auto request = parse_request(text, state_);
    if (request.failure) {
        refuse(request);
        return;
    }
    errors_ = 0;
    std::visit([&](auto& what) { perform(request, what); }, request.what);
}

void Session::Impl::refuse(const Request& request) {
    const auto& failure = *request.failure;
    if (failure.no) {
        const auto code = failure.code.empty() ? "" : fmt::format("[{}] ", failure.code);
        tagged(request.tag, "NO",
               fmt::format("{}{}: {}, octet {}", code, request.name, failure.what, failure.octet));
        return;
    }
    const auto subject = request.name.empty() ? "" : fmt::format("{}: ", request.name);
    bad(request.tag, fmt::format("{}{}, octet {}", subject, failure.what, failure.octet));
}

void Session::Impl::perform(const Request& request, CapabilityRequest&) {
    send_line({"* ", capability_text(options_, standing())});
    ok(request);
}

void Session::Impl::perform(const Request& request, LogoutRequest&) {
    send("* BYE Logging out\r\n");
    ok(request);
    close();
}

void Session::Impl::perform(const Request& request, StartTlsRequest&) {
    if (!is_starttls_offered(options_, standing())) {
        bad(request.tag, tls_ ? "TLS is active already" : "TLS is not available");
        return;
    }
    tagged(request.tag, "OK", "Begin TLS negotiation now");
    question_ = Question::kTls;
    actions_.emplace_back(StartTls{});
}

void Session::Impl::perform(const Request& request, NamespaceRequest&) {
    send("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    ok(request);
}

// No extension that is offered needs to be enabled; unknown ones are ignored (RFC 5161 3.1).
void Session::Impl::perform(const Request& request, EnableRequest&) {
    send("* ENABLED\r\n");
    ok(request);
}

void Session::Impl::perform(const Request& request, IdRequest& id) {
    std::string reply = "* ID ";
    if (options_.implementation.empty()) {
        reply += "NIL";
    } else {
        reply += "(\"name\" ";
        append_string(reply, options_.implementation);
        // Who has not logged in need not know which holes to look for.
        if (state_ != kNotAuthenticated && !options_.version.empty()) {
            reply += " \"version\" ";
            append_string(reply, options_.version);
        }
        reply += ")";
    }
    send_line({reply});
    ok(request);
    for (const auto& [name, value] : id.fields) {
        if (iequals(name, "name")) {
            note(Note::Level::kInfo, "client_id", fmt::format("name=\"{}\"", printable(value)));
        }
    }
}

void Session::Impl::perform(const Request& request, Work& work) {
    const auto* noop = std::get_if<Noop>(&work);
    if (noop != nullptr && state_ != kSelected) {
        ok(request);
        return;
    }
    execute(Executing::kCommand,
            std::make_unique<Command>(
                Command{std::string(request.tag), std::string(request.name), std::move(work)}));
}

void Session::Impl::execute(Executing executing, std::unique_ptr<Command> command) {
    executing_ = executing;
    question_ = Question::kExecute;
    actions_.emplace_back(Execute{std::move(command)});
}

// ---- IDLE

void Session::Impl::perform(const Request& request, IdleRequest&) {
    tag_ = request.tag;
    phase_ = Phase::kIdle;
    send("+ idling\r\n");
    // What changed since the last command, before anything wakes us.
    if (state_ == kSelected) {
        poll();
    }
}

void Session::Impl::poll() {
    changed_ = false;
    execute(Executing::kPoll, std::make_unique<Command>(Command{{}, "IDLE", Poll{}}));
}

void Session::Impl::end_idle(bool done) {
    phase_ = Phase::kCommand;
    changed_ = false;
    const auto tag = std::exchange(tag_, {});
    if (done) {
        tagged(tag, "OK", "IDLE completed");
    } else {
        bad(tag, "IDLE: DONE expected");
    }
}

// ---- answers

void Session::Impl::send(std::string_view text) {
    if (!actions_.empty()) {
        if (auto* last = std::get_if<Send>(&actions_.back())) {
            last->bytes.append(text);
            return;
        }
    }
    actions_.emplace_back(Send{std::string(text)});
}

void Session::Impl::send_line(std::initializer_list<std::string_view> words) {
    for (const auto word : words) {
        send(word);
    }
    send("\r\n");
}

void Session::Impl::tagged(std::string_view tag, std::string_view condition,
                           std::string_view text) {
    send_line({tag.empty() ? "*" : tag, " ", condition, " ", text});
}

void Session::Impl::ok(const Request& request) {
    tagged(request.tag, "OK", fmt::format("{} completed", request.name));
}

void Session::Impl::bad(std::string_view tag, std::string_view text) {
    tagged(tag, "BAD", text);
    if (++errors_ >= options_.errors) {
        note(Note::Level::kInfo, "too_many_errors", {});
        bye("Too many errors");
    }
}

void Session::Impl::note(Note::Level level, std::string_view event, std::string detail) {
    actions_.emplace_back(Note{level, std::string(event), std::move(detail)});
}

void Session::Impl::bye(std::string_view text) {
    send_line({"* BYE ", text});
    close();
}

void Session::Impl::close() {
    if (phase_ == Phase::kMessage || phase_ == Phase::kMessageEnd) {
        actions_.emplace_back(BodyDiscard{});
    }
    if (phase_ == Phase::kSasl || phase_ == Phase::kSaslFinal) {
        actions_.emplace_back(SaslAbort{});
    }
    phase_ = Phase::kClosed;
    question_ = Question::kNone;
    append_.reset();
    actions_.emplace_back(Close{});
}

}  // namespace quorate::mail::imap
