#pragma once

#include <atomic>
#include <map>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail {

// Where sessions wait until the journal is durable up to what they are about to tell their peers.
//
// Thread rule: publish(), durable() and failed() on any thread; wait() on the io_context's. One
// wake-up of the io_context per flush, however many sessions wait.
class DurableGate {
public:
    explicit DurableGate(boost::asio::io_context& io) : io_(io) {}

    // Returns at once when `lsn` is durable already. Error: store::errc::journal_failed, for ever,
    // once a flush failed.
    boost::asio::awaitable<Status> wait(store::Lsn lsn);

    // The journal is durable up to here; `failed`: and never will be further.
    void publish(store::Lsn durable, bool failed);

    store::Lsn durable() const { return store::Lsn(durable_.load(std::memory_order_acquire)); }
    bool failed() const { return failed_.load(std::memory_order_acquire); }

private:
    // A suspended coroutine, whatever Asio's handler type for it is.
    struct Waiter {
        virtual ~Waiter() = default;
        virtual void resume() = 0;
    };
    template <class Handler>
    struct WaiterOf;

    boost::asio::awaitable<void> suspend(store::Lsn lsn);
    void release();

    boost::asio::io_context& io_;
    std::atomic<std::uint64_t> durable_{0};
    std::atomic<bool> failed_{false};
    std::atomic<bool> release_posted_{false};
    std::multimap<std::uint64_t, std::unique_ptr<Waiter>> waiters_;
};

}  // namespace quorate::mail
