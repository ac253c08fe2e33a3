#include "cluster/io/hand.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;

class HandTest : public ::testing::Test {
protected:
    HandTest() {
        std::string pattern = ::testing::TempDir() + "quorate-hand-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        auto started = Hand::start(io_, conf());
        EXPECT_TRUE(started) << started.error().to_string();
        hand_ = std::move(*started);
    }
    ~HandTest() override {
        for (const auto* end : {"", ".old", ".new"}) {
            ::unlink((conf() + end).c_str());
        }
        ::rmdir(folder_.c_str());
    }

    std::string conf() const { return folder_ + "/corosync.conf"; }
    static std::string read(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    template <class Value>
    Value wait(boost::asio::awaitable<Value> task) {
        std::optional<Value> result;
        boost::asio::co_spawn(io_, std::move(task),
                              [&](const std::exception_ptr& error, Value value) {
                                  EXPECT_FALSE(error);
                                  result = std::move(value);
                                  io_.stop();
                              });
        io_.restart();
        io_.run_for(std::chrono::seconds(30));
        return std::move(*result);
    }
    Hand::Outcome run(std::vector<std::string> words, milliseconds timeout = milliseconds(20000)) {
        auto outcome = wait(hand_->run(std::move(words), timeout));
        EXPECT_TRUE(outcome) << outcome.error().to_string();
        return outcome ? *outcome : Hand::Outcome();
    }

    boost::asio::io_context io_{1};
    std::string folder_;
    std::unique_ptr<Hand> hand_;
};

TEST_F(HandTest, ACommandGivesItsOutputAndExitCode) {
    const auto outcome = run({"sh", "-c", "echo out; echo err >&2; exit 3"});
    EXPECT_EQ(outcome.exit_code, 3U);
    EXPECT_EQ(outcome.output, "out\nerr\n");
}

TEST_F(HandTest, WordsReachTheCommandAsTheyAre) {
    EXPECT_EQ(run({"printf", "%s|", "a b", "$HOME", "", "*"}).output, "a b|$HOME||*|");
}

TEST_F(HandTest, ACommandThatDoesNotExistIs127) {
    const auto outcome = run({"no-such-command-here"});
    EXPECT_EQ(outcome.exit_code, 127U);
    EXPECT_EQ(outcome.output, "no-such-command-here: No such file or directory\n");
}

TEST_F(HandTest, ACommandThatASignalEndsIs128AndTheSignal) {
    EXPECT_EQ(run({"sh", "-c", "kill -9 $$"}).exit_code, 137U);
}

TEST_F(HandTest, ACommandThatTakesTooLongEndsWithItsChildren) {
    const auto outcome = run({"sh", "-c", "echo begun; sleep 60 & wait"}, milliseconds(300));
    EXPECT_EQ(outcome.exit_code, 124U);
    EXPECT_EQ(outcome.output, "begun\nended: its time was over\n");
}

TEST_F(HandTest, ACommandThatClosedItsOutputHasItsTimeToo) {
    const auto late = run({"sh", "-c", "exec >&- 2>&-; sleep 60"}, milliseconds(300));
    EXPECT_EQ(late.exit_code, 124U);
    const auto done = run({"sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 3"});
    EXPECT_EQ(done.exit_code, 3U);
    EXPECT_EQ(done.output, "");
}

TEST_F(HandTest, ManyCommandsKeepNoChangeWaiting) {
    constexpr int kMany = 16;
    int ended = 0;
    for (int i = 0; i < kMany; ++i) {
        boost::asio::co_spawn(io_, hand_->run({"sleep", "60"}, milliseconds(2000)),
                              [&](const std::exception_ptr&, const Result<Hand::Outcome>& outcome) {
                                  EXPECT_TRUE(outcome && outcome->exit_code == 124U);
                                  if (++ended == kMany) {
                                      io_.stop();
                                  }
                              });
    }
    io_.poll();
    const auto refused = wait(hand_->run({"true"}, milliseconds(20000)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, std::errc::resource_unavailable_try_again);
    EXPECT_TRUE(wait(hand_->replace_conf("one\n")));
    EXPECT_EQ(ended, 0);
    io_.restart();
    io_.run_for(std::chrono::seconds(30));
    EXPECT_EQ(ended, kMany);
}

TEST_F(HandTest, TooMuchOutputIsCutAndSaidSo) {
    const auto outcome = run({"sh", "-c", "head -c 3000000 /dev/zero"});
    EXPECT_EQ(outcome.exit_code, 0U);
    EXPECT_TRUE(outcome.truncated);
    EXPECT_EQ(outcome.output.size(), 1U << 20);
}

TEST_F(HandTest, AReplacedConfigurationIsReadableForWhomItWas) {
    ASSERT_TRUE(wait(hand_->replace_conf("one\n")));
    ::chmod(conf().c_str(), 0640);
    ASSERT_TRUE(wait(hand_->replace_conf("two\n")));
    struct stat status {};
    ::stat(conf().c_str(), &status);
    EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(HandTest, AReplacedConfigurationKeepsTheOldOne) {
    ASSERT_TRUE(wait(hand_->replace_conf("one\n")));
    EXPECT_EQ(read(conf()), "one\n");
    ASSERT_TRUE(wait(hand_->replace_conf("two\n")));
    EXPECT_EQ(read(conf()), "two\n");
    EXPECT_EQ(read(conf() + ".old"), "one\n");
}

}  // namespace
}  // namespace quorate::cluster
