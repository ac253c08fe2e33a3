#pragma once

#include <string>
#include <tuple>

#include <fmt/core.h>

#include "node.hpp"

namespace quorate::lockmgr::testing {

// Two nodes, each with client 1, and what goes between them. The first one does little in a step.
class Pair : public ::testing::Test {
protected:
    static constexpr std::uint32_t kRoots = 40;
    static constexpr std::uint32_t kInOneStep = 4;
    static constexpr cluster::MemberId kSecond{NodeId(2), cluster::Incarnation(200)};

    static std::string name(std::uint32_t root) { return fmt::format("root{}", root); }
    void exchange() {
        for (bool said = true; said;) {
            said = false;
            for (auto [from, to, number] :
                 {std::tuple(&first, &second, 1U), {&second, &first, 2U}}) {
                for (const auto& output : from->taken()) {
                    if (const auto* send = std::get_if<Send>(&output)) {
                        to->give(Received{NodeId(number), send->bytes});
                        said = true;
                    }
                }
            }
        }
    }
    static bool has_work(Node& node) {
        const auto due = node.manager().deadline();
        return due && *due <= node.now();
    }
    void settle() {
        exchange();
        while (has_work(first) || has_work(second)) {
            first.give(Tick{});
            second.give(Tick{});
            exchange();
        }
    }
    void view(std::uint64_t epoch, const std::vector<std::uint32_t>& nodes) {
        first.give(cluster::ViewCommitted{view_of(epoch, nodes)});
        second.give(cluster::ViewCommitted{view_of(epoch, nodes)});
    }

    Node first{1, kInOneStep};
    Node second{2};
};

}  // namespace quorate::lockmgr::testing
