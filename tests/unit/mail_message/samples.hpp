#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

namespace quorate::mail::message::testing {

// With the line ends of mail: tests are written with \n.
inline std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out.push_back('\r');
        }
        out.push_back(c);
    }
    return out;
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// tests/data/messages by name without ".eml".
inline std::map<std::string, std::string> sample_messages() {
    std::map<std::string, std::string> messages;
    const auto folder = std::filesystem::path(QUORATE_SOURCE_DIR) / "tests/data/messages";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".eml") {
            messages[entry.path().stem()] = read_file(entry.path());
        }
    }
    return messages;
}

}  // namespace quorate::mail::message::testing
