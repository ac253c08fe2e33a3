#include <gtest/gtest.h>

#include "models.hpp"
#include "mutation.hpp"

namespace quorate::lockmgr::model {
namespace {

class Mutant : public ::testing::TestWithParam<const char*> {
protected:
    ~Mutant() override { active_mutation = {}; }
};

TEST_P(Mutant, IsCaught) {
    active_mutation = GetParam();
    for (const auto& model : models()) {
        const auto outcome = Search(model).run();
        if (!outcome.breach.empty()) {
            fmt::print("{} after {} states: {}\n", model.name, outcome.states, outcome.breach);
            return;
        }
    }
    FAIL() << "nobody noticed";
}

INSTANTIATE_TEST_SUITE_P(Lockmgr, Mutant,
                         ::testing::Values("release_at_once", "grant_before_takeover",
                                           "assign_before_complete", "forget_unacknowledged",
                                           "claim_nothing", "forget_lost_master",
                                           "move_without_stopping", "repeat_token"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace quorate::lockmgr::model
