#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Tests whose tables are text files, in the manner of Go's datadriven package. A file is a sequence
// of
//
//     # a comment
//     verb word key=value key="two words"
//     body lines, if the verb has any
//     ----
//     what the verb is expected to print
//
// separated by blank lines. Output that has blank lines itself stands between two doubled rules
// ("----" twice before, twice after). With --rewrite, or QUORATE_REWRITE=1 in the environment, the
// expected parts are replaced by what was printed: then review the diff.
//
// A suite is a folder tests/scripts/MODULE with such files, a CMakeLists.txt that says
// quorate_script_suite(MODULE SOURCES suite.cpp LINK ...), and a suite.cpp that defines
// make_script_handler(). Each file is a test of its own.
namespace quorate::support {

struct ScriptCommand {
    std::string file;
    int line = 0;  // of the verb
    std::string verb;
    std::vector<std::pair<std::string, std::optional<std::string>>> arguments;
    std::string body;
    // For verbs whose expected part is a transcript that holds the inputs too (conversation.hpp);
    // others have no business with it.
    std::string expected;

    bool has(std::string_view key) const;
    std::optional<std::string> value(std::string_view key) const;
    std::string value_or(std::string_view key, std::string_view otherwise) const;
};

// Runs one command and returns what it prints.
using ScriptHandler = std::function<std::string(const ScriptCommand&)>;

// Defined by the suite; called once per file, so that a file may build up state.
ScriptHandler make_script_handler();

// What a handler returns for a verb it does not know: also fails the test.
std::string unknown_verb(const ScriptCommand& command);

// Runs every command of a file; a difference is a test failure with file, line and diff. Rewrites
// the file when `rewrite`.
void run_script(const std::filesystem::path& file, const ScriptHandler& handler, bool rewrite);

}  // namespace quorate::support
