#include "support/datadriven.hpp"

#include <fstream>
#include <sstream>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "support/diff.hpp"

namespace quorate::support {
namespace {

constexpr std::string_view kRule = "----";

// Words of a verb line; double quotes keep spaces together.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    bool any = false;
    for (const char c : line) {
        if (c == '"') {
            quoted = !quoted;
            any = true;
        } else if (c == ' ' && !quoted) {
            if (any) {
                words.push_back(std::exchange(word, {}));
            }
            any = false;
        } else {
            word.push_back(c);
            any = true;
        }
    }
    if (any) {
        words.push_back(word);
    }
    return words;
}

// Reads a file command by command and writes it again with new expectations.
class ScriptFile {
public:
    ScriptFile(std::string name, std::string_view text) : name_(std::move(name)) {
        if (text.ends_with('\n')) {
            text.remove_suffix(1);
        }
        lines_ = split(text, '\n');
    }

    // The next command; nothing at the end of the file or when it is malformed (then the test has
    // failed). What stands before it is copied to the new text.
    std::optional<ScriptCommand> next() {
        while (at_ < lines_.size() && (lines_[at_].empty() || lines_[at_].front() == '#')) {
            copy();
        }
        if (at_ == lines_.size()) {
            return std::nullopt;
        }
        ScriptCommand command;
        command.file = name_;
        command.line = static_cast<int>(at_) + 1;
        read_verb(command);
        while (at_ < lines_.size() && lines_[at_] != kRule) {
            add(command.body, lines_[at_]);
            copy();
        }
        if (at_ == lines_.size()) {
            ADD_FAILURE_AT(name_.c_str(), command.line) << "no ---- after this command";
            return std::nullopt;
        }
        ++at_;
        read_expected(command);
        return command;
    }

    void expect(const std::string& output) {
        const bool blank = output.starts_with('\n') || output.find("\n\n") != output.npos;
        add(rewritten_, kRule);
        if (blank) {
            add(rewritten_, kRule);
        }
        rewritten_ += output;
        if (blank) {
            add(rewritten_, kRule);
            add(rewritten_, kRule);
        }
    }

    const std::string& rewritten() const { return rewritten_; }

private:
    static void add(std::string& to, std::string_view line) {
        to += line;
        to += '\n';
    }
    void copy() { add(rewritten_, lines_[at_++]); }

    void read_verb(ScriptCommand& command) {
        auto words = words_of(lines_[at_]);
        copy();
        if (words.empty()) {
            return;
        }
        command.verb = words.front();
        for (std::size_t i = 1; i < words.size(); ++i) {
            const auto equals = words[i].find('=');
            if (equals == std::string::npos) {
                command.arguments.emplace_back(words[i], std::nullopt);
            } else {
                command.arguments.emplace_back(words[i].substr(0, equals),
                                               words[i].substr(equals + 1));
            }
        }
    }

    void read_expected(ScriptCommand& command) {
        const auto rule_at = [&](std::size_t i) { return i < lines_.size() && lines_[i] == kRule; };
        const bool doubled = rule_at(at_);
        at_ += doubled ? 1 : 0;
        while (at_ < lines_.size()) {
            if (doubled && rule_at(at_) && rule_at(at_ + 1)) {
                at_ += 2;
                return;
            }
            if (!doubled && lines_[at_].empty()) {
                return;
            }
            add(command.expected, lines_[at_++]);
        }
        if (doubled) {
            ADD_FAILURE_AT(name_.c_str(), command.line) << "the doubled ---- does not end";
        }
    }

    std::string name_;
    std::vector<std::string_view> lines_;
    std::size_t at_ = 0;
    std::string rewritten_;
};

}  // namespace

bool ScriptCommand::has(std::string_view key) const {
    for (const auto& argument : arguments) {
        if (argument.first == key) {
            return true;
        }
    }
    return false;
}

std::optional<std::string> ScriptCommand::value(std::string_view key) const {
    for (const auto& argument : arguments) {
        if (argument.first == key) {
            return argument.second;
        }
    }
    return std::nullopt;
}

std::string ScriptCommand::value_or(std::string_view key, std::string_view otherwise) const {
    return value(key).value_or(std::string(otherwise));
}

std::string unknown_verb(const ScriptCommand& command) {
    ADD_FAILURE_AT(command.file.c_str(), command.line) << "unknown verb " << command.verb;
    return fmt::format("unknown verb {}\n", command.verb);
}

void run_script(const std::filesystem::path& file, const ScriptHandler& handler, bool rewrite) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    const auto before = text.str();
    ScriptFile script(file.string(), before);
    int commands = 0;
    while (const auto command = script.next()) {
        ++commands;
        auto output = handler(*command);
        if (!output.empty() && !output.ends_with('\n')) {
            output += '\n';
        }
        script.expect(output);
        if (!rewrite && output != command->expected) {
            ADD_FAILURE_AT(command->file.c_str(), command->line)
                << "expected (-) and printed (+) differ:\n"
                << diff(command->expected, output);
        }
    }
    if (commands == 0) {
        ADD_FAILURE_AT(file.c_str(), 1) << "a script without a command";
    } else if (rewrite && !::testing::Test::HasFailure() && script.rewritten() != before) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << script.rewritten();
    }
}

}  // namespace quorate::support
