#pragma once

#include <vector>

#include <fmt/core.h>

#include "search.hpp"
#include "sim/seeds.hpp"

namespace quorate::lockmgr::model {

// What is searched; n1 is the directory. Moves have more states than a test has time for: of those
// the first 1,500,000; all of them with QUORATE_MODEL_SIZE=2. With 3 all clients act at any time.
// Both take hours.
inline std::vector<Model> models() {
    using enum LockMode;
    const auto size = sim::number_from_environment("QUORATE_MODEL_SIZE", 1);
    std::vector<Model> all;
    const auto add = [&](std::string_view name, std::array<std::size_t, kNodes> locks, bool prompt,
                         bool moves) {
        for (std::size_t lost = 0; lost < kNodes; ++lost) {
            auto& model = all.emplace_back();
            model.name = fmt::format("{}WithoutN{}", name, lost + 1);
            model.modes = {{{EX, PR}, {PR, EX}, {PR, CR}}};
            model.locks = locks;
            model.may_crash[lost] = true;
            model.prompt = prompt;
            if (moves) {
                model.may_drain = {true, true, true};
                model.lane_max = 6;
                model.whole = size > 1;
                model.states_max = size == 1 ? 1'500'000 : model.states_max;
            }
        }
    };
    add("AtAnyTime", {1, 1, size == 1 ? 1U : 2U}, false, false);
    add("Moving", {1, 1, 1}, size < 3, true);
    add("TwoLocksEach", {2, 2, 2}, size < 3, false);
    return all;
}

}  // namespace quorate::lockmgr::model
