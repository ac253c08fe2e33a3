#include "world.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/seeds.hpp"

namespace quorate::shadowing::simulator {
namespace {

constexpr Id128 kLineage{0, 0x11};

}  // namespace

Scenario Scenario::of(std::uint64_t seed) {
    Random random(seed);
    if (seed >= kClustered) {
        return draw_clustered(random);
    }
    return seed >= kSteered ? draw_steered(random) : draw(random);
}

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = 1 + random.below(3);
    scenario.disks = 2 + random.below(2);
    scenario.blocks = 32 + 8 * random.below(12);
    scenario.hot_max = 2 + random.below(6);
    scenario.pause_max = sim::milliseconds(100 + static_cast<std::int64_t>(random.below(2500)));
    scenario.late_one_in = 100 + random.below(3000);
    scenario.flushes = !random.one_in(4);
    scenario.room = scenario.blocks + (random.one_in(2) ? 0 : 1 + random.below(40));
    scenario.mood = static_cast<Mood>(random.below(4));
    switch (scenario.mood) {
        case Mood::kPlain:
            break;
        case Mood::kDense:
            scenario.blocks = scenario.room = 8 + random.below(17);
            scenario.late_one_in = 15 + random.below(80);
            break;
        case Mood::kRestless:
            scenario.nodes = std::max<std::size_t>(scenario.nodes, 2);
            scenario.room = scenario.blocks + 1 + random.below(40);
            scenario.pause_max =
                sim::milliseconds(100 + static_cast<std::int64_t>(random.below(400)));
            break;
        case Mood::kDark:
            scenario.pause_max =
                sim::milliseconds(600 + static_cast<std::int64_t>(random.below(900)));
            break;
        case Mood::kSteered:
            break;
    }
    return scenario;
}

Scenario Scenario::draw_steered(Random& random) {
    auto scenario = draw(random);
    scenario.mood = Mood::kSteered;
    scenario.nodes = std::max<std::size_t>(scenario.nodes, 2);
    scenario.blocks = scenario.room = 8 + random.below(41);
    scenario.late_one_in = 500 + random.below(3000);
    scenario.pause_max = sim::milliseconds(100 + static_cast<std::int64_t>(random.below(900)));
    return scenario;
}

Scenario Scenario::draw_clustered(Random& random) {
    auto scenario = random.one_in(3) ? draw_steered(random) : draw(random);
    scenario.nodes = std::max<std::size_t>(scenario.nodes, 2);
    scenario.clustered = true;
    scenario.faulty = sim::seconds(20);
    scenario.pause_max = sim::milliseconds(600 + static_cast<std::int64_t>(random.below(2500)));
    return scenario;
}

Scenario Scenario::draw_with_liar(Random& random) {
    auto scenario = draw(random);
    scenario.mood = Mood::kDark;
    scenario.room = scenario.blocks;
    scenario.liar = random.below(scenario.disks);
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed ^ 0x5eed),
      scenario_(scenario),
      history_(scenario.room),
      locks_([this](Opener opener, const LockName& lock, SetInput input) {
          tell(opener, lock, std::move(input));
      }) {
    traced_ = sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0;
    Label label;
    label.set = kSet;
    label.lineage = kLineage;
    label.generation = {1, 1};
    label.set_blocks = scenario_.blocks;
    label.unit = "DSA1";
    label.layout = {.region_shift = 3,
                    .openers = static_cast<std::uint16_t>(scenario_.nodes),
                    .slot_octets = kIntentBlocks * kIntentOctets,
                    .log_offset = kMetaBlock,
                    .data_offset = 1 << 20,
                    .member_blocks = scenario_.blocks};
    for (std::size_t i = 0; i < scenario_.disks; ++i) {
        disks_.emplace_back();
        disks_[i].disk = std::make_unique<Disk>(random_, kSet, label.layout, scenario_.room);
        if (!random_.one_in(3)) {
            disks_[i].host = random_.below(scenario_.nodes);
        }
        label.members.push_back({{0, 0xd1 + i}, Role::kFull, 1, 0, disks_[i].disk->life()});
    }
    for (std::size_t i = 0; i < scenario_.disks; ++i) {
        label.member = {0, 0xd1 + i};
        disks_[i].disk->write_label_copy(0, label);
        disks_[i].disk->write_label_copy(1, label);
        disks_[i].disk->flush();
        if (scenario_.liar == i) {
            disks_[i].disk->lie();
        }
    }
    witness_ = WitnessWord{kLineage, {1, 1}};
    nodes_.resize(scenario_.nodes);
    notes_.resize(scenario_.nodes);
    if (scenario_.clustered) {
        build_stack(seed);
    }
}

std::string World::run() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        events_.after(sim::between(random_, sim::Time(1), sim::milliseconds(50)),
                      [this, n] { is_clustered() ? power_on_node(n) : start(n); });
    }
    renew_leases();
    operate();
    fault_later();
    const auto ended = [&] {
        if (is_clustered()) {
            breach(stack_->breach());
            breach(stack_->machines().breach());
        }
        return !breach_.empty() || (!scenario_.liar && !history_.breach().empty());
    };
    const auto run_until = [&](sim::Time end) {
        while (events_.now() < end && !ended()) {
            events_.run_until(std::min(end, events_.now() + sim::milliseconds(5)));
            if (!scenario_.liar) {
                check_dirty();
            }
        }
    };
    run_until(scenario_.faulty);
    if (!ended()) {
        heal();
        // A cluster may go on without somebody once more before it comes to rest.
        run_until(events_.now() + sim::seconds(is_clustered() ? 10 : 3));
        quiet_ = true;
        const auto settle = [&] {
            const auto end = events_.now() + sim::seconds(60);
            while (events_.now() < end && !ended() && !stuck().empty()) {
                run_until(events_.now() + sim::milliseconds(100));
            }
        };
        settle();
        if (scenario_.liar) {
            run_until(events_.now() + sim::seconds(2));  // no log names anything any more
            short_power_failure();
            settle();
            breach(stuck());
            rot_and_scrub();
            return breach_;
        }
        if (!ended()) {
            breach(stuck());
            breach(final_breach());
        }
        if (!ended()) {
            rot_and_scrub();
        }
        if (!ended()) {
            leave_and_come_back();
        }
    }
    return history_.breach().empty() || scenario_.liar ? breach_ : history_.breach();
}

// Whoever is last leaves the labels clean: the next needs neither merge nor copy, though every disk
// loses its power meanwhile.
void World::leave_and_come_back() {
    leaving_ = true;
    const auto run_while = [&](const std::function<bool()>& waiting) {
        const auto end = events_.now() + sim::seconds(20);
        while (events_.now() < end && breach_.empty() && waiting()) {
            events_.run_until(events_.now() + sim::milliseconds(5));
        }
    };
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        dismount(n);
        run_while([&] { return nodes_[n].set != nullptr; });
        if (nodes_[n].set) {
            breach(fmt::format("node {} does not leave", n));
            return;
        }
        if (is_clustered()) {
            events_.run_until(events_.now() + sim::seconds(1));  // the masters know
        }
    }
    if (!clean_) {
        breach("the last to leave leaves no clean label");
        return;
    }
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        disks_[i].disk->power_off();
        disks_[i].disk->power_on();
    }
    start(0);
    run_while([&] { return !nodes_[0].mounted; });
    if (!nodes_[0].mounted) {
        breach("a set that was left clean is not mounted again");
        return;
    }
    const auto status = nodes_[0].set->status();
    for (const auto& member : status.members) {
        if (member.role != Role::kFull) {
            breach(fmt::format("after a clean dismount {} is {}", member.device,
                               name_of(member.role)));
        }
    }
    breach(final_breach());
}

void World::trace(std::size_t n, const std::string& what) const {
    if (traced_) {
        fmt::print("{:>9.3f} n{} {}\n", static_cast<double>(events_.now().count()) / 1000, n, what);
    }
}

}  // namespace quorate::shadowing::simulator
