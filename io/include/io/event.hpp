#pragma once

#include <memory>

#include "io/task.hpp"

namespace quorate::io {

// A condition that coroutines of one thread wait for. Once set it stays set until reset(). Not
// thread-safe: set it from the context's thread.
class Event {
public:
    explicit Event(io_context& context);
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void set();
    void reset();
    bool is_set() const;
    // Any number of coroutines may wait; all are woken. kTimedOut, kCancelled.
    awaitable<Status> wait(Deadline deadline = {});

private:
    struct Waiter;
    io_context& context_;
    bool set_ = false;
    Waiter* waiters_ = nullptr;
};

}  // namespace quorate::io
