#include "io/config.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <fmt/core.h>
#include <toml++/toml.h>

#include "base/text.hpp"
#include "io/errc.hpp"

namespace quorate::io {
namespace {

// Levenshtein distance, to suggest the key that was meant.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

std::string join(const std::vector<std::string_view>& words) {
    std::string text;
    for (const auto word : words) {
        text += text.empty() ? "" : ", ";
        text += word;
    }
    return text;
}

}  // namespace

struct ConfigFile::Impl {
    std::string path;
    toml::table document;
    std::map<const void*, std::set<std::string, std::less<>>> asked;
    std::set<const void*> left;                              // values that are others'
    std::vector<std::pair<unsigned, std::string>> mistakes;  // with their lines

    void mistake(unsigned line, std::string_view what) {
        mistakes.emplace_back(line, fmt::format("{}:{}: {}", path, line, what));
    }

    std::string suggestion(const void* table, std::string_view key) const {
        const auto known = asked.find(table);
        std::string best;
        // Half of the letters wrong is another word.
        std::size_t best_distance = key.size() / 2 + 1;
        if (known != asked.end()) {
            for (const auto& name : known->second) {
                if (const auto d = distance(name, key); d < best_distance) {
                    best = name;
                    best_distance = d;
                }
            }
        }
        return best.empty() ? "" : fmt::format("; did you mean \"{}\"?", best);
    }

    void find_unknown(const toml::table& table, const std::string& prefix) {
        const auto& known = asked[&table];
        for (const auto& [key, node] : table) {
            const std::string name(key.str());
            if (!known.contains(name)) {
                mistake(key.source().begin.line,
                        fmt::format("{}{}: unknown key{}", prefix, name, suggestion(&table, name)));
                continue;
            }
            if (left.contains(&node)) {
                continue;
            }
            if (const auto* child = node.as_table()) {
                find_unknown(*child, prefix + name + ".");
            } else if (const auto* array = node.as_array()) {
                for (const auto& element : *array) {
                    if (const auto* item = element.as_table()) {
                        find_unknown(*item, prefix + name + ".");
                    }
                }
            }
        }
    }
};

ConfigFile::ConfigFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfigFile::~ConfigFile() = default;

Result<std::unique_ptr<ConfigFile>> ConfigFile::load(const std::string& path) {
    std::ifstream in(path);
    if (!in) {
        return fail(Errc::kConfig,
                    fmt::format("{}: {}", path, std::generic_category().message(errno)));
    }
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    if (std::filesystem::is_directory(path)) {
        return fail(Errc::kConfig, path + ": is a folder, not a file");
    }
    try {
        impl->document = toml::parse(in, path);
    } catch (const toml::parse_error& error) {
        return fail(Errc::kConfig,
                    fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
    }
    return std::unique_ptr<ConfigFile>(new ConfigFile(std::move(impl)));
}

ConfigTable ConfigFile::root() { return ConfigTable(*this, &impl_->document, "", 1); }

Status ConfigFile::finish() {
    impl_->find_unknown(impl_->document, "");
    auto& mistakes = impl_->mistakes;
    std::stable_sort(mistakes.begin(), mistakes.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text;
    for (const auto& [line, mistake] : mistakes) {
        text += text.empty() ? "" : "\n";
        text += mistake;
    }
    if (text.empty()) {
        return {};
    }
    return fail(Errc::kConfig, std::move(text));
}

void ConfigTable::leave(std::string_view key) {
    if (const auto* value = find(key)) {
        file_->impl_->left.insert(value);
    }
}

const void* ConfigTable::find(std::string_view key) {
    file_->impl_->asked[table_].insert(std::string(key));
    return table_ == nullptr ? nullptr : static_cast<const toml::table*>(table_)->get(key);
}

void ConfigTable::complain(std::string_view key, std::string_view what) {
    const auto* node = static_cast<const toml::node*>(find(key));
    const auto line = node != nullptr ? node->source().begin.line : line_;
    file_->impl_->mistake(line, fmt::format("{}{}: {}", path_, key, what));
}

std::string ConfigTable::string(std::string_view key, std::string_view fallback) {
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        return std::string(fallback);
    }
    if (const auto value = node->value_exact<std::string>()) {
        return *value;
    }
    complain(key, "wants a text in quotes");
    return std::string(fallback);
}

std::string ConfigTable::required_string(std::string_view key) {
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        complain(key, "is missing; it wants a text in quotes");
        return {};
    }
    auto value = string(key, "");
    if (value.empty() && node->is_string()) {
        complain(key, "is empty; it wants a text in quotes");
    }
    return value;
}

std::int64_t ConfigTable::integer(std::string_view key, std::int64_t fallback, Bounds bounds) {
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        return fallback;
    }
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < bounds.min || *value > bounds.max) {
        complain(key, fmt::format("wants a whole number from {} to {}", bounds.min, bounds.max));
        return fallback;
    }
    return *value;
}

bool ConfigTable::boolean(std::string_view key, bool fallback) {
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        return fallback;
    }
    if (const auto value = node->value_exact<bool>()) {
        return *value;
    }
    complain(key, "wants true or false");
    return fallback;
}

std::vector<std::string> ConfigTable::strings(std::string_view key) {
    std::vector<std::string> values;
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        return values;
    }
    const auto* array = node->as_array();
    if (array == nullptr) {
        complain(key, "wants a list of texts: [\"a\", \"b\"]");
        return values;
    }
    for (const auto& element : *array) {
        if (const auto value = element.value_exact<std::string>()) {
            values.push_back(*value);
        } else {
            complain(key, "wants a list of texts: [\"a\", \"b\"]");
            break;
        }
    }
    return values;
}

std::size_t ConfigTable::choice(std::string_view key,
                                const std::vector<std::string_view>& allowed) {
    const auto value = string(key, allowed.front());
    const auto found = std::find(allowed.begin(), allowed.end(), value);
    if (found == allowed.end()) {
        complain(key, fmt::format("\"{}\" is not one of {}", printable(value, 40), join(allowed)));
        return 0;
    }
    return static_cast<std::size_t>(found - allowed.begin());
}

ConfigTable ConfigTable::table(std::string_view key) {
    const auto* node = static_cast<const toml::node*>(find(key));
    const auto* table = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && table == nullptr) {
        complain(key, "wants a table: [" + path_ + std::string(key) + "]");
    }
    const auto line = table != nullptr ? table->source().begin.line : line_;
    return ConfigTable(*file_, table, path_ + std::string(key) + ".", line);
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) {
    std::vector<ConfigTable> result;
    const auto* node = static_cast<const toml::node*>(find(key));
    if (node == nullptr) {
        return result;
    }
    const auto* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
        complain(key, "wants tables: [[" + path_ + std::string(key) + "]]");
        return result;
    }
    for (const auto& element : *array) {
        result.push_back(ConfigTable(*file_, element.as_table(), path_ + std::string(key) + ".",
                                     element.source().begin.line));
    }
    return result;
}

}  // namespace quorate::io
