#include "report.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

namespace quorate::bench {

double quantile(std::vector<double> values, double p) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

void Report::name(std::string_view name) {
    members_ += fmt::format("{}\"{}\": ", members_.empty() ? "" : ", ", name);
}

Report& Report::number(std::string_view what, double value) {
    name(what);
    members_ += fmt::format("{:.6f}", value);
    return *this;
}

Report& Report::count(std::string_view what, std::uint64_t value) {
    name(what);
    members_ += fmt::format("{}", value);
    return *this;
}

Report& Report::numbers(std::string_view what, const std::vector<double>& values) {
    name(what);
    members_ += "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        members_ += fmt::format("{}{:.6f}", i == 0 ? "" : ", ", values[i]);
    }
    members_ += "]";
    return *this;
}

void Report::print() const {
    std::printf("{%s}\n", members_.c_str());
    std::fflush(stdout);
}

}  // namespace quorate::bench
