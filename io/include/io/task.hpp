#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "io/time.hpp"

namespace boost::asio {
class io_context;
}

namespace quorate::io {

using boost::asio::awaitable;
using boost::asio::io_context;

// Starts `task` on `context`, owned by nobody: for the few coroutines that live as long as the
// daemon. Everything else belongs to a Scope. An exception that leaves the task is logged as an
// error, except cancellation.
void spawn(io_context& context, awaitable<void> task);

// Waits. kCancelled when the coroutine's scope is cancelled.
awaitable<Status> sleep_until(MonoTime when);

// Lets every other ready coroutine of this thread run once.
awaitable<void> yield();

}  // namespace quorate::io
