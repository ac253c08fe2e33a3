#include "support/diff.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace quorate::support {
namespace {

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    return text.empty() ? Lines{} : split(text, '\n');
}

// lengths[i][j]: the longest common subsequence of a from i and b from j.
std::vector<std::vector<std::size_t>> common_lengths(const Lines& a, const Lines& b) {
    std::vector<std::vector<std::size_t>> lengths(a.size() + 1,
                                                  std::vector<std::size_t>(b.size() + 1, 0));
    for (std::size_t i = a.size(); i-- > 0;) {
        for (std::size_t j = b.size(); j-- > 0;) {
            lengths[i][j] = a[i] == b[j] ? lengths[i + 1][j + 1] + 1
                                         : std::max(lengths[i + 1][j], lengths[i][j + 1]);
        }
    }
    return lengths;
}

void add_line(std::string_view mark, std::string_view line, std::string& out) {
    out += mark;
    out += line;
    out += '\n';
}

}  // namespace

std::string diff(std::string_view expected, std::string_view actual) {
    auto a = lines_of(expected);
    auto b = lines_of(actual);
    std::string out;
    std::size_t same = 0;
    while (same < a.size() && same < b.size() && a[same] == b[same]) {
        add_line("  ", a[same++], out);
    }
    a.erase(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(same));
    b.erase(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(same));
    const auto lengths = common_lengths(a, b);
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
        if (i < a.size() && j < b.size() && a[i] == b[j]) {
            add_line("  ", a[i++], out);
            ++j;
        } else if (j == b.size() || (i < a.size() && lengths[i + 1][j] >= lengths[i][j + 1])) {
            add_line("- ", a[i++], out);
        } else {
            add_line("+ ", b[j++], out);
        }
    }
    return out;
}

}  // namespace quorate::support
