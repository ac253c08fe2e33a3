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

#include "base/random.hpp"
#include "domain_oracle.hpp"
#include "lockmgr/lock_manager.hpp"
#include "lockmgr/trace.hpp"
#include "oracle.hpp"
#include "sim/event_queue.hpp"

namespace quorate::lockmgr::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;

// What a run is made of, all drawn from its seed.
struct Scenario {
    std::size_t nodes = 3;
    std::size_t clients = 2;  // per node
    std::size_t roots = 3;
    std::vector<std::uint32_t> weights;
    bool faults = true;
    bool local = false;  // nodes have resources that they prefer, others each second
    bool sublocks = true;
    bool drains = false;
    bool freezes = false;
    bool silences = false;  // most locks are CW and PR; nodes fall silent to one another
    sim::Time detection = milliseconds(300);  // at most, until a node is missed
    sim::Time busy = seconds(3);
    sim::Time pace = milliseconds(30);  // between two requests of a client, at most twice
    sim::Time fault_pause = milliseconds(400);
    sim::Time down = milliseconds(900);  // at most, until who fell or froze is back
    bool in_turn = false;  // one node falls at a time, and another drains before that is known
    sim::Time idle = milliseconds(300);
    std::uint32_t recovery_trees = 256;         // looked at in one step
    bool thorough = false;                      // every flag and operation
    bool reweighs = false;                      // the directory's weights change between views
    bool rights = false;                        // users and domains of all kinds
    sim::Time domain_time = milliseconds(700);  // until other domains are used

    static Scenario draw(Random& random);
    // Nodes drain while others are lost and missed late, and what is unused is forgotten at once.
    static Scenario restless(Random& random);
    // A node falls, is missed late, and another drains meanwhile: whose trees do not wait for it.
    static Scenario patient(Random& random);
    // As restless, and trees are given up all the time.
    static Scenario forgetful(Random& random);
    // Conversions between CW and PR, which some masters are silent about to some before they die.
    static Scenario middling(Random& random);
    // Clients use every flag and operation; weights of the directory are of all sizes, and change.
    static Scenario thorough_one(Random& random);
    // Users who are not root, in domains that come and go and are defined.
    static Scenario guarded(Random& random);
};

inline ClientId id_of(std::size_t client) {
    return ClientId(static_cast<std::uint32_t>(client + 1));
}

struct SimLock {
    std::string domain;
    std::string resource;  // path
    LockId parent;
    std::uint64_t xid = 0;
    std::size_t depth = 0;
    std::size_t children = 0;
    LockMode mode = LockMode::NL;
    bool granted = false;
    std::uint32_t asked_flags = 0;  // of the newest operation
    sim::Time asked{0};
    sim::Time quiet_since{0};  // before that
    sim::Time answered{0};
    bool cancelling = false;       // the operation under way; its end may be lost with a master
    std::optional<LockMode> told;  // the most severe mode that somebody waits for, since the grant
    bool demotable = false;        // the conversion under way may lower it to NL
    RequestId pending;             // 0: none
    LockMode requested = LockMode::NL;
    std::uint32_t flags = 0;  // of a new request: PERSISTENT, NODLCKWT, NODLCKBLK
    std::uint32_t pid = 0;
    std::optional<sim::Time> deadline;  // of the operation under way

    bool has(std::uint32_t bit) const { return (flags & bit) != 0; }
};

struct SimClient {
    bool open = false;
    bool suspended = false;
    std::uint32_t priority = 0;
    std::uint32_t uid = 0;
    std::vector<std::uint32_t> gids;
    std::uint64_t connection = 0;
    std::set<RequestId> defining;
    bool tasks = false;  // each lock belongs to a task of its own, with its sublocks
    std::map<LockId, SimLock> locks;
    std::map<RequestId, SimLock> starting;  // new requests whose lock is not known yet
    std::set<RequestId> calls;              // cancels and the like
    std::set<RequestId> releases;           // of these, what is never refused
    std::set<RequestId> abandoned;          // of locks that it has given up meanwhile
    std::size_t pending = 0;

    bool waits(std::uint64_t xid) const;
    bool has_sublocks(LockId lock) const;
};

// One machine and its lock manager.
struct Host {
    std::unique_ptr<LockManager> manager;
    std::unique_ptr<LockTrace> trace;
    cluster::MemberId life;
    sim::Time started{0};
    cluster::Epoch epoch;             // of the last view committed
    bool quorate = false;             // believes so
    std::size_t group = 0;            // who hears whom
    std::deque<cluster::View> views;  // to be committed
    std::vector<SimClient> clients;
    std::map<LockId, SimLock> orphans;
    sim::Time purges_until{0};  // one may be under way
    std::optional<sim::Time> armed;
    bool draining = false;
    sim::Time lease{0};  // until then
    bool frozen = false;
    std::vector<std::function<void()>> postponed;  // to when it goes on
};

// N lock managers, circuits that live as long as an epoch, a membership that gives views when it
// likes; clients that ask for everything; crashes, restarts, partitions, nodes that freeze past
// their lease and do not know it, slow takeovers. Then all
// heals, nobody asks for more, and every request must come to an end.
class World {
public:
    World(std::uint64_t seed, Scenario scenario);

    // The breach of an invariant, or the lack of progress; empty if all was well.
    std::string run();
    // Every machine is traced, and must do the same again; not together with a limit of the trace.
    void record() { recording_ = true; }
    std::size_t grants() const { return oracle_.grants(); }
    std::uint64_t moves() const { return moves_; }
    std::uint64_t deadlocks() const { return deadlocks_; }
    // How many operations have ended so; besides, in another mode or demoted.
    std::size_t ended(LockStatus status) const;
    std::size_t altered() const { return altered_; }
    std::size_t demoted() const { return demoted_; }

private:
    // ---- world.cpp: machines
    void start(std::size_t node);
    void crash(std::size_t node);
    void give(std::size_t node, const LockInput& input);
    void check_replay(std::size_t node);
    void arm(std::size_t node);
    void later(std::size_t node, sim::Time delay, std::function<void()> what);
    bool lease_runs(std::size_t node) const;
    void carry_out(std::size_t node, const LockOutput& output);
    void on(std::size_t node, const Send& output);
    void on(std::size_t node, const Note& output);
    void on(std::size_t node, const Revoked& output);
    void on(std::size_t node, const Drained& output);
    void trace(std::size_t node, std::string_view what) const;

    // ---- inspection.cpp: what is looked at from outside
    void inspect();
    void compare_copies();
    void check_told(const ResourceInfo& info);
    void check_moves(std::size_t node);
    void see_roots(std::size_t master, std::set<std::string>& roots) const;
    std::string in_the_way(const std::string& resource) const;
    std::string progress_missing() const;
    std::string leftovers() const;

    // ---- turns.cpp: whose it is
    const SimLock* known(LockKey key) const;
    bool two_lives(const LockInfo& lock) const;
    void check_turns(std::size_t node, const std::string& path, const ResourceInfo& info);
    void check_conversions(const std::string& path, const ResourceInfo& info);
    void check_heads(const std::string& path, const ResourceInfo& info);

    // ---- answers.cpp: what clients hear
    void hear(std::size_t node, const Completion& output);
    void on(std::size_t node, const Completion& output);
    void check_cause(std::size_t node, const Completion& output, const SimLock& asked);
    void refused(std::size_t node, const Completion& output,
                 std::map<LockId, SimLock>::iterator lock);
    void back_off(std::size_t node, std::size_t index);
    void on(std::size_t node, const Waiting& output);
    void on(std::size_t node, const BlockingEvent& output);
    void on(std::size_t node, const Suspended& output);
    void on(std::size_t node, const Resumed& output);
    void check_victim(std::size_t node, const Completion& output);

    // ---- circuits.cpp
    void pump(std::size_t from, std::size_t to);
    void pump_all();
    void arrive(std::size_t from, std::size_t to);

    // ---- views.cpp: the membership
    void topology_changed();
    void form_views();
    void form_view(const std::vector<std::size_t>& members, bool quorate);
    void commit_later(std::size_t node);
    void commit(std::size_t node);
    void consider_takeover(cluster::Epoch epoch);
    bool may_be_taken_over(cluster::MemberId life) const;
    bool adopted(const cluster::View& view) const;
    bool lost_may_hold() const;
    void renew_lease_later(std::size_t node);
    void renew_lease(std::size_t node);

    // ---- faults.cpp
    void fault_later();
    void fault();
    void freeze(std::size_t node, sim::Time pause);
    void go_on(std::size_t node);
    void heal();
    void drain(std::size_t node);
    void fall_before_drain(std::size_t node, sim::Time pause);
    void fall_silent(std::size_t node, std::size_t to, sim::Time pause);

    // ---- workload.cpp, orphans.cpp: clients
    void open(std::size_t node, std::size_t client);
    void act_later(std::size_t node, std::size_t client);
    void act(std::size_t node, std::size_t client);
    void ask(std::size_t node, std::size_t client);
    void convert(std::size_t node, std::size_t client, LockId lock);
    void unlock(std::size_t node, std::size_t client, LockId lock);
    void cancel(std::size_t node, std::size_t client, LockId lock);
    void die(std::size_t node, std::size_t client);
    void adopt(std::size_t node, std::size_t client);
    void purge(std::size_t node, std::size_t client, std::size_t of);
    void finish(std::size_t node, std::size_t client);
    std::size_t release_leaf(std::size_t node, std::size_t client);

    // ---- domains.cpp: users, and what they may
    DomainOracle::Who who(std::size_t node, std::size_t client) const;
    void draw_user(std::size_t client, ClientOpened& input);
    std::string draw_domain();
    void define(std::size_t node, std::size_t client);
    bool defined(std::size_t node, const Completion& output);
    void check_rights(std::size_t node, const Completion& output, const SimLock& asked);
    void compare_domains();

    // ---- seldom.cpp: what only the thorough use
    void adorn(std::size_t node, Enqueue& input, SimLock& lock);
    void adorn(std::size_t node, Convert& input, SimLock& lock);
    MonoTime draw_deadline(std::size_t node, SimLock& lock);
    void act_seldom(std::size_t node, std::size_t client);
    void give_up(std::size_t node, std::size_t client, LockId lock);
    void unlock_all(std::size_t node, std::size_t client, LockId top);

    struct Lane {
        struct Packet {
            cluster::Epoch epoch;
            std::string bytes;
        };
        std::deque<Packet> packets;
        sim::Time ready{0};
        bool scheduled = false;
    };

    // A resource at its master when it was last looked at.
    struct Glance {
        std::size_t node = 0;
        cluster::Epoch epoch;
        sim::Time when{0};
        std::map<LockKey, LockInfo> locks;
    };

    sim::EventQueue events_;
    Random random_;
    std::map<std::string, Glance> glances_;
    std::map<LockKey, std::pair<cluster::Epoch, sim::Time>> moving_;  // waits for a move, since
    Scenario scenario_;
    Oracle oracle_;
    DomainOracle domains_{oracle_};
    std::vector<Host> hosts_;
    std::map<std::pair<std::size_t, std::size_t>, Lane> lanes_;

    // ---- the membership's own state
    std::uint64_t last_epoch_ = 0;
    std::optional<cluster::View> lineage_;                // the newest view with quorum
    std::map<cluster::MemberId, std::set<NodeId>> told_;  // in lineage_'s epoch
    sim::Time doubtful_until_{-1};                        // when the last of them was told
    std::set<cluster::MemberId> expelled_;
    std::set<cluster::MemberId> allowed_;
    bool forming_ = false;

    std::optional<std::pair<std::size_t, std::size_t>> silent_;  // this one to that one

    std::uint64_t requests_ = 0;
    std::uint64_t contents_ = 0;
    std::uint64_t connections_ = 0;
    std::uint64_t incarnations_ = 0;
    std::uint64_t moves_ = 0;
    std::uint64_t deadlocks_ = 0;
    std::map<LockStatus, std::size_t> ended_;
    std::size_t altered_ = 0;
    std::size_t demoted_ = 0;
    bool healed_ = false;
    bool closing_ = false;  // clients give everything up
    bool watched_ = false;  // looked at after every step
    bool traced_ = false;
    bool recording_ = false;
};

}  // namespace quorate::lockmgr::simulator
