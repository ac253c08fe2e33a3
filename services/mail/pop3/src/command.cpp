#include "command.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::pop3 {
namespace {

constexpr std::array<std::pair<std::string_view, Verb>, 15> kVerbs{{
    {"APOP", Verb::kApop},
    {"AUTH", Verb::kAuth},
    {"CAPA", Verb::kCapa},
    {"DELE", Verb::kDele},
    {"LIST", Verb::kList},
    {"NOOP", Verb::kNoop},
    {"PASS", Verb::kPass},
    {"QUIT", Verb::kQuit},
    {"RETR", Verb::kRetr},
    {"RSET", Verb::kRset},
    {"STAT", Verb::kStat},
    {"STLS", Verb::kStls},
    {"TOP", Verb::kTop},
    {"UIDL", Verb::kUidl},
    {"USER", Verb::kUser},
}};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

Command parse_command(std::string_view line) {
    Command command;
    command.well_formed = std::none_of(line.begin(), line.end(), is_control);
    const auto space = std::min(line.find(' '), line.size());
    const auto keyword = line.substr(0, space);
    command.argument = line.substr(std::min(space + 1, line.size()));
    for (const auto& [name, verb] : kVerbs) {
        if (iequals(keyword, name)) {
            command.verb = verb;
        }
    }
    return command;
}

std::optional<std::vector<std::string_view>> words_of(std::string_view argument) {
    while (argument.ends_with(' ')) {
        argument.remove_suffix(1);
    }
    if (argument.empty()) {
        return std::vector<std::string_view>{};
    }
    auto words = split(argument, ' ');
    if (std::any_of(words.begin(), words.end(), [](auto word) { return word.empty(); })) {
        return std::nullopt;
    }
    return words;
}

std::optional<std::vector<std::uint64_t>> numbers_of(std::string_view argument, std::size_t count) {
    const auto words = words_of(argument);
    if (!words || words->size() != count) {
        return std::nullopt;
    }
    std::vector<std::uint64_t> numbers;
    for (const auto word : *words) {
        if (word.find_first_not_of("0123456789") != word.npos) {
            return std::nullopt;
        }
        numbers.push_back(parse_u64(word).value_or(std::numeric_limits<std::uint64_t>::max()));
    }
    return numbers;
}

}  // namespace quorate::mail::pop3
