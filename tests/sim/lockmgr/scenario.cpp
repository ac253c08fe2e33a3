#include "world.hpp"

// What a run is made of: the usual worlds, and some in which seldom things are frequent.
namespace quorate::lockmgr::simulator {

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = 2 + random.below(random.one_in(4) ? 6 : 3);
    scenario.clients = 1 + random.below(3);
    scenario.roots = 1 + random.below(5);
    const bool alike = random.one_in(2);
    for (std::size_t i = 0; i < scenario.nodes; ++i) {
        scenario.weights.push_back(alike ? 1U : static_cast<std::uint32_t>(random.below(4)));
    }
    scenario.faults = !random.one_in(6);
    scenario.sublocks = random.one_in(2);
    scenario.drains = random.one_in(4);
    scenario.pace = milliseconds(2 + random.below(random.one_in(3) ? 12 : 60));
    scenario.fault_pause = milliseconds(30 + random.below(600));
    if (random.one_in(8)) {
        scenario.local = true;
        scenario.roots = scenario.nodes + 1;
        scenario.busy = seconds(9);
        scenario.pace = milliseconds(8);
        scenario.fault_pause = milliseconds(3000);
    }
    scenario.idle = milliseconds(random.one_in(2) ? 20 : 400);
    scenario.recovery_trees = random.one_in(2) ? 1 : 256;
    scenario.freezes = random.one_in(3);
    scenario.detection = milliseconds(random.one_in(3) ? 2000 : 300);
    return scenario;
}

Scenario Scenario::restless(Random& random) {
    auto scenario = draw(random);
    scenario.nodes = 3 + random.below(3);
    scenario.weights.assign(scenario.nodes, 1);
    scenario.faults = true;
    scenario.local = false;
    scenario.roots = 4;
    scenario.clients = 3;
    scenario.drains = true;
    scenario.busy = seconds(6);
    scenario.pace = milliseconds(6 + random.below(30));
    scenario.fault_pause = milliseconds(100 + random.below(500));
    scenario.idle = milliseconds(20);
    scenario.detection = milliseconds(2000);
    return scenario;
}

Scenario Scenario::patient(Random& random) {
    auto scenario = restless(random);
    scenario.nodes = 4 + random.below(2);
    scenario.weights.assign(scenario.nodes, 1);
    scenario.in_turn = true;
    scenario.busy = seconds(12);
    scenario.down = milliseconds(5000);
    scenario.detection = milliseconds(10'000);
    return scenario;
}

Scenario Scenario::forgetful(Random& random) {
    auto scenario = restless(random);
    scenario.roots = 12;
    scenario.clients = 1;
    scenario.sublocks = false;
    scenario.idle = milliseconds(2);
    scenario.pace = milliseconds(4 + random.below(10));
    return scenario;
}

Scenario Scenario::middling(Random& random) {
    auto scenario = draw(random);
    scenario.nodes = 3 + random.below(2);
    scenario.weights.assign(scenario.nodes, 1);
    scenario.faults = true;
    scenario.local = false;
    scenario.silences = true;
    scenario.roots = 3;
    scenario.clients = 2;
    scenario.drains = false;
    scenario.freezes = false;
    scenario.sublocks = false;
    scenario.busy = seconds(6);
    scenario.pace = milliseconds(4 + random.below(12));
    scenario.fault_pause = milliseconds(300);
    scenario.detection = milliseconds(100);
    return scenario;
}

Scenario Scenario::thorough_one(Random& random) {
    auto scenario = draw(random);
    scenario.thorough = true;
    scenario.reweighs = random.one_in(2);
    for (auto& weight : scenario.weights) {
        weight = static_cast<std::uint32_t>(random.below(random.one_in(3) ? 256 : 8));
    }
    return scenario;
}

Scenario Scenario::guarded(Random& random) {
    auto scenario = draw(random);
    scenario.nodes = 2 + random.below(3);
    scenario.weights.resize(scenario.nodes, 1);
    scenario.rights = true;
    scenario.local = false;
    scenario.clients = 2 + random.below(2);
    scenario.roots = 2;
    scenario.busy = seconds(4);
    scenario.pace = milliseconds(4 + random.below(30));
    scenario.idle = milliseconds(random.one_in(2) ? 5 : 60);
    scenario.domain_time = milliseconds(300 + random.below(3000));
    return scenario;
}

}  // namespace quorate::lockmgr::simulator
