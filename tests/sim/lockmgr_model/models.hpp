#pragma once

#include <span>
#include <vector>

#include <fmt/core.h>

#include "search.hpp"
#include "sim/seeds.hpp"

namespace quorate::lockmgr::model {

// What is searched; n1 is the directory. Moves with a lock on each node have more states than
// anybody has time for: of those the first 1,500,000. With QUORATE_MODEL_SIZE=2 moves where two of
// the nodes have a lock, and clients that act at any time of which one has two locks, or two have
// two each: minutes; with 3 all moves, and two locks on each of three nodes at any time.
inline std::vector<Model> models() {
    using enum LockMode;
    const auto size = sim::number_from_environment("QUORATE_MODEL_SIZE", 1);
    std::vector<Model> all;
    const auto add = [&](std::string_view name, std::array<std::size_t, kNodes> locks, bool prompt,
                         bool moves) -> std::span<Model> {
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
            }
        }
        return std::span(all).last(kNodes);
    };
    add("AtAnyTime", {1, 1, 1}, false, false);
    for (auto& model : add("Moving", {1, 1, 1}, true, true)) {
        model.whole = size > 2;
        model.states_max = size < 3 ? 1'500'000 : model.states_max;
    }
    add("TwoLocksEach", {2, 2, 2}, true, false);
    if (size > 1) {
        add("MovingFromTheDirectory", {1, 1, 0}, true, true);
        add("MovingElsewhere", {0, 1, 1}, true, true);
        add("TwoLocksOnN1AtAnyTime", {2, 1, 1}, false, false);
        add("TwoLocksOnN2AtAnyTime", {1, 2, 1}, false, false);
        add("TwoLocksOnN3AtAnyTime", {1, 1, 2}, false, false);
        add("TwoLocksOffN1AtAnyTime", {0, 2, 2}, false, false);
        add("TwoLocksOffN2AtAnyTime", {2, 0, 2}, false, false);
        add("TwoLocksOffN3AtAnyTime", {2, 2, 0}, false, false);
    }
    if (size > 2) {
        add("TwoLocksEachAtAnyTime", {2, 2, 2}, false, false);
    }
    return all;
}

}  // namespace quorate::lockmgr::model
