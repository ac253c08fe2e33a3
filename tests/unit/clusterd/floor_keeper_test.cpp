#include "floor_keeper.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include <gtest/gtest.h>

#include "support/scratch.hpp"

namespace quorate::cluster {
namespace {

Floor floor_of(std::uint64_t epoch) {
    Floor floor;
    floor.epoch = Epoch(epoch);
    return floor;
}

class Keeper : public ::testing::Test {
protected:
    // Writes it, and runs until it is told, 30 s at most.
    std::optional<FloorWritten> write(std::uint64_t epoch) {
        std::optional<FloorWritten> written;
        keeper_.write({floor_of(epoch)}, [&](FloorWritten told) { written = told; });
        run_until([&] { return written.has_value(); });
        return written;
    }
    template <class Condition>
    void run_until(Condition condition) {
        io_.restart();
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < until) {
            io_.run_one_for(std::chrono::milliseconds(100));
            io_.restart();
        }
        io_.poll();
    }

    support::Scratch scratch_;
    boost::asio::io_context io_{1};
    io::Scope scope_{io_};
    io::ThreadPool disk_{io_, {"disk", 1, 100}};
    FloorKeeper keeper_{scope_, disk_, scratch_.path()};
};

TEST_F(Keeper, AtTheFirstStartThereIsNone) {
    const auto floor = keeper_.load_floor();
    ASSERT_TRUE(floor);
    EXPECT_FALSE(*floor);
    EXPECT_FALSE(*keeper_.load_draining());
}

TEST_F(Keeper, WhatIsToldWrittenIsThereAtTheNextStart) {
    const auto written = write(9);
    ASSERT_TRUE(written);
    EXPECT_EQ(written->epoch, Epoch(9));
    const auto floor = keeper_.load_floor();
    ASSERT_TRUE(floor && *floor);
    EXPECT_EQ((*floor)->epoch, Epoch(9));
}

TEST_F(Keeper, ADamagedFloorIsTheOperatorsAndNamed) {
    ASSERT_TRUE(write(9));
    auto bytes = scratch_.read("floor");
    bytes[20] = static_cast<char>(bytes[20] ^ 1);
    scratch_.write("floor", bytes);
    const auto floor = keeper_.load_floor();
    ASSERT_FALSE(floor);
    EXPECT_NE(floor.error().detail.find(scratch_.file("floor")), std::string::npos);
    EXPECT_NE(floor.error().detail.find("restore it"), std::string::npos);
}

TEST_F(Keeper, WhatCannotBeWrittenIsTriedAgainUntilItCan) {
    const auto obstacle = scratch_.file("floor.new");
    ::mkdir(obstacle.c_str(), 0700);
    std::optional<FloorWritten> written;
    keeper_.write({floor_of(9)}, [&](FloorWritten told) { written = told; });
    io_.run_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(written);
    ::rmdir(obstacle.c_str());
    run_until([&] { return written.has_value(); });
    EXPECT_TRUE(written);
}

}  // namespace
}  // namespace quorate::cluster
