#include "io/task.hpp"

#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "io/errc.hpp"
#include "task_internal.hpp"

namespace quorate::io {

namespace asio = boost::asio;

void report_exception(const std::exception_ptr& exception) {
    if (!exception) {
        return;
    }
    try {
        std::rethrow_exception(exception);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) {
            Logger().error("task_failed", "reason", error.what());
        }
    } catch (const std::exception& error) {
        Logger().error("task_failed", "reason", error.what());
    }
}

void spawn(io_context& context, awaitable<void> task) {
    asio::co_spawn(context, std::move(task), report_exception);
}

awaitable<Status> sleep_until(MonoTime when) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, to_steady(when));
    const auto outcome = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (std::get<0>(outcome)) {
        co_return fail(Errc::kCancelled, "sleep");
    }
    co_return Status{};
}

awaitable<void> yield() {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

}  // namespace quorate::io
