#include "cluster_show.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>

#include <fmt/core.h>
#include <boost/json/serialize.hpp>

#include "cluster_view.hpp"
#include "screen.hpp"
#include "table.hpp"
#include "view_diff.hpp"

namespace quorate::ctl {
namespace {

// A transition that runs while the members are asked one after the other is no disagreement: what
// differs must differ again after this time.
constexpr std::chrono::seconds kSecondLook{1};

constexpr const char* kCluster = "/v1/cluster";

NodeView view_from(const Api& api, const std::string& asking, const std::string& node) {
    NodeView result{node, {}, {}};
    try {
        result.view = api.get(path_on(node == asking ? "" : node, kCluster));
    } catch (const Failure& failure) {
        result.error = failure.what;
    }
    return result;
}

// Every node that some life has been seen of, asked at the same time.
std::vector<NodeView> all_views(const Context& context) {
    const auto own = context.cluster.get(kCluster);
    const auto here = text_of(own, "node");
    std::vector<std::future<NodeView>> asked;
    for (const auto& item : array_of(own, "members")) {
        const auto& member = item.as_object();
        const auto name = text_of(member, "name");
        if (text_of(member, "status") != "absent" || name == here) {
            asked.push_back(std::async(std::launch::async, view_from, context.cluster, here, name));
        }
    }
    std::vector<NodeView> views;
    for (auto& one : asked) {
        views.push_back(one.get());
    }
    return views;
}

struct Comparison {
    std::vector<NodeView> views;
    std::vector<Difference> differences;

    std::size_t answered() const {
        std::size_t count = 0;
        for (const auto& from : views) {
            count += from.view ? 1U : 0U;
        }
        return count;
    }
    bool agree() const { return differences.empty() && answered() == views.size(); }
};

Comparison look(const Context& context) {
    Comparison result{all_views(context), {}};
    result.differences = compare_views(result.views);
    return result;
}

Comparison look_twice(const Context& context) {
    auto result = look(context);
    if (!result.differences.empty()) {
        const auto first = std::move(result.differences);
        Screen::wait(kSecondLook);
        result = look(context);
        std::erase_if(result.differences, [&](const Difference& one) {
            return std::none_of(first.begin(), first.end(), [&](const Difference& before) {
                return before.field == one.field;
            });
        });
    }
    return result;
}

std::string render(const Comparison& comparison) {
    std::string text;
    if (!comparison.differences.empty()) {
        std::vector<std::string> headings{"THE VIEWS DIFFER IN"};
        for (const auto& from : comparison.views) {
            if (from.view) {
                headings.push_back("FROM " + from.node);
            }
        }
        Table table(std::move(headings));
        for (const auto& one : comparison.differences) {
            std::vector<std::string> row{one.field};
            for (const auto& from : comparison.views) {
                if (from.view) {
                    const auto said = one.by_node.find(from.node);
                    row.push_back(said == one.by_node.end() ? "" : said->second);
                }
            }
            table.add(std::move(row));
        }
        text += table.text();
    }
    for (const auto& from : comparison.views) {
        if (!from.view) {
            text += fmt::format("{} gives no view: {}\n", from.node, from.error);
        }
    }
    if (comparison.differences.empty() && comparison.answered() > 0) {
        const auto& any = *std::find_if(comparison.views.begin(), comparison.views.end(),
                                        [](const NodeView& from) { return from.view.has_value(); });
        text += fmt::format("{} of {} views agree: epoch {}, {}, coordinator {}\n",
                            comparison.answered(), comparison.views.size(),
                            number_of(*any.view, "epoch"),
                            flag_of(*any.view, "quorate") ? "quorate" : "NO QUORUM",
                            text_of(*any.view, "coordinator"));
    }
    return text;
}

json::object as_json(const Comparison& comparison) {
    json::object views;
    json::array silent;
    for (const auto& from : comparison.views) {
        if (from.view) {
            views[from.node] = *from.view;
        } else {
            silent.push_back({{"node", from.node}, {"error", from.error}});
        }
    }
    json::array differences;
    for (const auto& one : comparison.differences) {
        json::object values;
        for (const auto& [node, value] : one.by_node) {
            values[node] = value;
        }
        differences.push_back({{"field", one.field}, {"values", std::move(values)}});
    }
    return {{"agree", comparison.agree()},
            {"differences", std::move(differences)},
            {"silent", std::move(silent)},
            {"views", std::move(views)}};
}

struct Shown {
    std::string text;
    json::object answer;
    int exit_code = kOk;
    bool has_time = false;  // in its text
};

Shown look_once(const Context& context, const ShowOptions& options) {
    if (options.diff) {
        const auto comparison = look_twice(context);
        return {render(comparison), as_json(comparison), comparison.agree() ? kOk : kRefused};
    }
    auto view = context.cluster.get(path_on(options.from, kCluster));
    auto text = render_cluster(view);
    return {std::move(text), std::move(view), kOk, /*has_time=*/true};
}

std::string time_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return utc_text(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
}

// For ever: what does not answer may answer again.
[[noreturn]] void watch(const Context& context, const ShowOptions& options) {
    const auto pause = std::chrono::milliseconds(static_cast<int>(options.watch_seconds * 1000));
    Screen screen;
    for (;; Screen::wait(pause)) {
        Shown shown;
        try {
            shown = look_once(context, options);
        } catch (const Failure& failure) {
            shown.text = failure.what + "\n";
            shown.answer = {{"error", failure.what}};
        }
        screen.show(context.json     ? json::serialize(shown.answer) + "\n"
                    : shown.has_time ? shown.text
                                     : time_now() + "  " + shown.text);
    }
}

}  // namespace

std::string path_on(const std::string& node, const std::string& path) {
    return node.empty() ? path : Api::path("/v1/nodes/", node, path.substr(3));
}

int show_cluster(const Context& context, const ShowOptions& options) {
    if (options.diff && !options.from.empty()) {
        throw Failure{kUsage, "--diff asks every member; --from one: choose"};
    }
    if (options.watch) {
        watch(context, options);
    }
    const auto shown = look_once(context, options);
    if (context.json) {
        print_json(shown.answer);
    } else {
        std::printf("%s", shown.text.c_str());
    }
    return shown.exit_code;
}

}  // namespace quorate::ctl
