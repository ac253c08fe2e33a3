#include <gtest/gtest.h>

#include "models.hpp"

namespace quorate::lockmgr::model {
namespace {

class EveryOrder : public ::testing::TestWithParam<Model> {};

TEST_P(EveryOrder, KeepsTheRules) {
    const auto outcome = Search(GetParam()).run();
    EXPECT_EQ(outcome.breach, "");
    EXPECT_TRUE(outcome.complete) << "more than " << outcome.states << " states";
    EXPECT_TRUE(outcome.cut == 0 || GetParam().may_be_cut) << outcome.cut << " ways are cut";
    EXPECT_GT(outcome.ends, 0U);
    fmt::print("{}: {} states, {} steps, {} ends, {} deep, {} cut\n", GetParam().name,
               outcome.states, outcome.steps, outcome.ends, outcome.depth, outcome.cut);
}

INSTANTIATE_TEST_SUITE_P(Lockmgr, EveryOrder, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace quorate::lockmgr::model
