#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "commands.hpp"
#include "monitor_classes.hpp"
#include "screen.hpp"
#include "table.hpp"

// Rates with CUR, AVE, MIN and MAX, as VMS's MONITOR. Source: OpenVMS System Management Utilities
// Reference Manual, MONITOR.
namespace quorate::ctl {
namespace {

using Clock = std::chrono::steady_clock;

struct MonitorOptions {
    std::vector<std::string> classes;
    double interval = 3;
    std::uint64_t count = 0;
};

// One class, asked again and again.
struct Watched {
    const MonitorClass* kind = nullptr;
    Statistics statistics;
    Clock::time_point before;
    std::string error;  // of the newest attempt
    int exit_code = kOk;

    void sample(const Context& context) {
        error.clear();
        try {
            const auto readings = kind->read(context);
            const auto now = Clock::now();
            statistics.add(readings, std::chrono::duration<double>(now - before).count());
            before = now;
        } catch (const Failure& failure) {
            error = failure.what;
            exit_code = failure.exit_code;
        }
    }
};

std::vector<Watched> chosen_classes(const MonitorOptions& options) {
    std::vector<Watched> watched;
    for (const auto& kind : monitor_classes()) {
        const auto named = std::find(options.classes.begin(), options.classes.end(), kind.name);
        if (options.classes.empty() || named != options.classes.end()) {
            watched.push_back({&kind, {}, {}, {}, kOk});
        }
    }
    return watched;
}

std::uint64_t unix_time() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::string picture(const std::vector<Watched>& watched) {
    auto text = fmt::format("{:^78}\n{:^78}\n", "Quorate MONITOR", utc_text(unix_time()));
    while (text.find(" \n") != std::string::npos) {
        text.erase(text.find(" \n"), 1);
    }
    for (const auto& one : watched) {
        text += fmt::format("\n{:<36}{:>10} {:>10} {:>10} {:>10}\n", one.kind->title, "CUR", "AVE",
                            "MIN", "MAX");
        if (!one.error.empty()) {
            text += "  " + one.error + "\n";
            continue;
        }
        for (const auto& row : one.statistics.rows()) {
            text += fmt::format("  {:<34}{:>10.2f} {:>10.2f} {:>10.2f} {:>10.2f}\n",
                                row.unit.empty() ? row.item : row.item + " (" + row.unit + ")",
                                row.series.current, row.series.average(), row.series.least,
                                row.series.greatest);
        }
    }
    return text;
}

std::string as_json(const std::vector<Watched>& watched) {
    json::object classes;
    for (const auto& one : watched) {
        json::array items;
        for (const auto& row : one.statistics.rows()) {
            items.push_back({{"item", row.item},
                             {"unit", row.unit},
                             {"cur", row.series.current},
                             {"ave", row.series.average()},
                             {"min", row.series.least},
                             {"max", row.series.greatest}});
        }
        classes[one.kind->name] = json::object{{"error", one.error}, {"items", std::move(items)}};
    }
    return json::serialize(json::object{{"time", unix_time()}, {"classes", std::move(classes)}}) +
           "\n";
}

int monitor(const Context& context, const MonitorOptions& options) {
    auto watched = chosen_classes(options);
    std::size_t silent = 0;
    for (auto& one : watched) {
        one.sample(context);
        silent += one.error.empty() ? 0U : 1U;
    }
    if (silent == watched.size()) {
        throw Failure{watched.front().exit_code, watched.front().error};
    }
    Screen screen;
    const auto pause = std::chrono::milliseconds(static_cast<int>(options.interval * 1000));
    for (std::uint64_t taken = 0; options.count == 0 || taken < options.count; ++taken) {
        Screen::wait(pause);
        for (auto& one : watched) {
            one.sample(context);
        }
        screen.show(context.json ? as_json(watched) : picture(watched));
    }
    return kOk;
}

}  // namespace

void add_monitor_command(CLI::App& app, Command& chosen) {
    const auto options = std::make_shared<MonitorOptions>();
    auto* command = app.add_subcommand("monitor", "rates: current, average, least, greatest");
    std::vector<std::string> names;
    for (const auto& kind : monitor_classes()) {
        names.emplace_back(kind.name);
    }
    command
        ->add_option("CLASS", options->classes,
                     fmt::format("{}; default: all", fmt::join(names, ", ")))
        ->check(CLI::IsMember(names));
    command->add_option("--interval", options->interval, "seconds between samples (3)")
        ->check(CLI::Range(0.05, 3600.0));
    command->add_option("--count", options->count, "end after this many samples");
    command->callback([&chosen, options] {
        chosen = [options](const Context& context) { return monitor(context, *options); };
    });
}

}  // namespace quorate::ctl
