#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// The p-th part (0..1) of the values, which need no order; 0 when there are none.
double quantile(std::vector<double> values, double p);

// One JSON object on one line of standard output, flushed: what bench/*.py reads.
class Report {
public:
    Report& number(std::string_view name, double value);
    Report& count(std::string_view name, std::uint64_t value);
    Report& numbers(std::string_view name, const std::vector<double>& values);
    void print() const;

private:
    void name(std::string_view name);

    std::string members_;
};

}  // namespace quorate::bench
