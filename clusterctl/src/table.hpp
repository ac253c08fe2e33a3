#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::ctl {

// Rows for people: columns as wide as their widest cell, numbers to the right.
class Table {
public:
    // A heading that begins with '>' makes a column of numbers.
    explicit Table(std::vector<std::string> headings);
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }
    // Lines, each ended.
    std::string text() const;
    void print() const;

private:
    std::vector<std::string> headings_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

std::string human_bytes(std::uint64_t bytes);      // "1.4 GiB"
std::string human_seconds(std::uint64_t seconds);  // "3d 04:05:06"
std::string utc_text(std::uint64_t seconds);       // "2026-11-27T02:00:00Z"; "-" for 0

}  // namespace quorate::ctl
