#include "base/result.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/assert.hpp"

namespace quorate {

std::string Error::to_string() const {
    return detail + " (" + code.category().name() + ": " + code.message() + ")";
}

tl::unexpected<Error> fail_errno(int number, std::string detail) {
    return fail(std::error_code(number, std::generic_category()), std::move(detail));
}

void assert_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "<2>assertion_failed expression=\"%s\" at=%s:%d\n", expression, file,
                 line);
    std::abort();
}

}  // namespace quorate
