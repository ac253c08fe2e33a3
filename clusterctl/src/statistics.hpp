#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quorate::ctl {

// One figure of a daemon at one moment. A counter only grows, and is shown as its rate.
struct Reading {
    std::string item;
    std::string unit;  // of what is shown: "/s", "ms"
    bool counter = false;
    double value = 0;
};

// What MONITOR shows of one figure: the newest value and average, least and greatest since it
// began.
struct Series {
    double current = 0;
    double least = 0;
    double greatest = 0;
    double sum = 0;
    std::size_t samples = 0;

    void add(double value) {
        current = value;
        least = samples == 0 ? value : std::min(least, value);
        greatest = samples == 0 ? value : std::max(greatest, value);
        sum += value;
        ++samples;
    }
    double average() const { return samples == 0 ? 0 : sum / static_cast<double>(samples); }
};

// The figures of one class over time.
class Statistics {
public:
    struct Row {
        std::string item;
        std::string unit;
        Series series;
    };

    // `seconds` since the readings before. A counter's first reading, and one that went back
    // because its daemon started anew, give no rate.
    void add(const std::vector<Reading>& readings, double seconds);
    // In the order of the newest readings; without those that have no sample yet.
    std::vector<Row> rows() const;

private:
    std::vector<Reading> newest_;
    std::map<std::string, double> before_;
    std::map<std::string, Series> series_;
};

}  // namespace quorate::ctl
