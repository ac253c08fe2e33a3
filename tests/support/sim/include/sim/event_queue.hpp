#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "sim/time.hpp"

namespace quorate::sim {

// The order of the world. Events of one time happen in the order in which they were added.
class EventQueue {
public:
    using Action = std::function<void()>;

    Time now() const { return now_; }
    bool empty() const { return heap_.empty(); }

    void at(Time time, Action action) {
        heap_.push_back({std::max(time, now_), next_++, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    void after(Time delay, Action action) { at(now_ + delay, std::move(action)); }

    // Lets the first event happen; the queue is not empty.
    void step() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        auto event = std::move(heap_.back());
        heap_.pop_back();
        now_ = event.time;
        event.action();
    }
    void run_until(Time end) {
        while (!heap_.empty() && heap_.front().time <= end) {
            step();
        }
        now_ = end;
    }

private:
    struct Event {
        Time time;
        std::uint64_t number;
        Action action;
    };
    static bool later(const Event& a, const Event& b) {
        return a.time != b.time ? a.time > b.time : a.number > b.number;
    }

    std::vector<Event> heap_;
    Time now_{0};
    std::uint64_t next_ = 0;
};

}  // namespace quorate::sim
