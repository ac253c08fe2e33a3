// A conversation of arbitrary octets with an IMAP session whose questions get arbitrary answers:
// the same comes out however the octets are cut, and the rules of mail/session/session.hpp hold.

#include <algorithm>
#include <string>

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "mail/imap/session.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail;

imap::Options make_options(Random& random) {
    imap::Options options;
    options.host_name = "mail.example.test";
    options.implementation = "Quorate";
    options.policy.implicit_tls = random.below(2) == 0;
    options.policy.tls_available = true;
    options.mechanisms_clear = {"SCRAM-SHA-256"};
    options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    if (random.below(2) == 0) {
        options.command_bytes = 200;
        options.command_bytes_before_login = 100;
        options.append_bytes = 50;
        options.errors = 3;
    }
    return options;
}

class Conversation {
public:
    explicit Conversation(std::string_view input)
        : random_(fuzz::choices(input)),
          options_(make_options(random_)),
          session_(options_, Peer{}, MonoTime{}) {
        carry_out(session_.start(MonoTime{}));
        answer_questions();
        if (random_.below(4) != 0) {
            log_in();
        }
    }

    // False: nothing more is wanted of what came together with it.
    bool say(std::string_view octets) {
        step(Received{octets});
        return !closed_ && !dropped_;
    }

    // Goes the way that the input chooses.
    std::string end() {
        if (!closed_) {
            const auto way = random_.below(3);
            const auto deadline = session_.deadline();
            if (way == 0 && deadline) {
                carry_out(session_.step(*deadline, TimerExpired{}));
                QUORATE_ASSERT(closed_);
            } else if (way == 1) {
                carry_out(session_.step(MonoTime{}, Shutdown{}));
                QUORATE_ASSERT(closed_);
            } else {
                const auto sent = sent_;
                carry_out(session_.step(MonoTime{}, PeerClosed{}));
                QUORATE_ASSERT(closed_ && sent_ == sent);
            }
        }
        return said_ + "\n" + body_;
    }

private:
    void log_in() {
        state_ = random_.below(2) == 0 ? imap::Executed::Selected::kReadWrite
                                       : imap::Executed::Selected::kNone;
        if (options_.policy.implicit_tls) {
            good_ = true;
            step(Received{"a LOGIN b c\r\nb SELECT INBOX\r\n"});
            good_ = false;
        }
    }

    void step(imap::Input input) {
        carry_out(session_.step(MonoTime{}, std::move(input)));
        answer_questions();
    }

    void carry_out(std::vector<imap::Action> actions) {
        for (auto& action : actions) {
            QUORATE_ASSERT(!closed_ && !question_);
            std::visit([&](auto& one) { act(one); }, action);
        }
    }

    void answer_questions() {
        while (question_) {
            QUORATE_ASSERT(!closed_);
            auto answer = std::move(*question_);
            question_.reset();
            carry_out(session_.step(MonoTime{}, std::move(answer)));
        }
    }

    SaslOutcome sasl_outcome() {
        using Kind = SaslOutcome::Kind;
        constexpr Kind kKinds[] = {Kind::kChallenge, Kind::kSuccess, Kind::kFailure,
                                   Kind::kUnavailable};
        SaslOutcome outcome;
        outcome.kind = good_ ? Kind::kSuccess : kKinds[random_.below(4)];
        outcome.text = "text";
        outcome.extra = !good_ && random_.below(4) == 0 ? "extra" : "";
        return outcome;
    }

    imap::Executed executed(const imap::Command& command) {
        using Selected = imap::Executed::Selected;
        imap::Executed result;
        if (std::holds_alternative<imap::Select>(command.what)) {
            state_ = good_ || random_.below(4) != 0 ? Selected::kReadWrite : Selected::kNone;
        } else if (std::holds_alternative<imap::Unselect>(command.what)) {
            state_ = Selected::kNone;
        }
        result.selected = state_;
        result.ok = good_ || random_.below(4) != 0;
        result.bye = !good_ && random_.below(64) == 0 ? "gone" : "";
        return result;
    }

    void act(const Send& send) {
        QUORATE_ASSERT(!send.bytes.empty());
        said_ += send.bytes;
        sent_ += send.bytes.size();
    }
    void act(const StartTls&) {
        said_ += "?tls";
        dropped_ = true;
        question_ = TlsStarted{};
    }
    void act(const SaslStart& start) {
        said_ += "?" + start.mechanism + start.initial_response.value_or("-");
        question_ = sasl_outcome();
    }
    void act(const SaslRespond& respond) {
        said_ += "?" + respond.response;
        question_ = sasl_outcome();
    }
    void act(const SaslAbort&) { said_ += "!abort"; }
    void act(const BodyData& data) {
        QUORATE_ASSERT(!data.bytes.empty() && data.bytes.find('\0') == std::string::npos);
        body_ += data.bytes;
        QUORATE_ASSERT(body_.size() <= options_.append_bytes);
    }
    void act(const BodyDiscard&) { body_.clear(); }
    void act(const imap::Execute& execute) {
        said_ += "?" + execute.command->tag + execute.command->name;
        if (std::holds_alternative<imap::Append>(execute.command->what)) {
            said_ += std::exchange(body_, {});
        }
        question_ = executed(*execute.command);
    }
    void act(const Note& note) {
        const auto& text = note.detail;
        QUORATE_ASSERT(
            std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
    }
    void act(const Close&) {
        said_ += ".";
        closed_ = true;
    }

    Random random_;
    imap::Options options_;
    imap::Session session_;
    std::optional<imap::Input> question_;
    imap::Executed::Selected state_ = imap::Executed::Selected::kNone;
    std::string said_;
    std::size_t sent_ = 0;
    std::string body_;
    bool good_ = false;
    bool closed_ = false;
    bool dropped_ = false;  // STARTTLS: what else came in the clear is thrown away
};

std::string whole(std::string_view input) {
    Conversation conversation(input);
    conversation.say(input);
    return conversation.end();
}

std::string in_pieces(std::string_view input) {
    auto random = fuzz::choices(input);
    Conversation conversation(input);
    bool wanted = true;
    fuzz::in_pieces(input, random,
                    [&](std::string_view piece) { wanted = wanted && conversation.say(piece); });
    return conversation.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    QUORATE_ASSERT(whole(input) == in_pieces(input));
    return 0;
}
