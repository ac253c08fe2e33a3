#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "replay.hpp"
#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::lockmgr::simulator {
namespace {

template <Scenario (*draw)(Random&)>
std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, draw(random)).run();
}

TEST(Simulation, LocksOfTwoToEightNodesSurviveEverything) {
    const auto failure = sim::run_seeds(1, 400, run<Scenario::draw>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, NodesDrainWhileOthersFall) {
    const auto failure = sim::run_seeds(1, 40, run<Scenario::restless>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, TreesMoveWhoseUserIsDeadAndNobodyKnows) {
    const auto failure = sim::run_seeds(1, 3, run<Scenario::patient>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, TreesAreGivenUpWhileTheirDirectoryFalls) {
    const auto failure = sim::run_seeds(1, 20, run<Scenario::forgetful>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, MastersDieWithWhatTheyHaveGranted) {
    const auto failure = sim::run_seeds(1, 8, run<Scenario::middling>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, ClientsUseEveryOperation) {
    const auto failure = sim::run_seeds(1, 60, run<Scenario::thorough_one>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, UsersKeepToTheirDomains) {
    const auto failure = sim::run_seeds(1, 60, run<Scenario::guarded>);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

// The runs are worth something only if everything happens in them.
TEST(Simulation, TreesMoveAndDeadlocksComeAbout) {
    std::size_t grants = 0;
    std::uint64_t moves = 0;
    std::uint64_t deadlocks = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        World world(seed, Scenario::draw(random));
        ASSERT_EQ(world.run(), "");
        grants += world.grants();
        moves += world.moves();
        deadlocks += world.deadlocks();
    }
    EXPECT_GT(grants, 4000U);
    EXPECT_GT(moves, 5U);
    EXPECT_GT(deadlocks, 20U);
}

TEST(Simulation, OperationsEndInEveryWay) {
    std::map<LockStatus, std::size_t> ended;
    std::size_t altered = 0;
    std::size_t demoted = 0;
    using enum LockStatus;
    const auto all = {kGranted,  kNotQueued, kCancelled,       kDeadlock,
                      kTimedOut, kNoQuorum,  kOrphanOtherMode, kNoOrphan};
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        World world(seed, Scenario::thorough_one(random));
        ASSERT_EQ(world.run(), "");
        altered += world.altered();
        demoted += world.demoted();
        for (const auto status : all) {
            ended[status] += world.ended(status);
        }
    }
    for (const auto status : all) {
        EXPECT_GT(ended[status], 0U) << name_of(status);
    }
    EXPECT_GT(altered, 20U);
    EXPECT_GT(demoted, 2U);
}

TEST(Simulation, UsersAreLetInAndRefused) {
    std::size_t refused = 0;
    std::size_t exists = 0;
    std::size_t granted = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        World world(seed, Scenario::guarded(random));
        ASSERT_EQ(world.run(), "");
        refused += world.ended(LockStatus::kNoRights);
        exists += world.ended(LockStatus::kExists);
        granted += world.ended(LockStatus::kGranted);
    }
    EXPECT_GT(granted, 500U);
    EXPECT_GT(refused, 100U);
    EXPECT_GT(exists, 10U);
}

// What a machine was given tells all that it did.
TEST(Simulation, EveryMachineDoesTheSameAgain) {
    const auto failure = sim::run_seeds(1, 40, [](std::uint64_t seed) {
        Random random(seed);
        World world(seed, Scenario::draw(random));
        world.record();
        return world.run();
    });
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

LockManagerOptions lone() {
    LockManagerOptions options;
    options.self = {NodeId(1), cluster::Incarnation(7)};
    return options;
}

TEST(Replay, ATraceHasItsLimitAndTellsWhatItLost) {
    LockTrace trace(lone(), 256 * 1024);
    LockManager manager(lone());
    std::vector<LockOutput> outputs;
    for (int i = 0; i < 100'000; ++i) {
        outputs.clear();
        manager.step(MonoTime(std::chrono::seconds(1)), Tick{}, outputs);
        trace.record(MonoTime(std::chrono::seconds(1)), Tick{}, outputs);
    }
    EXPECT_GT(trace.dropped(), 0U);
    EXPECT_LT(trace.bytes().size(), 256U * 1024);
    EXPECT_EQ(replay(trace.bytes()), "");
}

// Pieces of any size are the file, whatever is recorded meanwhile; one that was dropped is missed.
TEST(Replay, ATraceInPiecesIsTheSame) {
    LockTrace trace(lone(), 512 * 1024);
    LockManager manager(lone());
    std::vector<LockOutput> outputs;
    const auto run_for = [&](int inputs) {
        for (int i = 0; i < inputs; ++i) {
            outputs.clear();
            manager.step(MonoTime(std::chrono::seconds(1)), Tick{}, outputs);
            trace.record(MonoTime(std::chrono::seconds(1)), Tick{}, outputs);
        }
    };
    run_for(15'000);
    const auto whole = trace.bytes();
    std::string pieces;
    std::optional<LockTrace::Piece> piece;
    std::uint64_t from = 0;
    std::uint64_t end = 0;
    do {
        piece = trace.piece(from, end, 100'000);
        ASSERT_TRUE(piece);
        EXPECT_LT(piece->bytes.size(), 200'000U);
        pieces += piece->bytes;
        from = piece->next;
        end = piece->end;
    } while (from != 0);
    EXPECT_EQ(pieces, whole);
    piece = trace.piece(0, 0, 100'000);
    ASSERT_TRUE(piece);
    run_for(100'000);
    EXPECT_FALSE(trace.piece(piece->next, piece->end, 100'000)) << "dropped meanwhile";
    EXPECT_FALSE(trace.piece(1'000'000, 1'000'001, 100'000));
}

TEST(Replay, WhatWasDoneOtherwiseIsNoticed) {
    LockTrace trace(lone(), 1 << 20);
    const std::vector<LockOutput> never{Drained{}};
    trace.record(MonoTime(std::chrono::seconds(1)), Tick{}, never);
    EXPECT_NE(replay(trace.bytes()), "");
}

TEST(Replay, ADamagedFileIsRefused) {
    LockTrace trace(lone(), 1 << 20);
    trace.record(MonoTime(std::chrono::seconds(1)), Tick{}, {});
    const auto whole = trace.bytes();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ 0x40);
        EXPECT_TRUE(at == 6 || at == 7 || !read_trace(broken)) << at;  // the minor version
    }
}

// A client alone, in a file.
std::string small_trace() {
    LockTrace trace(lone(), 1 << 20);
    LockManager manager(lone());
    std::vector<LockOutput> outputs;
    const auto give = [&](const LockInput& input) {
        outputs.clear();
        manager.step(MonoTime(std::chrono::seconds(1)), input, outputs);
        trace.record(MonoTime(std::chrono::seconds(1)), input, outputs);
    };
    give(ClientOpened{ClientId(1), 4711, 0, {5}, 0});
    Enqueue asks;
    asks.client = ClientId(1);
    asks.request = RequestId(1);
    asks.domain = "d";
    asks.name = "n";
    asks.mode = LockMode::EX;
    asks.deadline = MonoTime(std::chrono::seconds(9));
    give(asks);
    const auto name = ::testing::TempDir() + "quorate_small.trace";
    std::ofstream(name, std::ios::binary) << trace.bytes();
    return name;
}

// QUORATE_REPLAY names files of clusterctl lock trace, with a comma between two.
TEST(Replay, GivenTracesDoTheSameAgain) {
    const char* given = std::getenv("QUORATE_REPLAY");
    const std::string names = given == nullptr ? small_trace() : given;
    for (const auto name : split(names, ',')) {
        std::ifstream file{std::string(name), std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(replay(bytes, std::getenv("QUORATE_SIM_TRACE") != nullptr), "") << name;
    }
}

}  // namespace
}  // namespace quorate::lockmgr::simulator
