#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/assert.hpp"
#include "io/errc.hpp"
#include "stream_impl.hpp"
#include "task_internal.hpp"

namespace quorate::io {

namespace asio = boost::asio;

Status Stream::Impl::may_wait(Deadline deadline, bool interruptible) {
    if (closed_) {
        return fail(Errc::kClosed, "stream");
    }
    if (interruptible && interrupted_) {
        interrupted_ = false;
        return fail(Errc::kInterrupted, "stream");
    }
    if (deadline && mono_now() >= *deadline) {
        return fail(Errc::kTimedOut, "stream");
    }
    return {};
}

// The only place where a stream suspends. Asio can cancel the waits of a descriptor only together,
// so each one that is woken by a cancellation looks whether it was meant, and else waits again.
awaitable<Status> Stream::Impl::wait(Side side, Deadline deadline, bool interruptible) {
    auto& mine = waiting_[side];
    QUORATE_ASSERT(!mine.active);
    for (;;) {
        auto allowed = may_wait(deadline, interruptible);
        if (!allowed) {
            co_return allowed;
        }
        mine = {true, interruptible, deadline};
        arm_timer();
        const auto seen = cancels_;
        const auto what = side == kRead ? asio::posix::descriptor_base::wait_read
                                        : asio::posix::descriptor_base::wait_write;
        const auto outcome =
            co_await descriptor_.async_wait(what, asio::as_tuple(asio::use_awaitable));
        mine.active = false;
        const auto& error = std::get<0>(outcome);
        if (!error) {
            co_return Status{};
        }
        if (error != asio::error::operation_aborted) {
            co_return fail(error, "wait for socket");
        }
        if (!closed_ && seen == cancels_) {
            co_return fail(Errc::kCancelled, "stream");
        }
    }
}

void Stream::Impl::cancel_waits() {
    ++cancels_;
    boost::system::error_code ignored;
    descriptor_.cancel(ignored);
}

void Stream::Impl::interrupt() {
    interrupted_ = true;
    if (waiting_[kRead].active && waiting_[kRead].interruptible) {
        cancel_waits();
    }
}

// The timer stays armed when a wait ends early and is moved only towards an earlier time: in a busy
// session nearly no wait touches it.
void Stream::Impl::arm_timer() {
    auto earliest = MonoTime::max();
    for (const auto& side : waiting_) {
        if (side.active && side.deadline && *side.deadline < earliest) {
            earliest = *side.deadline;
        }
    }
    if (earliest >= armed_until_) {
        return;
    }
    armed_until_ = earliest;
    timer_.expires_at(to_steady(earliest));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        if (error) {
            return;  // moved, or the stream is gone
        }
        if (const auto self = weak.lock()) {
            self->on_timer();
        }
    });
}

void Stream::Impl::on_timer() {
    armed_until_ = MonoTime::max();
    const auto now = mono_now();
    for (const auto& side : waiting_) {
        if (side.active && side.deadline && *side.deadline <= now) {
            cancel_waits();  // who is not meant waits again and arms the timer again
            return;
        }
    }
    arm_timer();
}

}  // namespace quorate::io
