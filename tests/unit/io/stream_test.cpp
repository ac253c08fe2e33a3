#include "io/stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "io/busy_poll.hpp"
#include "io_test.hpp"

namespace quorate::io {
namespace {

using std::chrono::milliseconds;

class StreamTest : public IoTest {
protected:
    void SetUp() override {
        auto pair = Stream::pair(context_);
        ASSERT_TRUE(pair);
        left_.emplace(std::move(pair->first));
        right_.emplace(std::move(pair->second));
    }

    // Reads until the end of the stream or `limit` bytes.
    static awaitable<std::string> read_all(Stream& stream, std::size_t limit = SIZE_MAX) {
        std::string all;
        std::array<char, 4096> buffer;
        while (all.size() < limit) {
            const auto got = co_await stream.read_some(buffer);
            if (!got || *got == 0) {
                break;
            }
            all.append(buffer.data(), *got);
        }
        co_return all;
    }

    awaitable<void> write_then_close(std::string bytes) {
        const auto sent = co_await left_->write(bytes);
        EXPECT_TRUE(sent);
        left_->close();
    }

    std::optional<Stream> left_;
    std::optional<Stream> right_;
};

TEST_F(StreamTest, CarriesBytesAndReportsTheEndAsZero) {
    auto body = [this]() -> awaitable<void> {
        const auto sent = co_await left_->write("hello");
        EXPECT_TRUE(sent);
        left_->close();
        std::array<char, 16> buffer;
        const auto first = co_await right_->read_some(buffer);
        QUORATE_CO_ASSERT(first);
        EXPECT_EQ(std::string_view(buffer.data(), *first), "hello");
        const auto second = co_await right_->read_some(buffer);
        QUORATE_CO_ASSERT(second);
        EXPECT_EQ(*second, 0U);
    };
    run(body());
}

TEST_F(StreamTest, WritesEverythingThoughTheKernelTakesItInParts) {
    const std::string big(8 << 20, 'x');
    spawn_test(write_then_close(big));
    std::string got;
    auto reader = [&]() -> awaitable<void> { got = co_await read_all(*right_); };
    run(reader());
    EXPECT_EQ(got.size(), big.size());
    EXPECT_TRUE(got == big);
}

TEST_F(StreamTest, WhatGoesOutAtOnceIsToldAndTheRestFollows) {
    std::string big(8 << 20, 'x');
    big.back() = 'y';
    const auto first = left_->write_now(big);
    ASSERT_TRUE(first);
    EXPECT_GT(*first, 0U);
    EXPECT_LT(*first, big.size());
    const auto more = left_->write_now(std::string_view(big).substr(*first));
    ASSERT_TRUE(more);
    EXPECT_EQ(*more, 0U) << "the kernel is full";
    spawn_test(write_then_close(big.substr(*first)));
    std::string got;
    auto reader = [&]() -> awaitable<void> { got = co_await read_all(*right_); };
    run(reader());
    EXPECT_TRUE(got == big);
    EXPECT_EQ(left_->write_now("x").error().code, Errc::kClosed);
}

TEST_F(StreamTest, LooksForWhatComesSoonWhereThatHasPaid) {
    std::array<char, 16> buffer;
    unsigned nothing = 0;
    // It has not paid yet: it is tried now and then.
    EXPECT_TRUE(left_->write_now("a"));
    while (auto got = right_->read_soon(buffer)) {
        if (*got) {
            EXPECT_EQ(std::string_view(buffer.data(), **got), "a");
            break;
        }
        ++nothing;
    }
    EXPECT_GT(nothing, 0U);
    EXPECT_LT(nothing, PollTrust::kProbe);
    left_->close();
    std::optional<std::size_t> end;
    while (!end) {
        const auto got = right_->read_soon(buffer);
        ASSERT_TRUE(got);
        end = *got;
    }
    EXPECT_EQ(end, 0U);
    right_->close();
    EXPECT_EQ(right_->read_soon(buffer).error().code, Errc::kClosed);
}

TEST_F(StreamTest, WaitsForReadabilityWithoutABuffer) {
    auto waiter = [this]() -> awaitable<void> {
        const auto ready = co_await right_->wait_readable();
        EXPECT_TRUE(ready);
        std::array<char, 2> buffer;
        auto got = co_await right_->read_some(buffer);
        QUORATE_CO_ASSERT(got);
        EXPECT_EQ(*got, 2U);
        // More bytes than the buffer took: no waiting.
        const auto again = co_await right_->wait_readable(mono_now());
        EXPECT_TRUE(again);
        got = co_await right_->read_some(buffer);
        QUORATE_CO_ASSERT(got);
        EXPECT_EQ(*got, 1U);
    };
    auto writer = [this]() -> awaitable<void> {
        const auto slept = co_await sleep_until(mono_now() + milliseconds(20));
        EXPECT_TRUE(slept);
        const auto sent = co_await left_->write("abc");
        EXPECT_TRUE(sent);
    };
    spawn_test(waiter());
    run(writer());
}

TEST_F(StreamTest, AReadPastItsDeadlineTimesOutAndTheStreamStaysUsable) {
    auto body = [this]() -> awaitable<void> {
        std::array<char, 16> buffer;
        const auto started = mono_now();
        const auto late = co_await right_->read_some(buffer, after(milliseconds(50)));
        QUORATE_CO_ASSERT(!late);
        EXPECT_EQ(late.error().code, Errc::kTimedOut);
        EXPECT_GE(mono_now() - started, milliseconds(50));
        EXPECT_LT(mono_now() - started, milliseconds(2000));
        const auto sent = co_await left_->write("x");
        EXPECT_TRUE(sent);
        const auto got = co_await right_->read_some(buffer, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(got);
        EXPECT_EQ(*got, 1U);
    };
    run(body());
}

TEST_F(StreamTest, AnEarlierDeadlineAfterALaterOneIsKept) {
    auto body = [this]() -> awaitable<void> {
        std::array<char, 16> buffer;
        const auto sent = co_await left_->write("x");
        EXPECT_TRUE(sent);
        // Arms nothing or a far timer; the next wait wants an early one.
        auto got = co_await right_->read_some(buffer, after(std::chrono::hours(1)));
        EXPECT_TRUE(got);
        const auto started = mono_now();
        const auto late = co_await right_->wait_readable(after(milliseconds(30)));
        QUORATE_CO_ASSERT(!late);
        EXPECT_EQ(late.error().code, Errc::kTimedOut);
        // And a later one after an early one does not end early.
        const auto second = co_await right_->wait_readable(after(milliseconds(60)));
        QUORATE_CO_ASSERT(!second);
        EXPECT_GE(mono_now() - started, milliseconds(90));
    };
    run(body());
}

TEST_F(StreamTest, ATimedOutReadDoesNotDisturbAPendingWrite) {
    const std::string big(4 << 20, 'y');
    bool written = false;
    auto writer = [&]() -> awaitable<void> {
        const auto sent = co_await right_->write(big, after(milliseconds(20000)));
        EXPECT_TRUE(sent);
        written = true;
        right_->close();
    };
    auto body = [&]() -> awaitable<void> {
        std::array<char, 16> buffer;
        const auto late = co_await right_->read_some(buffer, after(milliseconds(30)));
        EXPECT_FALSE(late);
        EXPECT_FALSE(written);
        const auto all = co_await read_all(*left_);
        EXPECT_EQ(all.size(), big.size());
    };
    spawn_test(writer());
    run(body());
    EXPECT_TRUE(written);
}

TEST_F(StreamTest, AWriteToAPeerThatDoesNotReadTimesOut) {
    auto body = [this]() -> awaitable<void> {
        const std::string big(16 << 20, 'z');
        const auto sent = co_await left_->write(big, after(milliseconds(50)));
        QUORATE_CO_ASSERT(!sent);
        EXPECT_EQ(sent.error().code, Errc::kTimedOut);
    };
    run(body());
}

TEST_F(StreamTest, AnInterruptWakesWaitReadableOnceAndIsRemembered) {
    auto body = [this]() -> awaitable<void> {
        const auto first = co_await right_->wait_readable();
        QUORATE_CO_ASSERT(!first);
        EXPECT_EQ(first.error().code, Errc::kInterrupted);
        right_->interrupt();  // nobody waits: the next wait sees it
        const auto second = co_await right_->wait_readable();
        QUORATE_CO_ASSERT(!second);
        EXPECT_EQ(second.error().code, Errc::kInterrupted);
        const auto third = co_await right_->wait_readable(after(milliseconds(20)));
        QUORATE_CO_ASSERT(!third);
        EXPECT_EQ(third.error().code, Errc::kTimedOut);
    };
    auto waker = [this]() -> awaitable<void> {
        const auto slept = co_await sleep_until(mono_now() + milliseconds(20));
        EXPECT_TRUE(slept);
        right_->interrupt();
    };
    spawn_test(body());
    run(waker());
}

TEST_F(StreamTest, CloseWakesAPendingRead) {
    auto body = [this]() -> awaitable<void> {
        std::array<char, 16> buffer;
        const auto got = co_await right_->read_some(buffer);
        QUORATE_CO_ASSERT(!got);
        EXPECT_EQ(got.error().code, Errc::kClosed);
    };
    auto closer = [this]() -> awaitable<void> {
        co_await yield();
        right_->close();
        right_->close();
    };
    spawn_test(body());
    run(closer());
}

TEST_F(StreamTest, WritingToAClosedPeerIsAnErrorAndNoSignal) {
    const auto previous = std::signal(SIGPIPE, SIG_DFL);
    auto body = [this]() -> awaitable<void> {
        right_->close();
        const auto sent = co_await left_->write("x");
        QUORATE_CO_ASSERT(!sent);
        EXPECT_EQ(sent.error().code, std::errc::broken_pipe);
    };
    run(body());
    std::signal(SIGPIPE, previous);
}

TEST_F(StreamTest, UnreadBytesComeFirst) {
    auto body = [this]() -> awaitable<void> {
        const auto sent = co_await left_->write("tail");
        EXPECT_TRUE(sent);
        right_->unread("head ");
        const auto ready = co_await right_->wait_readable(mono_now());
        EXPECT_TRUE(ready);
        const auto all = co_await read_all(*right_, 9);
        EXPECT_EQ(all, "head tail");
    };
    run(body());
}

TEST_F(StreamTest, ShutdownSendsTheLastWordsAndWaitsForThePeer) {
    auto server = [this]() -> awaitable<void> {
        const auto sent = co_await left_->write("bye");
        EXPECT_TRUE(sent);
        co_await left_->shutdown(after(milliseconds(5000)));
        EXPECT_FALSE(left_->is_open());
    };
    auto client = [this]() -> awaitable<void> {
        const auto sent = co_await right_->write("pipelined and never answered");
        EXPECT_TRUE(sent);
        const auto all = co_await read_all(*right_);
        EXPECT_EQ(all, "bye");
        EXPECT_TRUE(left_->is_open());
        right_->close();
    };
    spawn_test(server());
    run(client());
}

TEST_F(StreamTest, ShutdownEndsAtItsDeadline) {
    auto body = [this]() -> awaitable<void> {
        co_await left_->shutdown(after(milliseconds(30)));
        EXPECT_FALSE(left_->is_open());
    };
    run(body());
}

TEST_F(StreamTest, KnowsTheProcessAtTheOtherEnd) {
    const auto who = left_->peer_credentials();
    ASSERT_TRUE(who);
    EXPECT_EQ(who->pid, getpid());
    EXPECT_EQ(who->uid, getuid());
    EXPECT_EQ(left_->peer().kind, Address::Kind::kUnix);
    EXPECT_TRUE(left_->peer().loopback());
}

TEST_F(StreamTest, ConnectingToNobodyIsRefused) {
    auto body = [this]() -> awaitable<void> {
        auto nobody = Address::parse("127.0.0.1:1");
        auto stream = co_await Stream::connect(context_, *nobody, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(!stream);
        EXPECT_EQ(stream.error().code, std::errc::connection_refused);
        EXPECT_NE(stream.error().detail.find("127.0.0.1:1"), std::string::npos);
    };
    run(body());
}

}  // namespace
}  // namespace quorate::io
