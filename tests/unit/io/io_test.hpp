#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "io/errc.hpp"
#include "io/task.hpp"

namespace quorate::io {

// Ends the test's coroutine when `condition` does not hold: gtest's ASSERT_ cannot leave one.
#define QUORATE_CO_ASSERT(condition)             \
    if (!(condition)) {                          \
        ADD_FAILURE() << #condition << " fails"; \
        co_return;                               \
    }

// A test that runs coroutines on an io_context of its own.
class IoTest : public ::testing::Test {
protected:
    static constexpr std::chrono::seconds kTestLimit{60};

    void spawn_test(awaitable<void> task) {
        ++running_;
        boost::asio::co_spawn(context_, std::move(task), [this](const std::exception_ptr& error) {
            EXPECT_FALSE(error) << "a coroutine of the test threw";
            if (--running_ == 0) {
                context_.stop();  // a stream's idle timer may still be pending
            }
        });
    }
    // Until every spawned coroutine has ended.
    void run_all() {
        context_.restart();
        context_.run_for(kTestLimit);
        EXPECT_EQ(running_, 0) << "a coroutine of the test never ended";
    }
    void run(awaitable<void> task) {
        spawn_test(std::move(task));
        run_all();
    }

    io_context context_{1};
    int running_ = 0;
};

// A folder that goes away with the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const;

private:
    std::string folder_;
};

// Writes a fresh self-signed certificate for `name` and its key, as PEM.
void write_certificate(const TemporaryFolder& folder, const std::string& name,
                       const std::string& certificate_file, const std::string& key_file);

}  // namespace quorate::io
