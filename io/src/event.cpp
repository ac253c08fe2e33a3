#include "io/event.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "io/errc.hpp"
#include "task_internal.hpp"

namespace quorate::io {

namespace asio = boost::asio;

// Lives in the frame of wait(), linked into the event while it waits.
struct Event::Waiter {
    Waiter(Event& owner, Deadline deadline)
        : event(&owner),
          timer(owner.context_,
                deadline ? to_steady(*deadline) : asio::steady_timer::time_point::max()),
          next(owner.waiters_) {
        event->waiters_ = this;
    }
    ~Waiter() {
        if (event == nullptr) {
            return;
        }
        auto** link = &event->waiters_;
        while (*link != this) {
            link = &(*link)->next;
        }
        *link = next;
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Event* event;  // null when the event died first
    bool woken = false;
    asio::steady_timer timer;
    Waiter* next;
};

Event::Event(io_context& context) : context_(context) {}

Event::~Event() {
    for (auto* waiter = waiters_; waiter != nullptr; waiter = waiter->next) {
        waiter->event = nullptr;
        waiter->timer.cancel();
    }
}

void Event::set() {
    set_ = true;
    for (auto* waiter = waiters_; waiter != nullptr; waiter = waiter->next) {
        waiter->woken = true;
        waiter->timer.cancel();
    }
}

void Event::reset() { set_ = false; }

bool Event::is_set() const { return set_; }

awaitable<Status> Event::wait(Deadline deadline) {
    if (set_) {
        co_return Status{};
    }
    Waiter waiter(*this, deadline);
    const auto outcome = co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (waiter.woken) {
        co_return Status{};
    }
    if (std::get<0>(outcome)) {
        co_return fail(Errc::kCancelled, "wait for event");
    }
    co_return fail(Errc::kTimedOut, "wait for event");
}

}  // namespace quorate::io
