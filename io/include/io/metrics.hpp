#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::io {

class Counter {
public:
    void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// Counts observations below fixed bounds. The sum is kept in the unit of the bounds times 1e-6.
class Histogram {
public:
    explicit Histogram(std::vector<double> bounds)
        : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
    void observe(double value);

private:
    friend class Metrics;
    std::vector<double> bounds_;
    std::deque<std::atomic<std::uint64_t>> counts_;
    std::atomic<std::uint64_t> sum_micro_{0};
};

// `key="value"`. Values come from configuration files: quotes and the like do not break the format.
std::string label(std::string_view key, std::string_view value);

// The daemon's metrics as OpenMetrics 1.0 text. Names end in their unit; a counter's "_total" is
// added here. Labels are written by the caller, see label().
//
// Thread rule: register on the io thread before use; Counter and Histogram are safe from any
// thread; gauges are read on the io thread.
class Metrics {
public:
    Counter& counter(std::string name, std::string help, std::string labels = {});
    Histogram& histogram(std::string name, std::string help, std::vector<double> bounds,
                         std::string labels = {});
    void gauge(std::string name, std::string help, std::function<double()> read,
               std::string labels = {});
    // A counter that is kept elsewhere.
    void counter_from(std::string name, std::string help, std::function<double()> read,
                      std::string labels = {});

    // A family whose series come and go (one per peer, say): all of them, when somebody asks.
    struct Sample {
        std::string labels;
        double value = 0;
    };
    enum class Kind { kCounter, kGauge, kHistogram };
    void samples_from(std::string name, std::string help, Kind kind,
                      std::function<std::vector<Sample>()> read);

    std::string text() const;

private:
    struct Series {
        std::string labels;
        std::function<double()> read;
        Histogram* histogram = nullptr;
    };
    struct Family {
        std::string name;
        std::string help;
        Kind kind = Kind::kCounter;
        std::vector<Series> series;
        std::function<std::vector<Sample>()> samples;
    };
    Family& family(std::string name, std::string help, Kind kind);
    static void write_histogram(std::string& out, const Family& family, const Series& series);
    static void write_sample(std::string& out, const Family& family, const Sample& sample);

    std::vector<Family> families_;
    std::deque<Counter> counters_;
    std::deque<Histogram> histograms_;
};

}  // namespace quorate::io
