#pragma once

#include <string>
#include <utility>

#include "support/conversation_driver.hpp"
#include "support/datadriven.hpp"
#include "support/dialogue.hpp"

// Scripted conversations with a byte machine (mail/session/session.hpp), kept as transcripts in
// datadriven files: everything below the rule, inputs included. --rewrite fills in the outputs.
//
//     conversation tls
//     ----
//     S: +OK quorate.example ready
//     C: USER bob
//     S: +OK
//     C: PASS secret
//     ? sasl-start PLAIN \x00bob\x00secret
//     ! success bob@example.test
//     ? open-maildrop
//     ! ok
//     S: +OK 0 messages
//     > close
//
// Inputs:
//   C: octets        from the client, CRLF added, escapes as in octets.hpp; a single backslash at
//                    the end: no CRLF. Lines that follow each other arrive in one piece.
//   ! answer         to the question asked last. StartTls: "tls PROTOCOL CIPHER". SASL: "challenge
//                    octets", "success ADDRESS [octets of the last word]", "failure",
//                    "unavailable". Others: as the adapter says.
//   > advance 90s    time passes (ms, s, m, h); timers go off on the way
//   > close          the peer closes      > shutdown   the daemon stops
//   > other          an input of the protocol's own, as the adapter says
//   # comment        stands before the input that it speaks of
// Outputs:
//   S: octets        sent
//   B: octets        BodyData
//   ? question       "start-tls", "sasl-start MECHANISM [octets]" ("=" alone: an empty response),
//                    "sasl-respond octets", others as the adapter says
//   . close          also sasl-abort, body-discard
//   N: info|warn event detail
//
// Each conversation is run
//   * whole: the transcript that is compared with the file,
//   * octet by octet, and cut in two at every octet: the same transcript must come out,
//   * with the peer closing, the timer going off and the daemon stopping at every step.
// In all of them the rules of session.hpp are checked: a question and Close come last, nothing is
// sent to a peer that is gone, a timer that went off does not stay due, Shutdown ends in Close
// (once the answers that the script has for open questions are in). As in a shell, octets wait
// while a question is open, and octets that were sent before TLS started are dropped when it
// starts.
//
// An Adapter is made anew for each run, from the command that has its options:
//
//     struct Adapter {
//         using Machine = pop3::Session;
//         explicit Adapter(const ScriptCommand& command);
//         Machine make(const FakeClock& clock);
//         // Each question of the protocol's own: as text, and its answer from text.
//         std::string describe(const pop3::OpenMaildrop& question);
//         Machine::Input answer(const pop3::OpenMaildrop& question, std::string_view text);
//         // Optional: answers that need no line in the script.
//         std::optional<Machine::Input> automatic(const pop3::ReadBody& question);
//         // Optional: the inputs of "> text".
//         std::optional<Machine::Input> event(std::string_view text);
//     };
namespace quorate::support {

// In longer conversations positions are tried in even steps, not all.
inline constexpr std::size_t kPositionsMax = 1500;
// In conversations of more octets than this, faults come between pieces, not between octets.
inline constexpr std::size_t kFaultOctetsMax = 8192;

template <class Adapter>
class ConversationTest {
public:
    ConversationTest(const ScriptCommand& command, const Dialogue& dialogue)
        : command_(command), dialogue_(dialogue) {}

    // The transcript of the whole run.
    std::string run() {
        const auto whole = drive("in one piece", Delivery{});
        Delivery octets;
        octets.pieces = Delivery::Pieces::kOctets;
        const auto slow = drive("octet by octet", octets);
        compare(command_, "octet by octet", whole.transcript, slow.transcript);
        cut_everywhere(whole);
        if (whole.octets <= kFaultOctetsMax) {
            fail_everywhere(octets, slow.steps);
        } else {
            fail_everywhere(Delivery{}, whole.steps);
        }
        return whole.transcript;
    }

private:
    DriveOutcome drive(const std::string& how, const Delivery& delivery) {
        auto outcome = Driver<Adapter>(command_, dialogue_, delivery).run();
        report(command_, how, outcome);
        return outcome;
    }

    void cut_everywhere(const DriveOutcome& whole) {
        Delivery delivery;
        delivery.pieces = Delivery::Pieces::kCut;
        const auto stride = 1 + whole.octets / kPositionsMax;
        for (delivery.cut = 1; delivery.cut < whole.octets; delivery.cut += stride) {
            const auto how = "cut after octet " + std::to_string(delivery.cut);
            const auto cut = drive(how, delivery);
            if (!compare(command_, how, whole.transcript, cut.transcript)) {
                return;
            }
        }
    }

    void fail_everywhere(Delivery delivery, std::size_t steps) {
        using Fault = Delivery::Fault;
        for (const auto fault : {Fault::kPeerClosed, Fault::kTimerExpired, Fault::kShutdown}) {
            delivery.fault = fault;
            const auto stride = 1 + steps / kPositionsMax;
            for (delivery.steps = 0; delivery.steps <= steps; delivery.steps += stride) {
                const auto how = describe(fault) + " after step " + std::to_string(delivery.steps);
                if (!drive(how, delivery).complaints.empty()) {
                    break;
                }
            }
        }
    }

    const ScriptCommand& command_;
    const Dialogue& dialogue_;
};

// For a handler's verb "conversation".
template <class Adapter>
std::string run_conversation(const ScriptCommand& command) {
    const auto dialogue = parse_dialogue(command);
    if (!dialogue) {
        return command.expected;
    }
    return ConversationTest<Adapter>(command, *dialogue).run();
}

}  // namespace quorate::support
