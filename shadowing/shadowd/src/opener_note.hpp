#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/random.hpp"
#include "base/result.hpp"

namespace quorate::shadowing {

// Which sets a shadowd has open in a cluster, for the one after it when it ends without a farewell
// (docs/protocols/shadow-cluster.md): var/lib/quorate/shadow/opener, replaced as a whole before a
// set is opened.
struct OpenerNote {
    std::uint64_t incarnation = 0;  // of clusterd
    std::uint32_t process = 0;      // its pid
    std::uint64_t opener = 0;       // as disk servers know it (ServedOpener::process)
    std::set<Id128> sets;

    // Nothing: nobody left one. Errors: errno's values; errc::damaged.
    static Result<std::optional<OpenerNote>> read(const std::string& path);
    Status write(const std::string& path) const;
};

// 16 hexadecimal digits.
std::optional<std::uint64_t> parse_hex64(std::string_view text);
// 32 hexadecimal digits.
std::optional<Id128> parse_id128(std::string_view text);

}  // namespace quorate::shadowing
