#include <gtest/gtest.h>

#include "models.hpp"

namespace quorate::lockmgr::model {
namespace {

class EveryOrder : public ::testing::TestWithParam<Model> {};

TEST_P(EveryOrder, KeepsTheRules) {
    const auto outcome = Search(GetParam()).run();
    EXPECT_EQ(outcome.breach, "");
    EXPECT_TRUE(outcome.complete) << "more than " << outcome.states << " states";
    EXPECT_EQ(outcome.cut, 0U);
    EXPECT_GT(outcome.ends, 0U);
    fmt::print("{}: {} states, {} steps, {} ends, {} deep\n", GetParam().name, outcome.states,
               outcome.steps, outcome.ends, outcome.depth);
}

INSTANTIATE_TEST_SUITE_P(Lockmgr, EveryOrder, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace quorate::lockmgr::model
