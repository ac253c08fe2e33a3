#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "support/conversation.hpp"
#include "support/diff.hpp"
#include "support/octets.hpp"

namespace quorate::support {
namespace {

void add_client_line(std::string_view line, std::string octets, int number, bool joins,
                     Dialogue& dialogue) {
    if (joins) {
        dialogue.back().text += fmt::format("\n{}", line);
        dialogue.back().octets += octets;
        return;
    }
    dialogue.push_back({DialogueLine::Kind::kClient, std::string(line), std::move(octets), number});
}

bool is_output(std::string_view line) {
    for (const std::string_view mark : {"S:", "B:", "N:"}) {
        if (line == mark || line.starts_with(std::string(mark) + " ")) {
            return true;
        }
    }
    return line.starts_with("? ") || line.starts_with(". ");
}

}  // namespace

std::optional<Dialogue> parse_dialogue(const ScriptCommand& command) {
    Dialogue dialogue;
    bool after_client = false;
    int number = command.line + static_cast<int>(split(command.body, '\n').size());
    for (auto line : split(command.expected, '\n')) {
        ++number;
        bool client = false;
        if (line == "C:" || line.starts_with("C: ")) {
            auto octets = line_as_octets(line.size() < 3 ? "" : line.substr(3));
            if (!octets) {
                ADD_FAILURE_AT(command.file.c_str(), number) << "bad escape: " << line;
                return std::nullopt;
            }
            add_client_line(line, std::move(*octets), number, after_client, dialogue);
            client = true;
        } else if (line.starts_with("! ")) {
            dialogue.push_back(
                {DialogueLine::Kind::kAnswer, std::string(line.substr(2)), {}, number});
        } else if (line.starts_with("> ")) {
            dialogue.push_back(
                {DialogueLine::Kind::kEvent, std::string(line.substr(2)), {}, number});
        } else if (line.starts_with("#")) {
            dialogue.push_back({DialogueLine::Kind::kComment, std::string(line), {}, number});
        } else if (!line.empty() && !is_output(line)) {
            ADD_FAILURE_AT(command.file.c_str(), number) << "not a line of a transcript: " << line;
            return std::nullopt;
        }
        after_client = client;
    }
    return dialogue;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_u64(text.substr(0, digits));
    const auto unit = text.substr(digits);
    if (!count) {
        return std::nullopt;
    }
    const auto ms = std::chrono::milliseconds(*count);
    if (unit == "ms") {
        return ms;
    }
    if (unit == "s") {
        return ms * 1000;
    }
    if (unit == "m") {
        return ms * 60'000;
    }
    if (unit == "h") {
        return ms * 3'600'000;
    }
    return std::nullopt;
}

std::pair<std::string_view, std::string_view> first_word(std::string_view text) {
    const auto space = text.find(' ');
    if (space == text.npos) {
        return {text, {}};
    }
    return {text.substr(0, space), text.substr(space + 1)};
}

std::optional<mail::TlsStarted> parse_tls_started(std::string_view text) {
    const auto [word, rest] = first_word(text);
    if (word != "tls") {
        return std::nullopt;
    }
    const auto [protocol, cipher] = first_word(rest);
    return mail::TlsStarted{{std::string(protocol), std::string(cipher)}};
}

std::optional<mail::SaslOutcome> parse_sasl_outcome(std::string_view text) {
    using Kind = mail::SaslOutcome::Kind;
    const auto [word, rest] = first_word(text);
    mail::SaslOutcome outcome;
    if (word == "challenge") {
        const auto octets = unescape_octets(rest);
        outcome.kind = Kind::kChallenge;
        outcome.text = octets.value_or("");
        return octets ? std::optional(outcome) : std::nullopt;
    }
    if (word == "success") {
        const auto [address, extra] = first_word(rest);
        const auto octets = unescape_octets(extra);
        outcome.kind = Kind::kSuccess;
        outcome.text = std::string(address);
        outcome.extra = octets.value_or("");
        outcome.account = 1;
        return octets ? std::optional(outcome) : std::nullopt;
    }
    outcome.kind = word == "failure" ? Kind::kFailure : Kind::kUnavailable;
    return word == "failure" || word == "unavailable" ? std::optional(outcome) : std::nullopt;
}

void Transcript::stream(char mark, std::string_view octets) {
    if (mark != mark_) {
        flush();
    }
    mark_ = mark;
    collected_ += octets;
}

void Transcript::output(std::string_view line) {
    flush();
    text_ += fmt::format("{}\n", line);
}

// What was sent stands before the input that follows it; body data stays together.
void Transcript::input(const DialogueLine& line) {
    if (mark_ == 'S') {
        flush();
    }
    const auto* mark = line.kind == DialogueLine::Kind::kAnswer  ? "! "
                       : line.kind == DialogueLine::Kind::kEvent ? "> "
                                                                 : "";
    text_ += fmt::format("{}{}\n", mark, line.text);
}

std::string Transcript::finish() {
    flush();
    return text_;
}

void Transcript::flush() {
    text_ += octets_as_lines(fmt::format("{}:", mark_), collected_);
    collected_.clear();
    mark_ = 0;
}

std::string describe(Delivery::Fault fault) {
    switch (fault) {
        case Delivery::Fault::kNone:
            return "no fault";
        case Delivery::Fault::kPeerClosed:
            return "peer closing";
        case Delivery::Fault::kTimerExpired:
            return "timer going off";
        case Delivery::Fault::kShutdown:
            return "daemon stopping";
    }
    return {};
}

void report(const ScriptCommand& command, const std::string& how, const DriveOutcome& outcome) {
    for (const auto& complaint : outcome.complaints) {
        ADD_FAILURE_AT(command.file.c_str(), command.line)
            << how << ": " << complaint << "\ntranscript so far:\n"
            << outcome.transcript;
    }
}

bool compare(const ScriptCommand& command, const std::string& how, const std::string& whole,
             const std::string& other) {
    if (whole == other) {
        return true;
    }
    ADD_FAILURE_AT(command.file.c_str(), command.line)
        << "in one piece (-) and " << how << " (+) differ:\n"
        << diff(whole, other);
    return false;
}

}  // namespace quorate::support
