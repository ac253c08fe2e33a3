#include "durable_gate.hpp"

#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mail/store/errc.hpp"

namespace quorate::mail {

template <class Handler>
struct DurableGate::WaiterOf final : DurableGate::Waiter {
    explicit WaiterOf(Handler handler_in) : handler(std::move(handler_in)) {}
    void resume() override { std::move(handler)(); }

    Handler handler;
};

boost::asio::awaitable<void> DurableGate::suspend(store::Lsn lsn) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        [this, lsn](auto handler) {
            using Handler = decltype(handler);
            waiters_.emplace(lsn.value(), std::make_unique<WaiterOf<Handler>>(std::move(handler)));
        },
        boost::asio::use_awaitable);
}

boost::asio::awaitable<Status> DurableGate::wait(store::Lsn lsn) {
    if (lsn > durable() && !failed()) {
        co_await suspend(lsn);
    }
    if (lsn > durable()) {
        co_return fail(store::errc::journal_failed, "the journal could not be flushed");
    }
    co_return Status();
}

void DurableGate::publish(store::Lsn durable, bool failed) {
    durable_.store(durable.value(), std::memory_order_release);
    if (failed) {
        failed_.store(true, std::memory_order_release);
    }
    if (!release_posted_.exchange(true)) {
        boost::asio::post(io_, [this] { release(); });
    }
}

void DurableGate::release() {
    release_posted_.store(false);
    const auto end = failed() ? waiters_.end() : waiters_.upper_bound(durable().value());
    // Resumed coroutines may wait again, so what is to be resumed leaves the map first.
    std::multimap<std::uint64_t, std::unique_ptr<Waiter>> ready;
    for (auto it = waiters_.begin(); it != end;) {
        ready.insert(ready.end(), waiters_.extract(it++));
    }
    for (auto& [lsn, waiter] : ready) {
        waiter->resume();
    }
}

}  // namespace quorate::mail
