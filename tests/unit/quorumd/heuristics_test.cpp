#include "heuristics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEver(60'000);

bool lives(pid_t process) {
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    return stat >> number >> name >> state && state != "Z" && state != "X";
}

TEST(Command, SucceedsByEndingWithZero) {
    const auto end = run_command({"/bin/true"}, kEver);
    EXPECT_TRUE(end.ok);
    EXPECT_EQ(end.text, "exit 0");
}

TEST(Command, FailsOtherwise) {
    EXPECT_EQ(run_command({"/bin/sh", "-c", "exit 3"}, kEver).text, "exit 3");
    EXPECT_EQ(run_command({"/bin/sh", "-c", "kill -9 $$"}, kEver).text, "signal 9");
    const auto end = run_command({"/no/such/program"}, kEver);
    EXPECT_FALSE(end.ok);
    EXPECT_EQ(end.text, "not started: No such file or directory");
}

TEST(Command, ReadsNothing) { EXPECT_TRUE(run_command({"/bin/cat"}, kEver).ok); }

TEST(Command, IsKilledWhenItsTimeIsUpWithWhatItStarted) {
    const auto path = testing::TempDir() + "heuristic." + std::to_string(::getpid());
    const auto end = run_command({"/bin/sh", "-c", "sleep 1000 & echo $! > " + path + "; wait"},
                                 milliseconds(400));
    EXPECT_FALSE(end.ok);
    EXPECT_EQ(end.text, "no answer in 400 ms");
    pid_t grandchild = 0;
    std::ifstream(path) >> grandchild;
    ::unlink(path.c_str());
    // Killed; who reaps it is another matter.
    while (lives(grandchild)) {
        ::usleep(1'000);
    }
}

// Runs until the io_context is stopped from within.
class HeuristicsRun : public testing::Test {
protected:
    ~HeuristicsRun() override {
        heuristics_->stop();
        io_.restart();
        while (scope_.size() > 0 && io_.run_one() > 0) {
        }
    }
    void start(std::vector<Heuristic> all, Heuristics::Run run, std::size_t changes) {
        heuristics_ = std::make_unique<Heuristics>(
            io_, scope_, std::move(all),
            [this, changes](std::uint32_t score) {
                scores_.push_back(score);
                if (scores_.size() == changes) {
                    io_.stop();
                }
            },
            std::move(run));
        heuristics_->start();
        io_.run();
    }
    boost::asio::io_context io_{1};
    io::Scope scope_{io_};
    std::unique_ptr<Heuristics> heuristics_;
    std::vector<std::uint32_t> scores_;
};

Heuristic heuristic(const char* name, std::uint32_t score) {
    return {name, {name}, score, milliseconds(1), milliseconds(10)};
}

TEST_F(HeuristicsRun, AddUpWhatSucceededLast) {
    int runs = 0;
    start(
        {heuristic("/a", 5)},
        [&runs](const auto&, auto) {
            return CommandEnd{++runs % 2 == 1, "said so"};
        },
        3);
    EXPECT_EQ(scores_, (std::vector<std::uint32_t>{5, 0, 5}));
    EXPECT_EQ(heuristics_->rows()[0].last->text, "said so");
    EXPECT_EQ(heuristics_->score(), 5U);
}

TEST_F(HeuristicsRun, OneThatHangsKeepsNeitherTheOthersNorTheVoterWaiting) {
    std::promise<void> released;
    auto until = released.get_future().share();
    start(
        {heuristic("/hangs", 100), heuristic("/works", 2)},
        [until](const std::vector<std::string>& command, auto) {
            if (command.front() == "/hangs") {
                until.wait();
            }
            return CommandEnd{true, "exit 0"};
        },
        1);
    EXPECT_EQ(scores_, (std::vector<std::uint32_t>{2}));
    EXPECT_FALSE(heuristics_->rows()[0].last);
    released.set_value();
}

}  // namespace
}  // namespace quorate::quorum
