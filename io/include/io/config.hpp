#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace quorate::io {

class ConfigFile;

// One table of a TOML file, read key by key. A wrong value is noted with file and line, and the
// default is returned, so that an operator sees all mistakes at once: look at ConfigFile::finish()
// when everything was read. The text says what is allowed. Lives as long as its ConfigFile.
class ConfigTable {
public:
    std::string string(std::string_view key, std::string_view fallback);
    // Not empty. On a mistake: empty.
    std::string required_string(std::string_view key);
    struct Bounds {
        std::int64_t min = 0;
        std::int64_t max = INT64_MAX;
    };
    std::int64_t integer(std::string_view key, std::int64_t fallback, Bounds bounds);
    bool boolean(std::string_view key, bool fallback);
    std::vector<std::string> strings(std::string_view key);
    // One of `allowed`; the first is the default.
    std::size_t choice(std::string_view key, const std::vector<std::string_view>& allowed);
    // An absent table reads as an empty one.
    ConfigTable table(std::string_view key);
    std::vector<ConfigTable> tables(std::string_view key);
    // The key is another daemon's, which shares the file: whatever is there is no mistake here.
    void leave(std::string_view key);
    // A mistake that only the caller can see.
    void complain(std::string_view key, std::string_view what);

private:
    friend class ConfigFile;
    ConfigTable(ConfigFile& file, const void* table, std::string path, unsigned line)
        : file_(&file), table_(table), path_(std::move(path)), line_(line) {}

    const void* find(std::string_view key);

    ConfigFile* file_;
    const void* table_;  // toml::table; null when it is absent
    std::string path_;   // "mail.tls.", the prefix of its keys
    unsigned line_;      // where it begins; when absent, where the table begins that lacks it
};

// A TOML 1.0 file. Errors: Errc::kConfig, one "file:line: key: what" per line of the detail;
// a key that nobody asked for is an error.
class ConfigFile {
public:
    static Result<std::unique_ptr<ConfigFile>> load(const std::string& path);
    ~ConfigFile();

    ConfigTable root();
    Status finish();

private:
    friend class ConfigTable;
    struct Impl;
    explicit ConfigFile(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::io
