#pragma once

#include <functional>
#include <map>

#include "lockmgr/lock_manager.hpp"
#include "shadowing/locks/set_lock.hpp"
#include "sim/time.hpp"

namespace quorate::shadowing::simulator {

// The locks of one opener as a client of its node's lock manager: what shadowing/cluster and the
// client library make of them.
class LockPort {
public:
    struct World {
        std::function<void(std::function<lockmgr::LockInput()>)> ask;
        std::function<void(SetInput)> feed;
        std::function<void(sim::Time, std::function<void()>)> later;
    };
    LockPort(lockmgr::ClientId client, Id128 set, World world)
        : client_(client), set_(set), world_(std::move(world)) {}

    void ask(const Lock& lock);
    void hear(const lockmgr::Completion& completion);
    void hear(const lockmgr::BlockingEvent& event);
    // Nothing is held or asked for.
    bool idle() const { return entries_.empty(); }

private:
    struct Entry {
        explicit Entry(LockName name) : machine(name) {}
        SetLock machine;
        lockmgr::LockId lock;
        lockmgr::RequestId request;  // under way
        bool taking = false;         // anew, by that
        ConvertLock asked;           // else
        lockmgr::ValueBlock value{};
        bool value_valid = true;
    };
    void carry(const LockName& name, SetLockOutputs outputs);
    void on(const LockName& name, Entry& entry, const TakeLock& output);
    void on(const LockName& name, Entry& entry, const ConvertLock& output);
    void on(const LockName& name, Entry& entry, const ReleaseLock& output);
    void on(const LockName& name, Entry& entry, const LockRefused& output);
    void on(const LockName& name, Entry& entry, const SetInput& output);

    lockmgr::ClientId client_;
    Id128 set_;
    World world_;
    std::map<LockName, Entry> entries_;
    std::uint64_t next_request_ = 1;
};

}  // namespace quorate::shadowing::simulator
