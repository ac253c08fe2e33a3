#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::lockmgr::simulator {
namespace {

using sim::Mutation;

constexpr std::uint64_t kSeedsAtMost = 1'000;

// The seeds are those of the README.md of tests/sim/lockmgr.
using Draw = Scenario (*)(Random&);

template <Draw draw>
class MutantIn : public ::testing::TestWithParam<Mutation> {
protected:
    static std::string run(std::uint64_t seed) {
        Random random(seed);
        return World(seed, draw(random)).run();
    }
    static void expect_caught() {
        sim::expect_caught(active_mutation, GetParam(), kSeedsAtMost, run);
    }
};

using Mutant = MutantIn<Scenario::draw>;
using RestlessMutant = MutantIn<Scenario::restless>;
using PatientMutant = MutantIn<Scenario::patient>;
using ForgetfulMutant = MutantIn<Scenario::forgetful>;
using MiddlingMutant = MutantIn<Scenario::middling>;

TEST_P(Mutant, IsCaught) { expect_caught(); }
TEST_P(RestlessMutant, IsCaught) { expect_caught(); }
TEST_P(PatientMutant, IsCaught) { expect_caught(); }
TEST_P(ForgetfulMutant, IsCaught) { expect_caught(); }
TEST_P(MiddlingMutant, IsCaught) { expect_caught(); }

INSTANTIATE_TEST_SUITE_P(
    Lockmgr, Mutant,
    ::testing::Values(Mutation{"overtake_waiting", 3}, Mutation{"grant_any_waiter", 1},
                      Mutation{"quecvt_overtakes", 6}, Mutation{"repeat_token", 1},
                      Mutation{"grant_before_takeover", 1}, Mutation{"release_at_once", 1},
                      Mutation{"keep_value_valid", 49}, Mutation{"trust_old_value", 10},
                      Mutation{"lose_order", 3}, Mutation{"claim_nothing", 5},
                      Mutation{"forget_lost_master", 5}, Mutation{"assign_before_complete", 41},
                      Mutation{"assign_unproved", 9}, Mutation{"count_early", 572},
                      Mutation{"move_without_stopping", 57}, Mutation{"forget_unacknowledged", 1},
                      Mutation{"quorum_loss_ignored", 939}, Mutation{"no_blocking_event", 2},
                      Mutation{"notice_lease_late", 117}, Mutation{"kill_unconfirmed", 355},
                      Mutation{"kill_oldest", 1}, Mutation{"ignore_conversion_deadlock", 5},
                      Mutation{"assign_what_moves", 1623}, Mutation{"refuse_undecided", 8552},
                      Mutation{"believe_giver", 14944}, Mutation{"repeat_number", 15636}),
    sim::name_of);

INSTANTIATE_TEST_SUITE_P(Lockmgr, RestlessMutant, ::testing::Values(Mutation{"ask_once", 1409}),
                         sim::name_of);

INSTANTIATE_TEST_SUITE_P(Lockmgr, PatientMutant, ::testing::Values(Mutation{"stop_for_ever", 17}),
                         sim::name_of);

INSTANTIATE_TEST_SUITE_P(Lockmgr, ForgetfulMutant,
                         ::testing::Values(Mutation{"keep_stale_entry", 260}), sim::name_of);

INSTANTIATE_TEST_SUITE_P(Lockmgr, MiddlingMutant,
                         ::testing::Values(Mutation{"doubt_nothing", 88},
                                           Mutation{"cancel_undecided", 181}),
                         sim::name_of);

}  // namespace
}  // namespace quorate::lockmgr::simulator
