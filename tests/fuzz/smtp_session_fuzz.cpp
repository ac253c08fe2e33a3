// What a client says, whole turns and octet by octet: the same is sent, stored and refused. A turn
// ends at 0x1e; what stands behind STARTTLS in its turn is clear text and lost. The last octet says
// the role. Then once more with a fault: nothing is said to a peer that is gone.

#include <string>
#include <variant>
#include <vector>

#include "base/assert.hpp"
#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "fuzz/input.hpp"
#include "mail/smtp/session.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail;
using namespace quorate::mail::smtp;

constexpr char kTurn = '\x1e';
constexpr std::size_t kMessageMax = 3000;
constexpr std::size_t kHeaderMax = 1000;

Options make_options(std::uint8_t choice) {
    Options options;
    options.role = static_cast<Role>(choice % 3);
    options.host_name = "mx.example.test";
    options.policy.tls_available = (choice & 4) != 0;
    options.policy.implicit_tls = (choice & 8) != 0;
    if (options.role == Role::kSubmission || (choice & 16) != 0) {
        options.mechanisms_clear = {"SCRAM-SHA-256", "PLAIN"};
        options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    }
    options.message_bytes = kMessageMax;
    options.header_bytes = kHeaderMax;
    options.recipients = 5;
    options.mails = 10;
    options.received_hops = 3;
    options.errors = (choice & 32) != 0 ? 3 : 20;
    return options;
}

// RFC 5321 4.2: lines of at most 512 octets that begin with a code.
void check_replies(std::string_view sent) {
    while (!sent.empty()) {
        const auto end = sent.find("\r\n");
        QUORATE_ASSERT(end != sent.npos && end >= 4);
        const auto line = sent.substr(0, end);
        QUORATE_ASSERT(line.find_first_of("\r\n") == line.npos);
        QUORATE_ASSERT(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
        QUORATE_ASSERT(line.size() <= 510 || line.starts_with("334 "));
        sent.remove_prefix(end + 2);
    }
}

// No CR or LF but in CR LF, no NUL, in front the trace header.
void check_message(std::string_view message) {
    QUORATE_ASSERT(message.starts_with("Return-Path: <"));
    QUORATE_ASSERT(message.find("\r\nReceived: from ") != message.npos);
    QUORATE_ASSERT(message.find('\0') == message.npos);
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (message[i] == '\r') {
            QUORATE_ASSERT(i + 1 < message.size() && message[i + 1] == '\n');
        } else if (message[i] == '\n') {
            QUORATE_ASSERT(i > 0 && message[i - 1] == '\r');
        }
    }
}

class Run {
public:
    explicit Run(const Options& options)
        : session_(options, Session::Start{Peer{"192.0.2.1", 4000, "192.0.2.2", 25, false}, "s1",
                                           WallTime{}, now_}) {
        perform(session_.start(now_));
    }

    bool closed() const { return closed_; }
    const std::string& record() const { return record_; }

    void turn(std::string_view octets, Random* cuts) {
        clear_text_ = false;
        while (!octets.empty() && !closed_ && !clear_text_) {
            const auto piece = octets.substr(0, cuts != nullptr ? 1 + cuts->below(40) : 1);
            octets.remove_prefix(piece.size());
            input(Received{piece});
        }
    }
    void whole_turn(std::string_view octets) {
        if (!closed_) {
            input(Received{octets});
        }
    }
    // After it, the session is over.
    void fault(std::uint64_t which) {
        if (closed_) {
            return;
        }
        if (which == 0) {
            gone_ = true;
            input(PeerClosed{});
        } else if (which == 1) {
            input(Shutdown{});
        } else {
            now_ = *session_.deadline();
            input(TimerExpired{});
        }
        QUORATE_ASSERT(closed_ && !session_.deadline());
        QUORATE_ASSERT(session_.step(now_, Received{"NOOP\r\n"}).empty());
        QUORATE_ASSERT(body_.empty());
    }

private:
    void input(Input what) { perform(session_.step(now_, std::move(what))); }

    void perform(std::vector<Action> actions) {
        while (!actions.empty()) {
            std::optional<Input> answer;
            for (auto& action : actions) {
                QUORATE_ASSERT(!closed_ && !answer);
                answer = std::visit([this](auto& one) { return take(one); }, action);
            }
            actions.clear();
            if (answer) {
                QUORATE_ASSERT(!gone_);
                actions = session_.step(now_, std::move(*answer));
            }
        }
        QUORATE_ASSERT(closed_ || session_.deadline());
    }

    std::uint64_t choose(std::string_view what, std::uint64_t bound) {
        return crc32c(what) % bound;
    }

    using Answer = std::optional<Input>;

    Answer take(Send& send) {
        QUORATE_ASSERT(!gone_);
        check_replies(send.bytes);
        record_ += send.bytes;
        return std::nullopt;
    }
    Answer take(StartTls&) {
        clear_text_ = true;
        return TlsStarted{TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384"}};
    }
    Answer sasl(std::string_view what) {
        record_ += what;
        SaslOutcome outcome;
        outcome.kind = static_cast<SaslOutcome::Kind>(choose(what, 4));
        outcome.text = "ann@example.test";
        outcome.extra = choose(what, 3) == 0 ? "v=x" : "";
        return outcome;
    }
    Answer take(SaslStart& start) {
        return sasl(start.mechanism + "/" + start.initial_response.value_or("-"));
    }
    Answer take(SaslRespond& respond) { return sasl(respond.response); }
    Answer take(SaslAbort&) {
        record_ += "<abort>";
        return std::nullopt;
    }
    Answer take(BodyData& data) {
        QUORATE_ASSERT(!data.bytes.empty());
        body_ += data.bytes;
        QUORATE_ASSERT(body_.size() <= kMessageMax + 3000);
        return std::nullopt;
    }
    Answer take(BodyDiscard&) {
        QUORATE_ASSERT(!body_.empty());
        record_ += "<discard " + std::to_string(body_.size()) + ">";
        body_.clear();
        return std::nullopt;
    }
    Answer take(Resolve& question) {
        record_ += "<" + question.address + ">";
        QUORATE_ASSERT(!question.address.empty() && is_valid_utf8(question.address));
        return Resolved{static_cast<Resolved::Kind>(choose(question.address, 9) % 6)};
    }
    Answer take(Deliver& question) {
        check_message(body_);
        QUORATE_ASSERT(question.size == body_.size());
        QUORATE_ASSERT(!question.recipients.empty() && question.recipients.size() <= 5);
        record_ += "<" + question.sender + "|" + body_ + ">";
        Delivered delivered;
        for (const auto& recipient : question.recipients) {
            QUORATE_ASSERT(choose(recipient, 9) % 6 == 0);  // approved by Resolve
            delivered.outcomes.push_back(static_cast<Delivered::Kind>(choose(body_, 5)));
        }
        body_.clear();
        delivered.queue_id = "q1";
        return delivered;
    }
    Answer take(Note& note) {
        for (const char c : note.detail) {
            QUORATE_ASSERT(c >= ' ' && c <= '~');
        }
        record_ += note.event + note.detail;
        return std::nullopt;
    }
    Answer take(Close&) {
        closed_ = true;
        record_ += "<close>";
        return std::nullopt;
    }

    MonoTime now_{std::chrono::hours(1)};
    Session session_;
    std::string record_;
    std::string body_;
    bool closed_ = false;
    bool gone_ = false;
    bool clear_text_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto choice = input.number();
    const auto octets = input.rest();
    const auto options = make_options(choice);
    auto random = fuzz::choices(octets);
    Run whole(options);
    Run slow(options);
    Run cut(options);
    auto faults = random;
    for (const auto turn : split(octets, kTurn)) {
        whole.whole_turn(turn);
        slow.turn(turn, nullptr);
        cut.turn(turn, &random);
        QUORATE_ASSERT(whole.record() == slow.record());
        QUORATE_ASSERT(whole.record() == cut.record());
    }
    Run faulty(options);
    faulty.turn(octets.substr(0, faults.below(octets.size() + 1)), &faults);
    faulty.fault(faults.below(3));
    whole.fault(faults.below(3));
    return 0;
}
