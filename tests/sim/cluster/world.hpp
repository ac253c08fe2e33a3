#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/machine.hpp"
#include "corosync_model.hpp"
#include "host.hpp"
#include "lease_oracle.hpp"
#include "oracle.hpp"
#include "quorum_disk_model.hpp"
#include "sim/event_queue.hpp"
#include "sim/network.hpp"
#include "traffic_oracle.hpp"

namespace quorate::cluster::simulator {

inline constexpr std::uint32_t kRings = 2;

// What a run is made of, all drawn from its seed.
struct Scenario {
    std::size_t nodes = 3;
    std::vector<std::uint32_t> votes;
    std::uint32_t disk_votes = 0;
    bool restless_disk = false;
    std::chrono::milliseconds lease{1500};
    std::uint64_t chattiness = 0;  // messages that a node sends at a time, at most
    sim::Time faulty = sim::seconds(20);
    sim::Time pause_max = sim::seconds(4);  // between two faults
    bool crash_between_effects = true;

    static Scenario draw(Random& random);
    // Two nodes and a quorum disk: most of what can go wrong with its votes does so here.
    static Scenario draw_pair(Random& random);
};

// What not every run has; drawn apart, so that the others are what they were without it.
struct Mischief {
    bool stranger = false;             // a machine of another cluster in the group
    std::uint32_t stranger_votes = 0;  // that it says it has
    bool blackouts = false;            // all machines lose power at once
    bool corosync_dies = false;        // under a clusterd that lives
    bool old_floors = false;           // the first start finds floors of different age
    bool slow_flushes = false;         // a floor takes longer than the others' patience

    static Mischief draw(std::uint64_t seed);
};

// What stands on the machines where that is more than messages to and fro. It is told of what
// happens in the order in which it does, from within a step: it asks for nothing but send() there.
class Above {
public:
    virtual ~Above() = default;
    virtual void power(std::size_t node, bool on) = 0;
    virtual void frozen(std::size_t node, sim::Time until) = 0;
    virtual void started(std::size_t node) = 0;
    // Those that an earlier clusterd of the node had.
    virtual std::vector<std::string> fencers(std::size_t node) = 0;
    virtual void ended(std::size_t node) = 0;
    virtual void event(std::size_t node, const Event& event) = 0;
    virtual void message(std::size_t node, const Deliver& message) = 0;
    virtual void pressed(std::size_t node, const BackPressure& pressure) = 0;
    virtual void lease(std::size_t node, const LeasePage& page) = 0;
    virtual void fence(std::size_t node, const Fence& fence) = 0;
};

// N machines, Corosync, a quorum disk, and everything that can go wrong; then a time in which
// nothing does, and the cluster must come together.
class World {
public:
    World(std::uint64_t seed, Scenario scenario);
    // Below something else, whose world has these events; nothing goes wrong by itself but crashes
    // between effects.
    World(sim::EventQueue& events, Above& above, std::uint64_t seed, Scenario scenario,
          Mischief mischief);
    ~World();

    // The breach of an invariant, or the lack of progress; empty if all was well.
    std::string run();
    std::size_t quorate_epochs() const { return oracle_.quorate_epochs(); }
    std::uint64_t deliveries() const { return traffic_.deliveries(); }
    sim::Time now() const { return events_.now(); }

    // ---- for what stands above
    const Host& host(std::size_t node) const { return hosts_[node]; }
    // False: its queue is full, or it is no member.
    bool send(std::size_t node, MemberId to, quorate::cluster::Channel channel,
              std::string_view payload);
    void add_fencer(std::size_t node, const std::string& name);
    void confirm(std::size_t node, const std::string& fencer, MemberId lost);
    // On some ring.
    bool reaches(std::size_t a, std::size_t b) const;
    void power_on(std::size_t node);
    void power_off(std::size_t node);
    void start_process(std::size_t node);
    void kill_process(std::size_t node);
    void fault();
    void heal_links();
    void heal_everything();
    std::string breach() const;
    std::string progress_missing() const;

private:
    // ---- machines and processes
    void stop_process(std::size_t node);
    void freeze(std::size_t node, bool machine, sim::Time duration);
    void corosync_dies(std::size_t node);
    void corosync_starts(std::size_t node);
    void connect(std::size_t node);
    bool is_stranger(std::size_t node) const { return node >= scenario_.nodes; }
    // It may outvote all others, but no cluster goes on with it.
    bool is_loud_stranger(std::size_t node) const {
        return is_stranger(node) && mischief_.stranger_votes > 0;
    }

    // ---- clusterd
    void feed(std::size_t node, Channel channel, HostInput input);
    void pump(std::size_t node);
    void step(std::size_t node, const HostInput& input);
    bool carry_out(std::size_t node, const MachineOutputs& outputs);
    bool carry_each(std::size_t node, const MachineOutputs& outputs);
    void arm(std::size_t node);
    bool crashes_now(std::size_t node);
    void on(std::size_t node, const Multicast& output);
    void on(std::size_t node, const WriteFloor& output);
    void on(std::size_t node, const ReadDisk& output);
    void on(std::size_t node, const ViewCommitted& output);
    void on(std::size_t node, const QuorumLost& output);
    void on(std::size_t node, const TakeoverAllowed& output);
    void on(std::size_t node, const Expelled& output);
    void on(std::size_t node, const Refusal& output);
    void on(std::size_t node, const LevelRefused& output);
    void on(std::size_t node, const Note& output);
    void on(std::size_t node, const Dial& output);
    void on(std::size_t node, const Write& output);
    void on(std::size_t node, const Close& output);
    void on(std::size_t node, const Deliver& output);
    void on(std::size_t node, const BackPressure& output);
    void on(std::size_t node, const RingChanged& output);
    void on(std::size_t node, const PublishLease& output);
    void on(std::size_t node, const Fence& output);

    // ---- the layers above
    void tell_above(std::size_t node, const Event& event);
    void talk_later(std::size_t node);
    void talk(std::size_t node);

    // ---- faults
    void fault_later();
    void mischief_later();
    void mischief();
    void split();
    void cut(std::uint32_t ring, std::size_t a, std::size_t b, bool corosync_too);
    void cut_some(bool corosync_too);
    bool connected(std::size_t a, std::size_t b) const;
    std::string undelivered() const;
    std::string unfinished(std::size_t node) const;
    void trace(std::size_t node, std::string_view what) const;

    void build();

    std::unique_ptr<sim::EventQueue> own_events_;  // none: those of what stands above
    sim::EventQueue& events_;
    Above* above_ = nullptr;
    Random random_;
    Scenario scenario_;
    Mischief mischief_;
    Oracle oracle_;
    LeaseOracle leases_;
    TrafficOracle traffic_;
    std::vector<Host> hosts_;  // members first
    struct Cable {
        std::uint32_t ring = 0;
        std::size_t a = 0;
        std::size_t b = 0;
        auto operator<=>(const Cable&) const = default;
    };
    std::set<Cable> cut_;  // for Corosync too
    std::unique_ptr<sim::Network> network_;
    std::unique_ptr<Corosync> corosync_;
    std::unique_ptr<QuorumDiskModel> disk_;
    std::optional<std::size_t> carrying_;  // whose outputs
    MachineOutputs waiting_;               // what came of them
    std::uint32_t next_process_ = 100;
    bool healed_ = false;
    bool silent_ = false;  // the layers above say nothing any more
    bool traced_ = false;
};

}  // namespace quorate::cluster::simulator
