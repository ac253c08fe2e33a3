#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "lockmgr/lock_manager.hpp"

namespace quorate::bench {

// Lock managers whose time is what their steps take on this machine, as if each had a processor of
// its own: a step that takes 3 ms makes what comes meanwhile wait for it. Messages take kLatency.
class MeasuredCluster {
public:
    using Time = std::chrono::nanoseconds;
    static constexpr Time kLatency{100'000};
    static constexpr lockmgr::ClientId kClient{1};

    // Nodes 1 to `nodes`, in one view, with a client each.
    explicit MeasuredCluster(std::uint32_t nodes);
    ~MeasuredCluster();

    Time now() const { return now_; }
    lockmgr::LockManager& manager(std::uint32_t node) { return *hosts_[node - 1].manager; }
    // Node `lost` is gone; the others hear of it, and that its locks are free, at once.
    void lose(std::uint32_t lost);

    // The time at which its completion came, once it has.
    struct Operation {
        Time asked{0};
        Time done{0};
        lockmgr::LockId lock;
        bool ended() const { return done != Time(0); }
        Time took() const { return done - asked; }
    };
    using Number = std::size_t;
    Number lock(std::uint32_t node, std::string name, lockmgr::LockMode mode, Time when);
    Number convert(std::uint32_t node, lockmgr::LockId lock, lockmgr::LockMode mode, Time when);
    const Operation& operation(Number number) const { return operations_[number]; }
    void forget_operations() { operations_.clear(); }

    // Until nothing is to be done before `end`.
    void run(Time end);
    // What the longest step since took.
    Time longest_step() const { return longest_step_; }
    void forget_steps() { longest_step_ = Time(0); }

private:
    struct Event {
        Time when{0};
        std::uint64_t order = 0;
        std::unique_ptr<lockmgr::LockInput> input;
        std::string text;                           // that the input's views are of
        bool operator<(const Event& other) const {  // the earliest on top
            return when != other.when ? when > other.when : order > other.order;
        }
    };
    struct Host {
        std::unique_ptr<lockmgr::LockManager> manager;
        std::priority_queue<Event> inbox;
        Time free{0};
        bool alive = true;
        Time looked{0};  // what came before has been handled
        Time next() const;
    };

    void push(std::uint32_t node, Time when, lockmgr::LockInput input, std::string text = {});
    void step(std::uint32_t node);
    void carry(std::uint32_t node, lockmgr::LockOutput& output);
    static cluster::View view_of(std::uint64_t epoch, const std::vector<std::uint32_t>& nodes);

    std::vector<Host> hosts_;
    std::vector<Operation> operations_;
    std::vector<lockmgr::LockOutput> out_;
    std::uint64_t pushed_ = 0;
    std::uint64_t epoch_ = 1;
    Time now_{0};
    Time longest_step_{0};
};

}  // namespace quorate::bench
