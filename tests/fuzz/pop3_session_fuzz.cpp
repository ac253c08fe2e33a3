// A client's octets from the front of the input; how they are cut, what the shell answers and what
// goes wrong from its end. The client never gets out of step: responses are lines, -ERR or +OK,
// and nothing is removed but at QUIT.

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "fuzz/machine.hpp"
#include "mail/pop3/session.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail;
using namespace quorate::mail::pop3;

const std::vector<std::string> kBodies = {"Subject: one\r\n\r\nhello\r\n",
                                          "Subject: dots\r\n\r\n.\r\n..\r\n.x", "",
                                          "bare\n\n.\nx\r.\n\r", std::string(70'000, '.') + "\r\n"};

struct Shell {
    MaildropOpened operator()(const OpenMaildrop&) {
        MaildropOpened opened;
        opened.kind = static_cast<MaildropOpened::Kind>(input.below(8) < 5 ? 0 : input.below(4));
        opened.uid_validity = 7;
        for (std::size_t i = 0; i < input.below(kBodies.size() + 1); ++i) {
            opened.messages.push_back({static_cast<store::Uid>(i + 1), store::BodyId(i),
                                       static_cast<std::uint32_t>(kBodies[i].size())});
        }
        return opened;
    }
    BodyRead operator()(const ReadBody& question) {
        const auto& body = kBodies.at(question.body.value());
        QUORATE_ASSERT(question.offset < body.size() && question.size <= 65'536);
        const auto kind = input.below(8);
        return {kind != 0, body.substr(question.offset, kind == 1 ? 3 : question.size)};
    }
    Removed operator()(const RemoveMessages& question) {
        QUORATE_ASSERT(!question.uids.empty() &&
                       std::is_sorted(question.uids.begin(), question.uids.end()));
        return {input.below(4) != 0};
    }
    TlsStarted operator()(const StartTls&) { return {}; }
    SaslOutcome sasl() {
        using Kind = SaslOutcome::Kind;
        constexpr Kind kKinds[] = {Kind::kSuccess,   Kind::kSuccess, Kind::kChallenge,
                                   Kind::kChallenge, Kind::kFailure, Kind::kUnavailable};
        SaslOutcome outcome;
        outcome.kind = kKinds[input.below(6)];
        outcome.text = "ann@example.test";
        outcome.extra = input.below(2) == 0 ? "" : "last word";
        return outcome;
    }
    SaslOutcome operator()(const SaslStart&) { return sasl(); }
    SaslOutcome operator()(const SaslRespond&) { return sasl(); }
    template <class T>
    TimerExpired operator()(const T&) {
        QUORATE_ASSERT(false);
        return {};
    }

    fuzz::Input& input;
};

void check_sent(const std::string& sent) {
    QUORATE_ASSERT(sent.empty() || sent.ends_with("\r\n") || sent.size() > 65'536);
    QUORATE_ASSERT(sent.find('\0') == sent.npos);
}

Options make_options(fuzz::Input& input) {
    Options options;
    options.host_name = "mail.example.test";
    options.implementation = "Quorate";
    const auto kind = input.number();
    options.policy.tls_available = (kind & 1) != 0;
    options.policy.tls_required_for_auth = (kind & 2) != 0;
    options.policy.implicit_tls = (kind & 4) != 0;
    options.mechanisms_clear = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    options.mechanisms_tls = options.mechanisms_clear;
    return options;
}

void disturb(fuzz::MachineRun<Session>& run, fuzz::Input& input) {
    switch (input.below(64)) {
        case 1:
            run.step(PeerClosed{});
            break;
        case 2:
            run.step(Shutdown{});
            break;
        case 3:
            run.expire();
            break;
        case 4:
            run.pass(std::chrono::seconds(input.number()));
            break;
        default:
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto options = make_options(input);
    const MonoTime now{std::chrono::hours(1)};
    fuzz::MachineRun<Session> run(Session(options, Peer{}, now), now);
    while (!run.closed() && (run.question() || !input.empty())) {
        disturb(run, input);
        if (run.closed()) {
            break;
        }
        if (auto question = std::move(run.question())) {
            run.question() = std::nullopt;
            auto answer = std::visit(
                [&](const auto& one) -> Session::Input { return Shell{input}(one); }, *question);
            run.step(std::move(answer));
        } else {
            const auto piece = input.below(4) == 0 ? input.below(5) : 200;
            run.step(Received{input.text(1 + piece)});
        }
        check_sent(run.take_sent());
    }
    return 0;
}
