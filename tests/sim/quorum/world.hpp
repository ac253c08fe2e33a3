#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "corosync_model.hpp"
#include "disk_model.hpp"
#include "oracle.hpp"
#include "quorum/header.hpp"
#include "quorum/voter.hpp"
#include "sim/channels.hpp"
#include "sim/node_clock.hpp"

namespace quorate::quorum::simulator {

inline constexpr Uuid kCluster{0xc, 0x1};

// A course of events after which one rule is all that is left (world_scenes.cpp); in most worlds
// there is none, and faults come as they like.
enum class Scene { kNone, kLateMate, kLateRenewal, kLastWards, kWardMovesOn, kQuietRing };

// What a run is made of, all drawn from its seed.
struct Scenario {
    std::size_t nodes = 2;
    std::uint32_t disk_votes = 1;
    std::size_t disks = 1;
    Timing timing;
    bool publishes = false;
    sim::Time faulty = sim::seconds(60);
    sim::Time pause_max = sim::seconds(3);  // between two faults
    bool ambushes = false;                  // some faults come at the worst moment
    bool twins = false;     // two machines that both are node 1, and know nothing of each other
    bool resets = true;     // who is fenced resets its machine
    bool replaces = false;  // disks give their place to others while all this goes on
    Scene scene = Scene::kNone;

    static Scenario draw(Random& random);
    // In one of eight worlds a scene is played; what it needs is set.
    Scenario staged(Random& scenes) const;
    // The least constants that are safe, whatever else was drawn.
    void tighten();
};

// Inputs of one kind keep their order; between kinds anything goes.
enum class Channel { kRing, kPoll, kDisk, kPeer, kOther };
inline constexpr std::size_t kChannels = 5;

// Disks by their index, as a node's corosync.conf names them.
struct Used {
    std::vector<std::size_t> current;
    std::vector<std::size_t> next;
    std::uint32_t step = 0;
};

struct Host {
    explicit Host(sim::NodeClock its_clock) : clock(its_clock) {}

    sim::NodeClock clock;
    bool on = false;
    bool frozen = false;  // the voter alone, or with its machine
    std::unique_ptr<Voter> voter;
    std::uint64_t life = 0;
    Incarnation incarnation;
    sim::Channels<VoterInput, kChannels> channels;
    bool busy = false;
    std::optional<sim::Time> armed;
    std::vector<std::function<void()>> held_up;  // what a frozen voter was about to do
    std::uint64_t boot = 0;
    bool stays_down = false;          // once its voter has stopped
    bool bound = false;               // a voter of this boot has said so
    bool unbindable = false;          // it could not be remembered of this life
    std::string remembered;           // by its voters, on a disk of its own
    std::optional<sim::Time> worked;  // since when this boot has had something to end: a quorum
    std::uint64_t watchdog = 0;       // number of the feeding that counts
    std::vector<sim::Time> said;      // when the last word to each node arrives
    Used used;
    std::set<std::uint64_t> words;  // what the voter has not answered yet of them
    std::uint64_t witnessed = 0;    // the newest generation that it said was on the disk
};

// N nodes with Corosync, voters and one or three disks, and everything that can go wrong; then a
// time in which nothing does, and all must have the votes; then one clean loss, and who is left
// must have them in time.
class World {
public:
    World(std::uint64_t seed, const Scenario& scenario);
    ~World();

    // The breach of an invariant, or the lack of progress; empty if all was well.
    std::string run();
    std::uint64_t awards() const { return oracle_->awards(); }
    // From the loss to the votes, in the last act.
    std::optional<sim::Time> took_over_after() const { return took_over_after_; }
    // Steps of replacements that were taken.
    std::uint32_t disk_steps() const { return used_.step; }
    const char* last_act() const { return last_act_; }

private:
    // ---- nodes
    void power_on(std::size_t node);
    void power_off(std::size_t node);
    void start_voter(std::size_t node);
    void kill_voter(std::size_t node);
    void freeze(std::size_t node, bool voter, bool corosync);
    void thaw_voter(std::size_t node);
    void thaw_corosync(std::size_t node);

    // ---- the voter
    void feed(std::size_t node, Channel channel, VoterInput input);
    void pump(std::size_t node);
    void step(std::size_t node, const VoterInput& input);
    void carry_out(std::size_t node, VoterOutputs outputs, std::size_t from);
    void arm(std::size_t node);
    bool runs(std::size_t node) const;
    void on(std::size_t node, const ReadPages& output);
    void on(std::size_t node, const WritePage& output);
    void on(std::size_t node, const Poll& output);
    void on(std::size_t node, const Say& output);
    void on(std::size_t node, const FeedWatchdog& output);
    void on(std::size_t node, const Binds&);
    void on(std::size_t node, const Remember& output) { hosts_[node].remembered = output.bytes; }
    void on(std::size_t node, const Publish& output);
    void on(std::size_t node, const FenceDone& output);
    void on(std::size_t node, const Note& output);
    void on(std::size_t, const RiderWritten&) {}
    void on(std::size_t node, const WitnessWritten& output);
    void on(std::size_t node, const ReadDone& output);
    void on(std::size_t node, const Stopped& output);
    void poll(std::size_t node, std::uint64_t life, const Poll& output);
    void evicted(std::size_t node, bool fenced);

    // ---- disks
    void format_disk();
    UseDisks use_of(const Used& used) const;
    Disk& disk_of(std::size_t node, DiskNumber number);
    void replace_later();
    bool all_there(std::size_t asker) const;
    void replace_step();
    void configure_disks(std::size_t node, const Used& used);
    void witness();
    void forget_words(std::size_t node);
    std::string recall();

    // ---- faults
    void score_later();
    void fault_later();
    void fault();
    void split();
    void cut_some();
    void spoil_path(std::size_t node);
    void spoil_paths(std::size_t node, const std::function<void(Path&)>& how);
    void heal_paths(std::size_t node);
    void ambush();
    std::optional<std::size_t> holder(bool alone) const;
    void cut_off(std::size_t node);
    void stop_breathing(std::size_t node);
    void freeze_at_the_end(std::size_t node, std::uint64_t life);
    void renew_late(std::size_t node);
    void hang(std::size_t node);
    void spring(std::size_t node, const Poll& output);
    void swallow(std::size_t node);

    // ---- scenes
    struct Act {
        std::function<bool()> when;
        sim::Time pause{0};  // from then on
        std::function<void()> what;
    };
    void set_scene();
    void play();
    void act(std::function<bool()> when, sim::Time pause, std::function<void()> what);
    sim::Time within(sim::Time from, sim::Time to);
    VoterStatus status_of(std::size_t node) const;
    bool casts(std::size_t node) const;
    bool casts_among(std::size_t node, std::size_t members) const;
    bool in_state(std::size_t node, VoterState state) const;
    void late_mate();
    void late_renewal();
    void last_wards();
    void ward_moves_on();
    void quiet_ring();

    // ---- fences
    void fence_later();
    void fence_someone();
    void want_fence(std::size_t by, std::size_t target, const char* why);
    void note_quorum();
    void stop_for_good(std::size_t node);
    void start_without_disk(std::size_t node);
    bool connected(std::size_t a, std::size_t b) const;
    NodeId id_of(std::size_t node) const;
    void heal_everything();
    bool all_well() const;
    std::string ailing() const;
    std::string progress();
    std::string fence_one();
    void lose(const std::vector<std::size_t>& gone, const std::vector<std::size_t>& left,
              std::uint64_t way);
    bool have_votes(const std::vector<std::size_t>& nodes) const;
    bool are_a_ring(const std::vector<std::size_t>& nodes) const;
    std::string last_loss();
    void trace(std::size_t node, std::string_view what) const;

    sim::EventQueue events_;
    Random random_;
    Random scores_;        // of its own: they change what is preferred, and nothing else
    Random fences_;        // of its own, as they are
    Random replacements_;  // of its own: seeds without any stay what they are
    Random scenes_;        // of its own, too
    Scenario scenario_;
    std::vector<Host> hosts_;
    std::set<std::pair<std::size_t, std::size_t>> cut_;
    std::unique_ptr<Corosync> corosync_;
    std::vector<std::unique_ptr<Disk>> disks_;
    Used used_;               // the newest
    std::uint64_t told_ = 0;  // generations of one shadow set
    std::optional<std::uint64_t> recalled_;
    std::unique_ptr<Oracle> oracle_;
    sim::Time calm_until_{0};  // a stale cache is to be noticed while the cluster is whole
    bool healed_ = false;
    bool traced_ = false;
    std::optional<sim::Time> took_over_after_;
    const char* last_act_ = "";
    struct Fence {
        std::size_t by = 0;
        NodeId target;
        std::optional<bool> done;
    };
    Fence fence_;  // the last that was asked for where all is well; others may end beside it
    std::map<Incarnation, std::uint64_t> boots_;
    // Of the target, when its end was wanted; 0: that boot had had no quorum.
    std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> wanted_boots_;
    std::optional<std::size_t> trap_;  // a node that hangs until another casts
    std::deque<Act> acts_;             // of the scene, still to come
};

}  // namespace quorate::quorum::simulator
