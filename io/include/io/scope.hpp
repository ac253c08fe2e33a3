#pragma once

#include <cstddef>
#include <exception>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace quorate::io {

// Children coroutines of one parent. The parent stops taking new ones and waits for those that run;
// destruction with children alive is a bug. Thread rule: io thread.
class Scope {
public:
    explicit Scope(boost::asio::io_context& io) : io_(io), idle_(io) {
        idle_.expires_at(boost::asio::steady_timer::time_point::max());
    }
    ~Scope() { QUORATE_ASSERT(children_ == 0); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    // False, and the child never runs, when the scope is stopping.
    bool spawn(boost::asio::awaitable<void> child) {
        if (stopping_) {
            return false;
        }
        ++children_;
        boost::asio::co_spawn(io_, std::move(child),
                              [this](std::exception_ptr error) { ended(error); });
        return true;
    }

    std::size_t size() const { return children_; }
    bool stopping() const { return stopping_; }
    void stop() { stopping_ = true; }
    // Until all children ended or `limit` passed; true when all ended.
    boost::asio::awaitable<bool> wait(std::chrono::milliseconds limit);

private:
    void ended(std::exception_ptr error);

    boost::asio::io_context& io_;
    boost::asio::steady_timer idle_;
    std::size_t children_ = 0;
    bool stopping_ = false;
};

}  // namespace quorate::io
