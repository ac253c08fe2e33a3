#include "statistics.hpp"

namespace quorate::ctl {

void Statistics::add(const std::vector<Reading>& readings, double seconds) {
    std::map<std::string, double> now;
    for (const auto& reading : readings) {
        if (!reading.counter) {
            series_[reading.item].add(reading.value);
            continue;
        }
        now[reading.item] = reading.value;
        const auto before = before_.find(reading.item);
        if (before != before_.end() && before->second <= reading.value && seconds > 0) {
            series_[reading.item].add((reading.value - before->second) / seconds);
        }
    }
    before_ = std::move(now);
    newest_ = readings;
}

std::vector<Statistics::Row> Statistics::rows() const {
    std::vector<Row> rows;
    for (const auto& reading : newest_) {
        const auto found = series_.find(reading.item);
        if (found != series_.end()) {
            rows.push_back({reading.item, reading.unit, found->second});
        }
    }
    return rows;
}

}  // namespace quorate::ctl
