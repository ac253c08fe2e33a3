#include "plan.hpp"

#include <cstdio>

#include <fmt/core.h>
#include <boost/json/array.hpp>

namespace quorate::ctl {

void Plan::carry_out(const Context& context) const {
    if (!context.json) {
        std::printf("%s:\n", title_.c_str());
        for (const auto& step : steps_) {
            std::printf("  %s\n", step.what.c_str());
        }
        std::fflush(stdout);
    }
    confirm(context, "do this");
    for (auto step = steps_.begin(); step != steps_.end(); ++step) {
        try {
            step->act();
        } catch (const Failure& failure) {
            auto text = fmt::format("{}: {}", step->what, failure.what);
            for (auto other = steps_.begin(); other != steps_.end(); ++other) {
                text +=
                    fmt::format("\n  {}: {}", other < step ? "done    " : "not done", other->what);
            }
            throw Failure{failure.exit_code, text};
        }
    }
}

json::array Plan::as_json() const {
    json::array all;
    for (const auto& step : steps_) {
        all.emplace_back(step.what);
    }
    return all;
}

}  // namespace quorate::ctl
