#include "program.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "api.hpp"

namespace quorate::ctl {
namespace {

const char* code_of(int exit_code) {
    switch (exit_code) {
        case kUsage:
            return "usage";
        case kUnreachable:
            return "unreachable";
        case kForbidden:
            return "forbidden";
        default:
            return "refused";
    }
}

int tell(const char* name, const Failure& failure, bool as_json) {
    if (as_json) {
        const auto code = failure.code.empty() ? code_of(failure.exit_code) : failure.code;
        print_json(
            json::object{{"error", json::object{{"code", code}, {"message", failure.what}}}});
    } else {
        std::fprintf(stderr, "%s: %s\n", name, failure.what.c_str());
    }
    return failure.exit_code;
}

}  // namespace

std::string default_root() {
    const char* root = std::getenv("QUORATE_ROOT");
    return root == nullptr ? "" : root;
}

int run_program(const char* name, std::vector<std::string> arguments,
                const std::function<int(std::vector<std::string>, bool& as_json)>& run) {
    bool as_json = false;
    try {
        return run(std::move(arguments), as_json);
    } catch (const Failure& failure) {
        return tell(name, failure, as_json);
    } catch (const std::exception& error) {
        return tell(name, Failure{kRefused, error.what()}, as_json);
    }
}

}  // namespace quorate::ctl
