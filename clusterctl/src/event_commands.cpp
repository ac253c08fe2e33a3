#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "commands.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

void print_event(const Context& context, const json::object& event) {
    if (context.json) {
        print_json(event);
        return;
    }
    std::printf("%s  epoch %-6llu %-16s %s\n", utc_text(number_of(event, "time")).c_str(),
                static_cast<unsigned long long>(number_of(event, "epoch")),
                text_of(event, "kind").c_str(), text_of(event, "text").c_str());
}

// One JSON object a line when followed; else the API's answer.
int show_events(const Context& context, bool follow) {
    const auto recent = context.cluster.get("/v1/events/recent");
    if (context.json && !follow) {
        print_json(recent);
        return kOk;
    }
    std::uint64_t newest = 0;
    for (const auto& event : array_of(recent, "events")) {
        print_event(context, event.as_object());
        newest = number_of(event.as_object(), "number");
    }
    std::fflush(stdout);
    if (!follow) {
        return kOk;
    }
    context.cluster.lines("/v1/events?since=" + std::to_string(newest), [&](std::string_view line) {
        boost::system::error_code error;
        const auto event = json::parse(line, error);
        if (!error && event.is_object()) {
            print_event(context, event.get_object());
            std::fflush(stdout);
        }
    });
    throw Failure{kUnreachable, "clusterd ended the stream of events; is it still running?"};
}

}  // namespace

void add_event_commands(CLI::App& app, Command& chosen) {
    const auto follow = std::make_shared<bool>(false);
    auto* events =
        app.add_subcommand("events", "what happened to the cluster, as this node saw it");
    events->add_flag("--follow", *follow, "and what happens from now on, until Ctrl-C");
    events->callback([&chosen, follow] {
        chosen = [follow](const Context& context) { return show_events(context, *follow); };
    });
}

}  // namespace quorate::ctl
