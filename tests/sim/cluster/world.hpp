#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster/membership.hpp"
#include "corosync_model.hpp"
#include "host.hpp"
#include "oracle.hpp"
#include "quorum_disk_model.hpp"
#include "sim/event_queue.hpp"

namespace quorate::cluster::simulator {

// What a run is made of, all drawn from its seed.
struct Scenario {
    std::size_t nodes = 3;
    std::vector<std::uint32_t> votes;
    std::uint32_t disk_votes = 0;
    sim::Time faulty = sim::seconds(20);
    sim::Time pause_max = sim::seconds(4);  // between two faults
    bool crash_between_effects = true;

    static Scenario draw(Random& random);
};

// N machines, Corosync, a quorum disk, and everything that can go wrong; then a time in which
// nothing does, and the cluster must come together.
class World {
public:
    World(std::uint64_t seed, Scenario scenario);
    ~World();

    // The breach of an invariant, or the lack of progress; empty if all was well.
    std::string run();
    std::size_t quorate_epochs() const { return oracle_.quorate_epochs(); }

private:
    // ---- machines and processes
    void power_on(std::size_t node);
    void power_off(std::size_t node);
    void start_process(std::size_t node);
    void kill_process(std::size_t node);
    void freeze(std::size_t node, bool machine, sim::Time duration);

    // ---- clusterd
    void feed(std::size_t node, Channel channel, MembershipInput input);
    void pump(std::size_t node);
    void step(std::size_t node, const MembershipInput& input);
    void arm(std::size_t node);
    bool crashes_now(std::size_t node);
    void carry_out(std::size_t node, const MembershipOutput& output);
    void on(std::size_t node, const Multicast& output);
    void on(std::size_t node, const WriteFloor& output);
    void on(std::size_t node, const ReadDisk& output);
    void on(std::size_t node, const ViewCommitted& output);
    void on(std::size_t node, const QuorumLost& output);
    void on(std::size_t node, const Expelled& output);
    void on(std::size_t node, const Refusal& output);
    void on(std::size_t node, const LevelRefused& output);
    void on(std::size_t node, const Note& output);

    // ---- faults
    void fault_later();
    void fault();
    void split();
    void cut_some();
    void heal_links();
    bool connected(std::size_t a, std::size_t b) const;
    void heal_everything();
    std::string progress_missing() const;
    void trace(std::size_t node, std::string_view what) const;

    sim::EventQueue events_;
    Random random_;
    Scenario scenario_;
    Oracle oracle_;
    std::vector<Host> hosts_;
    std::set<std::pair<std::size_t, std::size_t>> cut_;
    std::unique_ptr<Corosync> corosync_;
    std::unique_ptr<QuorumDiskModel> disk_;
    std::uint32_t next_process_ = 100;
    bool healed_ = false;
    bool traced_ = false;
};

}  // namespace quorate::cluster::simulator
