#pragma once

#include <vector>

#include <fmt/core.h>

#include "search.hpp"
#include "sim/seeds.hpp"

namespace quorate::lockmgr::model {

// What is searched; n1 is the directory. Clients act at any time. With QUORATE_MODEL_SIZE=2 also
// two locks on each node, and moves where the directory has two; with 3 moves where others have
// (README.md).
inline std::vector<Model> models() {
    using enum LockMode;
    const auto size = sim::number_from_environment("QUORATE_MODEL_SIZE", 1);
    std::vector<Model> all;
    const auto add = [&](std::string_view name, std::array<std::size_t, kNodes> locks, bool moves) {
        for (std::size_t lost = 0; lost < kNodes; ++lost) {
            auto& model = all.emplace_back();
            model.name = fmt::format("{}WithoutN{}", name, lost + 1);
            model.modes = {{{EX, PR}, {PR, EX}, {PR, CR}}};
            model.locks = locks;
            model.may_crash[lost] = true;
            model.may_drain = {moves, moves, moves};
            model.may_be_cut = moves;
            model.compare = locks == std::array<std::size_t, kNodes>{1, 1, 1};
        }
    };
    add("ALockEach", {1, 1, 1}, false);
    add("ALockEachMoving", {1, 1, 1}, true);
    add("TwoLocksOnN1", {2, 1, 1}, false);
    add("TwoLocksOnN2", {1, 2, 1}, false);
    add("TwoLocksOnN3", {1, 1, 2}, false);
    if (size > 1) {
        add("TwoLocksEach", {2, 2, 2}, false);
        add("TwoLocksOnN1Moving", {2, 1, 1}, true);
    }
    if (size > 2) {
        add("TwoLocksOnN2Moving", {1, 2, 1}, true);
        add("TwoLocksOnN3Moving", {1, 1, 2}, true);
        add("TwoLocksEachMoving", {2, 2, 2}, true);
    }
    return all;
}

}  // namespace quorate::lockmgr::model
