#include <ostream>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "mutation.hpp"
#include "simulation.hpp"

// The simulator must notice when a rule of the store is broken: each of these breaks one.
namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kSeedsMax = 600;

struct Fault {
    const char* name;
    std::uint64_t seed;  // tried first: it showed the fault once; the others follow
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class Mutation : public ::testing::TestWithParam<Fault> {};

TEST_P(Mutation, IsNoticed) {
    Logger::set_sink([](LogLevel, std::string_view) {});
    active_mutation = GetParam().name;
    std::uint64_t seed = GetParam().seed;
    auto problem = Simulation(seed).run();
    for (std::uint64_t next = 1; problem.empty() && next <= kSeedsMax; ++next) {
        seed = next;
        problem = Simulation(seed).run();
    }
    active_mutation = {};
    EXPECT_NE(problem, "") << "not noticed in " << kSeedsMax << " seeds";
    fmt::print("seed {}: {}\n", seed, problem);
}

INSTANTIATE_TEST_SUITE_P(
    Store, Mutation,
    ::testing::Values(Fault{"flush_skipped", 2}, Fault{"failed_flush_published", 6},
                      Fault{"segments_flushed_out_of_order", 3},
                      Fault{"segment_not_allocated", 353}, Fault{"checksum_ignored", 8},
                      Fault{"recovered_tail_not_flushed", 204},
                      Fault{"last_group_not_rewritten", 215}, Fault{"commit_before_durable", 193},
                      Fault{"applied_lsn_ignored", 13}, Fault{"database_before_its_record", 159},
                      Fault{"database_not_remade", 5}, Fault{"checkpoint_not_flushed", 1},
                      Fault{"doubt_forgotten", 1490}, Fault{"super_one_copy", 167},
                      Fault{"large_body_name_not_flushed", 2}, Fault{"compaction_not_awaited", 23},
                      Fault{"redo_segments_compacted", 22}, Fault{"move_not_recorded", 2},
                      Fault{"purged_under_a_view", 1}, Fault{"uid_next_falls", 1}),
    [](const auto& mutation) { return std::string(mutation.param.name); });

}  // namespace
}  // namespace quorate::mail::store
