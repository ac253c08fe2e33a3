#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/session/session.hpp"
#include "support/datadriven.hpp"

// The parts of conversation.hpp that know no machine: inputs read from a transcript, and a
// transcript in the making.
namespace quorate::support {

struct DialogueLine {
    enum class Kind { kClient, kAnswer, kEvent, kComment } kind = Kind::kComment;
    std::string text;    // kClient: the lines as written; others: without mark
    std::string octets;  // kClient
    int line = 0;
};
using Dialogue = std::vector<DialogueLine>;

// The inputs of a transcript; client lines that follow each other are one entry. Nothing when a
// line is malformed: then the test has failed.
std::optional<Dialogue> parse_dialogue(const ScriptCommand& command);

// "90s", "250ms", "10m", "1h".
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The first word, and the rest without the space between.
std::pair<std::string_view, std::string_view> first_word(std::string_view text);

// Answers to the common questions; nothing when the text is none.
std::optional<mail::TlsStarted> parse_tls_started(std::string_view text);
std::optional<mail::SaslOutcome> parse_sasl_outcome(std::string_view text);

class Transcript {
public:
    // Octets of a stream, collected until something else is written.
    void stream(char mark, std::string_view octets);
    // One line of output.
    void output(std::string_view line);
    void input(const DialogueLine& line);
    // The text so far.
    std::string finish();

private:
    void flush();

    std::string text_;
    char mark_ = 0;
    std::string collected_;
};

// How the octets of the client are handed over, and what goes wrong when.
struct Delivery {
    enum class Pieces { kWhole, kOctets, kCut } pieces = Pieces::kWhole;
    std::size_t cut = 0;  // kCut: the octets before the cut
    enum class Fault { kNone, kPeerClosed, kTimerExpired, kShutdown } fault = Fault::kNone;
    std::size_t steps = 0;  // inputs before the fault
};
std::string describe(Delivery::Fault fault);

struct DriveOutcome {
    std::string transcript;
    std::vector<std::string> complaints;  // rules of session.hpp that were broken
    std::size_t steps = 0;                // inputs
    std::size_t octets = 0;               // from the client
};

// Test failures at the command's file and line.
void report(const ScriptCommand& command, const std::string& how, const DriveOutcome& outcome);
// False, and a test failure with the diff, when they differ.
bool compare(const ScriptCommand& command, const std::string& how, const std::string& whole,
             const std::string& other);

}  // namespace quorate::support
