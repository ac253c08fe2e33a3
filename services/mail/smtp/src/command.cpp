#include "command.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

constexpr std::array<std::pair<std::string_view, Verb>, 21> kVerbs{{
    {"MAIL", Verb::kMail},           {"RCPT", Verb::kRcpt},
    {"DATA", Verb::kData},           {"BDAT", Verb::kBdat},
    {"RSET", Verb::kRset},           {"EHLO", Verb::kEhlo},
    {"HELO", Verb::kHelo},           {"LHLO", Verb::kLhlo},
    {"QUIT", Verb::kQuit},           {"NOOP", Verb::kNoop},
    {"AUTH", Verb::kAuth},           {"STARTTLS", Verb::kStartTls},
    {"VRFY", Verb::kVrfy},           {"EXPN", Verb::kExpn},
    {"HELP", Verb::kHelp},           {"TURN", Verb::kNotImplemented},
    {"ETRN", Verb::kNotImplemented}, {"SEND", Verb::kNotImplemented},
    {"SOML", Verb::kNotImplemented}, {"SAML", Verb::kNotImplemented},
    {"BURL", Verb::kNotImplemented},
}};

Verb find_verb(std::string_view word) {
    for (const auto& [name, verb] : kVerbs) {
        if (iequals(name, word)) {
            return verb;
        }
    }
    return Verb::kUnknown;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t') || byte == 0x7f;
}

}  // namespace

Command parse_command(std::string_view line) {
    if (std::any_of(line.begin(), line.end(), is_control) || !is_valid_utf8(line)) {
        return {Verb::kMalformed, {}};
    }
    // RFC 5321 4.1.1: white space before CR LF is tolerated.
    const auto last = line.find_last_not_of(" \t");
    line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) {
        return {find_verb(line), {}};
    }
    const auto argument = line.find_first_not_of(' ', space);
    return {find_verb(line.substr(0, space)), line.substr(argument)};
}

CommandLines::Line CommandLines::next(std::string_view bytes, std::size_t limit) {
    const auto feed = bytes.find('\n', std::exchange(searched_, 0));
    if (feed == std::string_view::npos) {
        if (!too_long_ && bytes.size() < limit) {
            searched_ = bytes.size();
            return {};
        }
        limit_ = std::exchange(too_long_, true) ? limit_ : limit;
        last_was_cr_ = bytes.empty() ? last_was_cr_ : bytes.back() == '\r';
        return {Kind::kIncomplete, {}, bytes.size(), limit_};
    }
    Line line{Kind::kLine, bytes.substr(0, feed), feed + 1, too_long_ ? limit_ : limit};
    const bool strict = feed == 0 ? too_long_ && last_was_cr_ : bytes[feed - 1] == '\r';
    const bool too_long = std::exchange(too_long_, false) || line.consumed > limit;
    if (!strict || tainted_) {
        line.kind = Kind::kBareLineFeed;
    } else if (too_long) {
        line.kind = Kind::kTooLong;
    } else {
        line.text.remove_suffix(1);
    }
    tainted_ = !strict;
    return line;
}

}  // namespace quorate::mail::smtp
