#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.hpp"

namespace quorate::io {

class ThreadPool;

// Jobs given to one strand run one at a time, in order, on whichever thread is free. Must outlive
// its jobs.
class Strand {
private:
    friend class ThreadPool;
    struct Job {
        virtual ~Job() = default;
        virtual void run() = 0;
        virtual void finish() = 0;  // hands the result over; the strand may be gone afterwards
    };
    std::deque<std::unique_ptr<Job>> waiting_;
    bool busy_ = false;
};

// A fixed number of threads for what may block or compute: disk and password hashes. Coroutines of
// one io_context hand it jobs and continue on the io_context when they are done.
//
// Thread rule: run() from coroutines of the io_context given at construction. Limit: `queue_max`
// jobs not yet begun; one more fails with Errc::kQueueFull.
class ThreadPool {
public:
    struct Options {
        std::string name = "worker";
        std::size_t threads = 2;
        std::size_t queue_max = 100'000;
    };
    ThreadPool(boost::asio::io_context& io, Options options);
    // Runs what is queued to its end, then joins.
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    // `function` returns a Result; it must not throw, and everything it refers to must live until
    // it is done.
    template <class Function>
    auto run(Function function) -> boost::asio::awaitable<std::invoke_result_t<Function&>> {
        return run_on(nullptr, std::move(function));
    }
    template <class Function>
    auto run(Strand& strand, Function function)
        -> boost::asio::awaitable<std::invoke_result_t<Function&>> {
        return run_on(&strand, std::move(function));
    }

    std::size_t queued() const;
    std::size_t threads() const;

private:
    using Job = Strand::Job;

    template <class Function, class Handler>
    struct JobOf final : Job {
        JobOf(boost::asio::io_context& io_in, Function function_in, Handler handler_in)
            : io(io_in), function(std::move(function_in)), handler(std::move(handler_in)) {}
        void run() override { result.emplace(function()); }
        void finish() override {
            boost::asio::post(io,
                              [done = std::move(handler), value = std::move(*result)]() mutable {
                                  std::move(done)(std::move(value));
                              });
        }

        boost::asio::io_context& io;
        Function function;
        Handler handler;
        std::optional<std::invoke_result_t<Function&>> result;
    };

    template <class Function>
    auto run_on(Strand* strand, Function function)
        -> boost::asio::awaitable<std::invoke_result_t<Function&>> {
        using Outcome = std::invoke_result_t<Function&>;
        if (full()) {
            co_return full_error();
        }
        co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                       void(Outcome)>(
            [this, strand](auto handler, Function work) {
                using Handler = decltype(handler);
                enqueue(strand, std::make_unique<JobOf<Function, Handler>>(io_, std::move(work),
                                                                           std::move(handler)));
            },
            boost::asio::use_awaitable, std::move(function));
    }

    bool full() const;
    static tl::unexpected<Error> full_error();
    void enqueue(Strand* strand, std::unique_ptr<Job> job);

    struct Impl;
    boost::asio::io_context& io_;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::io
