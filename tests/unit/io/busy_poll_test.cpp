#include "io/busy_poll.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace quorate::io {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Of `sleeps` sleeps, how many were preceded by a look that found nothing.
unsigned looks_in_vain(PollTrust& trust, unsigned sleeps) {
    unsigned looks = 0;
    for (unsigned i = 0; i < sleeps; ++i) {
        if (trust.worth_it()) {
            ++looks;
            trust.saw({});
        }
    }
    return looks;
}

TEST(PollTrust, LooksNowAndThenWhereThatNeverPaid) {
    PollTrust trust;
    EXPECT_EQ(looks_in_vain(trust, 10 * PollTrust::kProbe), 10U);
}

TEST(PollTrust, AFindIsTrustedAtOnceAndALossForgottenSlowly) {
    PollTrust trust;
    trust.saw({1});
    EXPECT_TRUE(trust.worth_it());
    for (unsigned i = 0; i < 100; ++i) {
        trust.saw({1});
    }
    trust.saw({});
    EXPECT_TRUE(trust.worth_it());
    EXPECT_LE(looks_in_vain(trust, PollTrust::kProbe), 4U);
}

// Of `sleeps` sleeps, how many were preceded by a look that had to wait for the processor.
unsigned crowded_looks(PollTrust& trust, unsigned sleeps) {
    unsigned looks = 0;
    for (unsigned i = 0; i < sleeps; ++i) {
        if (trust.worth_it()) {
            ++looks;
            trust.saw({.found = 1, .crowded = true});
        }
    }
    return looks;
}

TEST(PollTrust, LooksRarelyWhereOthersWantTheProcessor) {
    PollTrust trust;
    EXPECT_LE(crowded_looks(trust, 10 * PollTrust::kProbeCrowded), 16U);
    EXPECT_LE(crowded_looks(trust, 10 * PollTrust::kProbeCrowded), 10U);
    // Alone again, one look that pays is enough.
    while (!trust.worth_it()) {
    }
    trust.saw({1});
    EXPECT_TRUE(trust.worth_it());
}

TEST(PollTrust, AnInterruptionOfWhatPaidIsSoonForgotten) {
    PollTrust trust;
    trust.saw({.found = PollTrust::kProbe, .crowded = true});
    EXPECT_FALSE(trust.worth_it());
    EXPECT_EQ(looks_in_vain(trust, PollTrust::kProbe), 1U);
}

class RunBusy : public ::testing::TestWithParam<microseconds> {
protected:
    boost::asio::io_context io_{1};
    BusyPollCounts counts_;
};

TEST_P(RunBusy, RunsEverythingAndReturnsWhenNothingIsLeft) {
    unsigned ran = 0;
    boost::asio::steady_timer timer(io_, milliseconds(5));
    timer.async_wait([&](boost::system::error_code) { ++ran; });
    for (unsigned i = 0; i < 200; ++i) {
        boost::asio::post(io_, [&] { ++ran; });
    }
    run_busy(io_, GetParam(), counts_);
    EXPECT_EQ(ran, 201U);
}

TEST_P(RunBusy, EndsWhenItIsStopped) {
    const auto work = boost::asio::make_work_guard(io_);
    boost::asio::post(io_, [this] { io_.stop(); });
    run_busy(io_, GetParam(), counts_);
    EXPECT_TRUE(io_.stopped());
}

TEST_P(RunBusy, IsWokenByOtherThreads) {
    auto work = boost::asio::make_work_guard(io_);
    std::thread other([&] {
        for (unsigned i = 0; i < 200; ++i) {
            boost::asio::post(io_, [] {});
        }
        boost::asio::post(io_, [&] { work.reset(); });
    });
    run_busy(io_, GetParam(), counts_);
    other.join();
    EXPECT_TRUE(io_.stopped());
}

INSTANTIATE_TEST_SUITE_P(Windows, RunBusy,
                         ::testing::Values(microseconds(0), microseconds(50), microseconds(1000)));

// What answers within the window is found awake: two ends that post to each other.
TEST(BusyPoll, FindsAnAnswerThatComesAtOnce) {
    boost::asio::io_context io(1);
    BusyPollCounts counts;
    boost::asio::io_context peer(1);
    auto peer_works = boost::asio::make_work_guard(peer);
    auto works = boost::asio::make_work_guard(io);
    std::thread other([&] { peer.run(); });
    unsigned left = 20'000;
    std::function<void()> ask = [&] {
        if (--left == 0) {
            works.reset();
            peer_works.reset();
            return;
        }
        boost::asio::post(peer, [&] { boost::asio::post(io, ask); });
    };
    boost::asio::post(io, ask);
    run_busy(io, milliseconds(1000), counts);
    other.join();
    EXPECT_EQ(left, 0U);
    EXPECT_GT(counts.found, 0U);
}

}  // namespace
}  // namespace quorate::io
