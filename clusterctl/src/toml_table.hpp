#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// The least change of a TOML file that belongs to the operator: some keys of one table, everything
// else, comments included, as it stands.
namespace quorate::ctl {

struct TomlKey {
    std::string key;
    std::string literal;  // as TOML writes the value
};

std::string toml_literal(std::string_view text);
std::string toml_literal(const std::vector<std::string>& texts);

// Replaces the keys that the table has, adds the others behind them, and the table at the end when
// there is none. Errors: std::errc::invalid_argument when the text is no TOML, or has the table in
// another form than [table], which is for a person to change.
Result<std::string> set_in_table(std::string_view text, const std::string& table,
                                 const std::vector<TomlKey>& keys);

}  // namespace quorate::ctl
