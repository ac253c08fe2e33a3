#include "io/metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace quorate::io {

void Histogram::observe(double value) {
    const auto slot = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(slot)].fetch_add(1, std::memory_order_relaxed);
    sum_micro_.fetch_add(static_cast<std::uint64_t>(value * 1e6), std::memory_order_relaxed);
}

Metrics::Family& Metrics::family(std::string name, std::string help, Kind kind) {
    const auto found = std::find_if(families_.begin(), families_.end(),
                                    [&](const auto& f) { return f.name == name; });
    if (found != families_.end()) {
        return *found;
    }
    families_.push_back({std::move(name), std::move(help), kind, {}, nullptr});
    return families_.back();
}

Counter& Metrics::counter(std::string name, std::string help, std::string labels) {
    auto& made = counters_.emplace_back();
    counter_from(
        std::move(name), std::move(help), [&made] { return static_cast<double>(made.value()); },
        std::move(labels));
    return made;
}

void Metrics::counter_from(std::string name, std::string help, std::function<double()> read,
                           std::string labels) {
    family(std::move(name), std::move(help), Kind::kCounter)
        .series.push_back({std::move(labels), std::move(read), nullptr});
}

Histogram& Metrics::histogram(std::string name, std::string help, std::vector<double> bounds,
                              std::string labels) {
    auto& made = histograms_.emplace_back(std::move(bounds));
    family(std::move(name), std::move(help), Kind::kHistogram)
        .series.push_back({std::move(labels), nullptr, &made});
    return made;
}

void Metrics::gauge(std::string name, std::string help, std::function<double()> read,
                    std::string labels) {
    family(std::move(name), std::move(help), Kind::kGauge)
        .series.push_back({std::move(labels), std::move(read), nullptr});
}

void Metrics::write_histogram(std::string& out, const Family& family, const Series& series) {
    const auto& histogram = *series.histogram;
    const std::string comma = series.labels.empty() ? "" : series.labels + ",";
    const std::string braces = series.labels.empty() ? "" : "{" + series.labels + "}";
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < histogram.counts_.size(); ++i) {
        total += histogram.counts_[i].load(std::memory_order_relaxed);
        const auto bound =
            i < histogram.bounds_.size() ? fmt::format("{}", histogram.bounds_[i]) : "+Inf";
        out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", family.name, comma, bound, total);
    }
    const auto sum =
        static_cast<double>(histogram.sum_micro_.load(std::memory_order_relaxed)) / 1e6;
    out += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", family.name, braces, sum, total);
}

void Metrics::samples_from(std::string name, std::string help, Kind kind,
                           std::function<std::vector<Sample>()> read) {
    family(std::move(name), std::move(help), kind).samples = std::move(read);
}

void Metrics::write_sample(std::string& out, const Family& family, const Sample& sample) {
    const std::string braces = sample.labels.empty() ? "" : "{" + sample.labels + "}";
    const char* suffix = family.kind == Kind::kCounter ? "_total" : "";
    out += fmt::format("{}{}{} {}\n", family.name, suffix, braces, sample.value);
}

std::string label(std::string_view key, std::string_view value) {
    std::string text = fmt::format("{}=\"", key);
    for (const char c : value) {
        if (c == '\\' || c == '"') {
            text += '\\';
        }
        text += c == '\n' ? ' ' : c;
    }
    return text + '"';
}

std::string Metrics::text() const {
    std::string out;
    for (const auto& family : families_) {
        constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
        out += fmt::format("# TYPE {0} {1}\n# HELP {0} {2}\n", family.name,
                           kTypes[static_cast<std::size_t>(family.kind)], family.help);
        for (const auto& series : family.series) {
            if (family.kind == Kind::kHistogram) {
                write_histogram(out, family, series);
                continue;
            }
            write_sample(out, family, {series.labels, series.read()});
        }
        for (const auto& sample : family.samples ? family.samples() : std::vector<Sample>()) {
            write_sample(out, family, sample);
        }
    }
    return out + "# EOF\n";
}

}  // namespace quorate::io
