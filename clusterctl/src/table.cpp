#include "table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <fmt/core.h>

namespace quorate::ctl {

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
    for (auto& heading : headings_) {
        right_.push_back(heading.starts_with('>'));
        if (right_.back()) {
            heading.erase(0, 1);
        }
    }
}

void Table::print() const { std::printf("%s", text().c_str()); }

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& heading : headings_) {
        widths.push_back(heading.size());
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string all;
    const auto add_row = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += right_[i] ? fmt::format("{:>{}}  ", row[i], widths[i])
                              : fmt::format("{:<{}}  ", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        all += line + "\n";
    };
    add_row(headings_);
    for (const auto& row : rows_) {
        add_row(row);
    }
    return all;
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(kUnits)) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_seconds(std::uint64_t seconds) {
    const auto clock =
        fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return seconds < 86400 ? clock : fmt::format("{}d {}", seconds / 86400, clock);
}

std::string utc_text(std::uint64_t seconds) {
    if (seconds == 0) {
        return "-";
    }
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

}  // namespace quorate::ctl
