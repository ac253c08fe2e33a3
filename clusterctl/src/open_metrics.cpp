#include "open_metrics.hpp"

#include <charconv>
#include <cmath>
#include <optional>

#include <boost/json/object.hpp>

#include "base/text.hpp"

namespace quorate::ctl {
namespace {

namespace json = boost::json;

// NAME="TEXT",NAME="TEXT"} with \\, \" and \n in TEXT. Takes them off `line`; false: they are not
// such.
bool take_labels(std::string_view& line, MetricSample& sample) {
    while (!line.starts_with('}')) {
        const auto equals = line.find("=\"");
        if (equals == std::string_view::npos) {
            return false;
        }
        auto& [name, text] = sample.labels.emplace_back(std::string(line.substr(0, equals)), "");
        line.remove_prefix(equals + 2);
        for (; !line.empty() && line.front() != '"'; line.remove_prefix(1)) {
            if (line.front() == '\\' && line.size() > 1) {
                line.remove_prefix(1);
                text += line.front() == 'n' ? '\n' : line.front();
            } else {
                text += line.front();
            }
        }
        if (line.empty()) {
            return false;
        }
        line.remove_prefix(line.starts_with("\",") ? 2 : 1);
    }
    line.remove_prefix(1);
    return true;
}

std::optional<MetricSample> read_sample(std::string_view line) {
    MetricSample sample;
    const auto name_end = line.find_first_of(" {");
    if (line.starts_with('#') || name_end == std::string_view::npos) {
        return std::nullopt;
    }
    sample.name = line.substr(0, name_end);
    const bool labelled = line[name_end] == '{';
    line.remove_prefix(name_end + 1);
    if (labelled && !take_labels(line, sample)) {
        return std::nullopt;
    }
    const auto value = trim(line);
    const auto* end = value.data() + value.size();
    const auto* begin = value.starts_with('+') ? value.data() + 1 : value.data();
    if (std::from_chars(begin, end, sample.value).ec != std::errc()) {
        return std::nullopt;
    }
    return sample;
}

}  // namespace

std::vector<MetricSample> read_metrics(std::string_view text) {
    std::vector<MetricSample> samples;
    for (const auto line : split(text, '\n')) {
        if (auto sample = read_sample(line)) {
            samples.push_back(std::move(*sample));
        }
    }
    return samples;
}

double metric_sum(std::string_view text, std::string_view name) {
    double sum = 0;
    for (const auto& sample : read_metrics(text)) {
        sum += sample.name == name ? sample.value : 0;
    }
    return sum;
}

json::array metrics_as_json(std::string_view text) {
    json::array all;
    for (const auto& sample : read_metrics(text)) {
        json::object labels;
        for (const auto& [name, value] : sample.labels) {
            labels[name] = value;
        }
        json::value value;
        if (std::isfinite(sample.value)) {
            value = sample.value;
        }
        all.push_back(json::object{
            {"name", sample.name}, {"labels", std::move(labels)}, {"value", std::move(value)}});
    }
    return all;
}

}  // namespace quorate::ctl
