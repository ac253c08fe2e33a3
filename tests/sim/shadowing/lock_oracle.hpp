#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "disk_model.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing::simulator {

// A lock manager that is always right: NL, CR, PW and EX, queues in order, a value per resource
// that is lost with the last lock and invalid when its writer dies.
class LockOracle {
public:
    using Tell = std::function<void(Opener, const LockName&, SetInput)>;
    explicit LockOracle(Tell tell) : tell_(std::move(tell)) {}

    void request(Opener opener, const Lock& lock);
    // Everything it held is released.
    void died(Opener opener);
    // What it holds or waits for, for the reader of a trace.
    std::string held_by(Opener opener) const;
    bool holds(Opener opener, LockName name, Hold hold) const;

private:
    struct Waiter {
        Opener opener = 0;
        Hold hold = Hold::kNone;
    };
    struct Resource {
        std::map<Opener, Hold> holders;
        std::deque<Waiter> queue;
        ValueState state = ValueState::kFresh;
        WitnessWord value;
    };
    static bool compatible(Hold a, Hold b);
    static bool grantable(const Resource& resource, const Waiter& waiter);
    void grant(const LockName& name, Resource& resource, const Waiter& waiter);
    void work(const LockName& name);

    Tell tell_;
    std::map<LockName, Resource> resources_;
};

}  // namespace quorate::shadowing::simulator
