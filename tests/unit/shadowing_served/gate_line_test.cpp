#include "shadowing/served/gate_line.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

const ServedOpener kOpener{{cluster::NodeId(3), cluster::Incarnation(0xa1)}, 0};

TEST(GateLine, EachOrderIsReadAsItWasWritten) {
    const std::vector<std::pair<std::string, GateOrder>> lines{
        {"drop 7 3.00000000000000a1.0000000000000000 42", {GateOrder::Kind::kDrop, 7, kOpener, 42}},
        {"floor 8 43", {GateOrder::Kind::kFloor, 8, {}, 43}},
        {"list 9", {GateOrder::Kind::kList, 9, {}, 0}},
    };
    for (const auto& [line, order] : lines) {
        EXPECT_EQ(encode(order), line);
        EXPECT_EQ(decode_gate_line(line), order) << line;
    }
}

TEST(GateLine, WhatIsNoOrderIsRefused) {
    for (const auto* line :
         {"", "drop", "drop 7", "drop 7 3.a1.0 42", "drop 7 3.00000000000000a1.0000000000000000",
          "floor 8", "floor 8 43 1", "floor x 43", "list", "list 9 1", "listen 9", " list 9"}) {
        EXPECT_EQ(decode_gate_line(line), std::nullopt) << line;
    }
}

}  // namespace
}  // namespace quorate::shadowing
