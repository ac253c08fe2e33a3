#include "toml_table.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "base/text.hpp"

namespace quorate::ctl {
namespace {

tl::unexpected<Error> refuse(const std::string& what) {
    return fail(std::make_error_code(std::errc::invalid_argument), what);
}

// Where the string that begins at `at` ends; the text is known to be TOML.
std::size_t skip_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string three(3, quote);
    const bool multi_line = text.substr(at).starts_with(three);
    const std::string_view end = multi_line ? std::string_view(three) : text.substr(at, 1);
    for (at += end.size(); at < text.size(); ++at) {
        if (text[at] == '\\' && quote == '"') {
            ++at;
        } else if (text.substr(at).starts_with(end)) {
            return at + end.size();
        }
    }
    return text.size();
}

// One statement with its line end: a header, a key with its value over as many lines as it has, a
// comment or a blank line.
std::string_view next_statement(std::string_view text) {
    int depth = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"' || c == '\'') {
            at = skip_string(text, at);
            continue;
        }
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
            continue;
        }
        depth += c == '[' || c == '{' ? 1 : 0;
        depth -= c == ']' || c == '}' ? 1 : 0;
        ++at;
        if (c == '\n' && depth == 0) {
            return text.substr(0, at);
        }
    }
    return text;
}

bool is_header(std::string_view statement) { return trim(statement).starts_with('['); }

bool is_header_of(std::string_view statement, const std::string& table) {
    const auto trimmed = trim(statement.substr(0, statement.find('#')));
    return trimmed.size() > 2 && trimmed.front() == '[' && trimmed.back() == ']' &&
           trim(trimmed.substr(1, trimmed.size() - 2)) == table;
}

// Of a statement that is a key with its value; else empty.
std::string_view key_of(std::string_view statement) {
    const auto trimmed = trim(statement);
    const auto equals = trimmed.find('=');
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == '[' ||
        equals == std::string_view::npos) {
        return {};
    }
    return trim(trimmed.substr(0, equals));
}

std::string line_of(const TomlKey& key) { return fmt::format("{} = {}\n", key.key, key.literal); }

// Puts the keys into the statements of a table, which begin behind its header.
void put_keys(std::vector<std::string>& statements, std::size_t begin,
              const std::vector<TomlKey>& keys) {
    auto last = begin;
    std::vector<bool> done(keys.size());
    for (auto at = begin; at < statements.size() && !is_header(statements[at]); ++at) {
        const std::string name(key_of(statements[at]));
        if (name.empty()) {
            continue;
        }
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (keys[i].key == name) {
                statements[at] = line_of(keys[i]);
                done[i] = true;
            }
        }
        last = at + 1;
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!done[i]) {
            statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(last++),
                              line_of(keys[i]));
        }
    }
}

Result<toml::table> parse(std::string_view text) {
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        return refuse(fmt::format("line {}: {}", error.source().begin.line, error.description()));
    }
}

// Whether the text says what it was changed to say.
bool says(const toml::table& whole, const std::string& table, const std::vector<TomlKey>& keys) {
    return std::all_of(keys.begin(), keys.end(), [&](const TomlKey& key) {
        const auto wanted = toml::parse(line_of(key));
        const auto found = whole[table][key.key];
        std::ostringstream a;
        std::ostringstream b;
        a << wanted[key.key];
        b << found;
        return found && a.str() == b.str();
    });
}

}  // namespace

std::string toml_literal(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(c);
    }
    return out + "\"";
}

std::string toml_literal(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const auto& text : texts) {
        out += out.size() > 1 ? ", " : "";
        out += toml_literal(text);
    }
    return out + "]";
}

Result<std::string> set_in_table(std::string_view text, const std::string& table,
                                 const std::vector<TomlKey>& keys) {
    QUORATE_CHECK(parse(text));
    std::vector<std::string> statements;
    for (auto rest = text; !rest.empty();) {
        statements.emplace_back(next_statement(rest));
        rest.remove_prefix(statements.back().size());
    }
    if (!statements.empty() && !statements.back().ends_with('\n')) {
        statements.back() += "\n";
    }
    auto header = std::find_if(statements.begin(), statements.end(), [&](const auto& statement) {
        return is_header_of(statement, table);
    });
    if (header == statements.end()) {
        if (!statements.empty() && !trim(statements.back()).empty()) {
            statements.emplace_back("\n");
        }
        statements.push_back("[" + table + "]\n");
        header = statements.end() - 1;
    }
    put_keys(statements, static_cast<std::size_t>(header - statements.begin()) + 1, keys);
    std::string changed;
    for (const auto& statement : statements) {
        changed += statement;
    }
    const auto parsed = parse(changed);
    if (!parsed || !says(*parsed, table, keys)) {
        return refuse(
            fmt::format("write [{}] as a table of its own, [{}] on a line, so that it can "
                        "be changed",
                        table, table));
    }
    return changed;
}

}  // namespace quorate::ctl
