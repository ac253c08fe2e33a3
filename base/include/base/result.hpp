#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace quorate {

// Why something failed. `code` is what a caller branches on (one enum and category per module, in
// its errc.hpp); `detail` is for the log and the operator and names the file, line or offset. It is
// never sent to a network peer.
struct Error {
    std::error_code code;
    std::string detail;

    // "detail (category: message)", the one-line form for logs and operators.
    std::string to_string() const;
};

// A value or an Error. Protocol outcomes that a peer is told about are values, not errors.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(std::error_code code, std::string detail) {
    return tl::unexpected<Error>(Error{code, std::move(detail)});
}

// fail() with errno's value `number`, for system calls.
tl::unexpected<Error> fail_errno(int number, std::string detail);

}  // namespace quorate

// Propagates an error to the caller. Not for coroutines.
#define QUORATE_CHECK(expression)                                                         \
    do {                                                                                  \
        if (auto quorate_status = (expression); !quorate_status) {                        \
            return ::tl::unexpected<::quorate::Error>(std::move(quorate_status).error()); \
        }                                                                                 \
    } while (false)

#define QUORATE_JOIN_INNER(a, b) a##b
#define QUORATE_JOIN(a, b) QUORATE_JOIN_INNER(a, b)

// QUORATE_TRY(auto value, f()): declares `value` from a Result, or returns its error.
#define QUORATE_TRY(declaration, expression)                             \
    auto QUORATE_JOIN(quorate_result_, __LINE__) = (expression);         \
    if (!QUORATE_JOIN(quorate_result_, __LINE__)) {                      \
        return ::tl::unexpected<::quorate::Error>(                       \
            std::move(QUORATE_JOIN(quorate_result_, __LINE__)).error()); \
    }                                                                    \
    declaration = std::move(*QUORATE_JOIN(quorate_result_, __LINE__))
