#include "io/scope.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace quorate::io {

void Scope::ended(std::exception_ptr error) {
    --children_;
    if (error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& exception) {
            Logger().error("coroutine_failed", "why", exception.what());
        }
    }
    if (children_ == 0) {
        idle_.cancel();
    }
}

boost::asio::awaitable<bool> Scope::wait(std::chrono::milliseconds limit) {
    if (children_ > 0) {
        idle_.expires_after(limit);
        const auto [cancelled] =
            co_await idle_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        static_cast<void>(cancelled);
    }
    co_return children_ == 0;
}

}  // namespace quorate::io
