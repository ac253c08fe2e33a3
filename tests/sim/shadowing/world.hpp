#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster_stack.hpp"
#include "disk_model.hpp"
#include "history.hpp"
#include "lock_oracle.hpp"
#include "lock_port.hpp"
#include "sim/event_queue.hpp"

namespace quorate::shadowing::simulator {

inline constexpr Id128 kSet{0, 0x5e};
inline constexpr LockName kWitnessMail{LockKind::kMembership, 1};

struct Scenario {
    std::size_t nodes = 2;
    std::size_t disks = 2;
    std::uint64_t blocks = 96;
    std::size_t hot_max = 4;
    sim::Time faulty = sim::seconds(12);
    sim::Time pause_max = sim::milliseconds(1500);  // between two faults
    std::uint64_t late_one_in = 1000;               // operations, each by itself
    bool flushes = true;
    std::uint64_t room = 96;  // blocks that the disks have room for: the set is expanded to that
    // What there is more of than else: small sets with operations that end late; an operator who
    // removes, adds and dismounts all the time; power failures of everything while copies are slow.
    // Or, in worlds of their own, an operator who stops merges and copies, disks that some nodes
    // reach slowly, and many bad places on one disk.
    enum class Mood : std::uint8_t {
        kPlain,
        kDense,
        kRestless,
        kDark,
        kSteered
    } mood = Mood::kPlain;
    // This disk says that it has flushed, and has not: outside the promise, but a scrub finds it.
    std::optional<DeviceIndex> liar = {};
    // The lock manager, membership, lease and takeover are those that ship, on every node.
    bool clustered = false;

    // Which world a seed stands for: from kSteered or kClustered on, one of those.
    static constexpr std::uint64_t kSteered = 1'000'000;
    static constexpr std::uint64_t kClustered = 2'000'000;
    static Scenario of(std::uint64_t seed);
    static Scenario draw(Random& random);
    static Scenario draw_steered(Random& random);
    static Scenario draw_clustered(Random& random);
    static Scenario draw_with_liar(Random& random);
};

// Nodes that each open the set, disks that each is served by a node or by itself, a cluster that
// gives leases and takes over, and everything that can go wrong; then a time in which nothing does,
// and all must come right.
class World {
public:
    World(std::uint64_t seed, Scenario scenario);

    // The breach of an invariant, or the lack of progress; empty if all was well.
    std::string run();
    const History& history() const { return history_; }
    std::uint64_t generations() const { return witness_ ? witness_->generation.number : 0; }
    // Stretches that scrubs found to differ, or unreadable.
    std::uint64_t scrub_reports() const { return scrub_reports_; }

private:
    struct Node {
        std::unique_ptr<Set> set;
        Opener opener = 0;
        std::deque<SetInput> inbox;
        bool pumping = false;
        bool mounted = false;
        std::uint64_t blocks = 0;  // of the unit, as the clients were told
        bool cut = false;
        bool leaving = false;   // was told to dismount
        bool expelled = false;  // taken over while it lived
        bool on = true;
        sim::Time frozen_until{0};
        sim::Time lease_until{0};
        sim::Time armed{-1};
        struct Mail {
            std::deque<std::function<void()>> waiting;
            sim::Time ready{0};
        };
        // To and from the lock manager and the witness: in order for each lock, as if each had a
        // master somewhere else.
        std::map<LockName, Mail> mail;
        std::map<std::uint64_t, std::vector<std::uint64_t>> data;  // by operation
        std::map<std::uint64_t, Extent> requests;
        std::map<std::uint64_t, std::uint64_t> values;  // of writes
        std::set<std::uint64_t> durable;                // writes with FUA

        // ---- of a clustered world: shadowd, which may have no set yet
        MemberId life;  // of its clusterd
        std::unique_ptr<LockPort> port;
        Lease::State lease = Lease::State::kStalled;   // as it knows
        std::deque<std::function<void()>> when_heard;  // of each OpenerLost in the inbox
        bool purging = false;                          // what the shadowd before it left
        bool purged = false;
    };
    // Of the shadowd that was on a node: what it keeps on disk.
    struct Note {
        MemberId life;
        Opener opener = 0;
    };
    // A life that is over: its locks go when everybody else has heard of it.
    struct TakeOver {
        std::size_t node = 0;
        std::set<Opener> told;
        std::set<Opener> heard;
    };
    struct Served {
        std::unique_ptr<Disk> disk;
        std::optional<std::size_t> host;
        bool intact = true;  // has not lost power since it has everything
        sim::Time slow{0};
        std::map<std::size_t, sim::Time> far;  // how much longer what a node asks for is under way
    };
    using Phase = std::function<void(Disk&)>;

    // ---- nodes
    void start(std::size_t node);
    void open_set(std::size_t node);
    void kill(std::size_t node);
    void take_over(Opener opener, std::size_t node);
    void go_on_with_take_over(Opener opener);
    void power_off_node(std::size_t node);
    void power_on_node(std::size_t node);
    void renew_leases();
    Moment moment(std::size_t node) const;
    bool lease_runs(std::size_t node) const;
    void feed(std::size_t node, Opener opener, SetInput input);
    void pump(std::size_t node);
    bool carry_out(std::size_t node, SetOutputs outputs, std::size_t from, bool late);
    void arm(std::size_t node);
    void mail(std::size_t node, const LockName& lock, std::function<void()> action);
    void deliver_mail(std::size_t node, const LockName& lock);
    void tell(Opener opener, const LockName& lock, SetInput input);

    // ---- clustered.cpp: shadowds over the machines that ship
    bool is_clustered() const { return stack_ != nullptr; }
    void build_stack(std::uint64_t seed);
    void join(std::size_t node, Opener opener);
    void settle(std::size_t node, Opener opener);
    bool end_predecessor(std::size_t node, const Note& note);
    bool drop_predecessor(std::size_t node, const Note& note);
    bool tell_end(std::size_t node, const Note& note);
    void declare_lost(Opener opener);
    void watch_lease(std::size_t node, Opener opener);
    Lease clustered_lease(std::size_t node) const;
    void hear_fence(std::size_t node, const std::string& fencer, MemberId lost);
    void guard(std::size_t node, MemberId lost);
    void inherit(std::size_t node, MemberId lost);
    void hear_locks(std::size_t node, const lockmgr::LockOutput& output);
    void power_changed(std::size_t node, bool on);
    void clusterd_ended(std::size_t node);
    void close_client(std::size_t node, Opener opener);
    // While the node runs that process and it does not stand still.
    void soon(std::size_t node, Opener opener, sim::Time after, std::function<void()> action);

    void perform(std::size_t node, const ReadData& output);
    void perform(std::size_t node, const WriteData& output);
    void perform(std::size_t node, const ZeroData& output);
    void perform(std::size_t node, const CompareData& output);
    void perform(std::size_t node, const FlushDevice& output);
    void perform(std::size_t node, const ReadLabel& output);
    void perform(std::size_t node, const WriteLabel& output);
    void perform(std::size_t node, const ClearLog& output);
    void perform(std::size_t node, const ReadIntent& output);
    void perform(std::size_t node, const WriteIntent& output);
    void perform(std::size_t node, const ReadWitness& output);
    void perform(std::size_t node, const ReserveGeneration& output);
    void perform(std::size_t node, const WriteWitness& output);
    void perform(std::size_t node, const Lock& output);
    void perform(std::size_t node, const CloseDevice& output);
    void perform(std::size_t node, const DropData& output);
    void perform(std::size_t node, const Reply& output);
    void perform(std::size_t node, const Mounted& output);
    void perform(std::size_t node, const Resized& output);
    void perform(std::size_t node, const Dismounted& output);
    void perform(std::size_t node, const MountRefused& output);
    void perform(std::size_t node, const SetNote& output);

    // ---- disks
    bool reachable(std::size_t node, DeviceIndex disk) const;
    struct Errand {
        std::size_t node = 0;
        Opener opener = 0;
        OpId op;
        DeviceIndex disk = 0;
        std::uint64_t closings = 0;
        std::uint64_t session = 0;  // an operation ends with the session that it was sent in
        bool opens = false;
        std::vector<Phase> phases;
        std::function<SetInput(Disk&)> answer;
    };
    void send(std::size_t node, OpId op, DeviceIndex disk, bool opens, std::vector<Phase> phases,
              std::function<SetInput(Disk&)> answer);
    void write_blocks(std::size_t node, OpId op, DeviceIndex disk, Extent extent,
                      std::vector<std::uint64_t> values, bool fua);
    void serve(std::shared_ptr<Errand> errand, std::size_t phase);
    void answer(const std::shared_ptr<Errand>& errand, SetInput input);
    void close_when_reachable(std::size_t node, Opener opener, DeviceIndex disk);
    void disk_off(DeviceIndex disk);
    void look_for_lost_caches();

    // ---- clients
    void work(std::size_t node);
    void submit(std::size_t node, RequestKind kind, Extent extent);
    void operate();
    void dismount(std::size_t node);
    void left_when_told(std::size_t node, Opener opener);
    void left(std::size_t node, Opener opener);
    void leave_and_come_back();

    // ---- faults
    void fault_later();
    void fault();
    void fault_of_mood();
    void fault_of_steered(std::size_t node);
    void steer(Work work, bool runs);
    void everything_off();
    void short_power_failure();
    void copy_image(DeviceIndex disk);
    void put_image_back();
    void heal();

    // ---- oracles
    const std::optional<Label>& newest();
    const std::set<std::uint64_t>& hot_regions(const Label& label, DeviceIndex of);
    std::uint64_t meta_changes() const;
    void check_acknowledged(std::uint64_t value, Extent extent);
    void check_dirty();
    void check_fences();
    void check_clean(std::size_t node);
    void check_number(const Label& label);
    void rot_and_scrub();
    bool members_equal() const;
    std::string final_breach() const;
    std::string stuck() const;
    void breach(std::string what) {
        if (breach_.empty()) {
            breach_ = std::move(what);
        }
    }
    void trace(std::size_t node, const std::string& what) const;
    sim::Time delay() { return sim::between(random_, sim::Time(50), sim::Time(2000)); }

    sim::EventQueue events_;
    Random random_;
    Scenario scenario_;
    History history_;
    LockOracle locks_;
    std::unique_ptr<ClusterStack> stack_;
    std::vector<std::optional<Note>> notes_;
    std::map<Opener, MemberId> lives_;  // of shadowds that had a set
    std::set<Opener> undeclared_;       // of these, whose end was not told to all
    std::map<Opener, TakeOver> endings_;
    std::vector<Node> nodes_;
    std::vector<Served> disks_;
    std::uint64_t reserved_ = 0;
    std::map<Opener, TakeOver> take_overs_;
    std::map<Opener, std::size_t> node_of_;
    std::optional<WitnessWord> witness_;
    std::map<std::pair<Id128, std::uint64_t>, std::uint64_t> fences_;
    std::map<std::pair<Id128, std::uint64_t>, std::uint64_t> numbers_;  // ids of generations
    std::optional<std::pair<DeviceIndex, Disk>> image_;                 // of a disk as it was
    std::uint64_t scrub_reports_ = 0;
    // Decoding labels and logs takes most of the time of a run: once per change.
    struct Decoded {
        std::uint64_t label_changes = 0;
        std::optional<Label> newest;
        std::uint64_t log_changes = 0;
        DeviceIndex log_of = 0;
        std::set<std::uint64_t> hot;
    } decoded_;
    std::uint64_t next_opener_ = 1;
    std::uint64_t next_request_ = 1;
    std::uint64_t next_value_ = 1;
    std::uint64_t epoch_ = 1;
    bool healed_ = false;
    bool quiet_ = false;    // clients ask for nothing more
    bool leaving_ = false;  // whoever dismounts does not come back
    bool clean_ = false;    // as the last that dismounted said
    bool traced_ = false;
    std::string breach_;
};

}  // namespace quorate::shadowing::simulator
