#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "chase_graph.hpp"
#include "directory.hpp"
#include "engine.hpp"
#include "link.hpp"
#include "lockmgr/lock_manager.hpp"
#include "message.hpp"
#include "mutation.hpp"
#include "store.hpp"
#include "tree_state.hpp"

// The machine behind lock_manager.hpp. One file of src per part of its work.
namespace quorate::lockmgr {

// One life of one node. Number kSelf is this one.
struct Party {
    cluster::MemberId id;
    std::uint32_t weight = 0;
    std::uint64_t joined = 0, left = 0;  // epochs, as far as this node was in them
    bool member = false;
    bool newcomer = false;              // in this view for the first time
    bool pending = false;               // lost, and may not be taken over yet
    bool allowed = false;               // lost, and taken over
    bool begun = false;                 // said Begin in this epoch
    bool done = false;                  // said Done in this epoch
    bool told_done = false;             // was told Done
    bool wants_all = false;             // its last epoch with quorum is not ours
    std::uint32_t haunt = 0;            // number among the lost
    std::uint32_t first = 0, last = 0;  // its locks in trees mastered here
    Link link;
};

struct Client {
    bool open = false;
    bool suspended = false;
    std::uint32_t pid = 0;
    std::uint32_t uid = 0;
    std::uint32_t priority = 0;
    std::uint32_t locks = 0;
    // Its locks: those that wait stand at the end.
    std::uint32_t first = 0, last = 0;
    std::vector<std::uint32_t> gids;
    std::vector<std::string> defined;  // domains
};

// As this node's clients use it.
struct KnownDomain {
    Domain domain;
    std::uint64_t version = 0;   // of the record; 0: only configured, or not known yet
    bool known = false;          // else the keeper was asked
    bool configured = false;     // by every node
    std::uint32_t definers = 0;  // clients
    std::vector<std::pair<LockId, std::uint32_t>> waiting;  // until it is known: lock, operation
};

// As this node keeps it for all.
struct KeptDomain {
    struct Use {
        std::uint64_t version = 0;  // that the node knows
        bool defined = false;       // by a client of it
    };
    Domain domain;
    std::uint64_t version = 0;
    std::map<std::uint32_t, Use> users;  // parties
};

// A DefineDomain that is not answered.
struct Definition {
    ClientId client;  // 0: it is gone
    RequestId request;
    std::uint32_t number = 0;
    Domain domain;
    bool fresh = false;
};

struct Timer {
    enum class Kind : std::uint8_t { kDeadline, kSearch } kind{};
    std::int64_t when = 0;
    std::uint64_t lock = 0;
    std::uint32_t op = 0;
    bool operator<(const Timer& other) const { return when > other.when; }  // earliest on top
};

struct LockManager::Impl {
    explicit Impl(LockManagerOptions given);

    // ---- manager.cpp: inputs and time
    void on(const Received& input);
    void on(const Tick&) { go_on(); }
    void run_timers();
    void run_posted();
    std::optional<MonoTime> deadline() const;
    void arm(std::uint32_t lock, std::int64_t when, Timer::Kind kind);
    std::int64_t ms() const { return now.time_since_epoch().count(); }
    void note(LogLevel level, std::string event, std::string text) {
        out->push_back(Note{level, std::move(event), std::move(text)});
    }

    // ---- lease.cpp: nothing is answered past it
    void on(const LeaseKnown& input);
    void look_at_lease();
    void suspend_clients();
    void resume_clients();
    void withhold(std::size_t first);
    void release_withheld();
    void revoke_withheld();
    void forget_withheld(ClientId client);

    // ---- clients.cpp: what clients ask
    void on(const ClientOpened& input);
    void on(const ClientGone& input);
    void on(const Enqueue& input);
    void on(const Convert& input);
    void on(const Dequeue& input);
    void on(const Cancel& input);
    void on(const DequeueAll& input);
    void on(const Purge& input);
    Client* client_of(ClientId id);
    LockStatus check(const Enqueue& input, const Client& client);
    LockStatus check(const Convert& input, const Lock& lock) const;
    void adopt(const Enqueue& input, std::uint32_t resource);
    std::vector<std::uint32_t> leaves_first(const Client& client, std::uint32_t top) const;
    void drop(std::uint32_t lock);
    void purge(std::uint32_t pid);
    void reply(ClientId client, RequestId request, LockStatus status, LockId lock = LockId(0));

    // ---- domains.cpp: rights
    void on(const DefineDomain& input);
    static std::uint8_t rights_of(const Client& client, const Domain& domain);
    static std::uint8_t rights_for(std::uint32_t flags);
    static std::uint8_t rights_for(const Convert& input, const Lock& lock);
    std::uint8_t rights_on(const Client& client, std::uint32_t resource) const;
    NodeId keeper_of(std::string_view domain) const;
    KnownDomain* use_domain(const Client& client, std::string_view name);
    void tell_use(const KnownDomain& known);
    void tell_uses();
    void leave_domain(const std::string& name);
    void leave_domains();
    LockStatus may_ask_in(const Client& client, std::string_view domain, std::uint8_t needed);
    LockStatus may_adopt(const Client& client, std::string_view domain, std::uint8_t needed) const;
    bool admitted(std::uint32_t lock);
    void send_definition(const Definition& one);
    void end_definition(const std::string& name, bool told);
    void forget_definitions(ClientId client);
    void forget_abandoned_definitions();
    void revoke_definitions();
    void handle(std::uint32_t from, DomainMessage& m);
    void handle(std::uint32_t from, DefinedMessage& m);

    // ---- keeper.cpp: domains of all
    void keep_lost_uses();
    void forget_lost_uses();
    bool may_found(std::string_view name) const;
    void renew(KeptDomain& record);
    void settle_domain(KeptDomain& record);
    void settle_domains();
    LockStatus define(std::uint32_t from, const DefineMessage& m);
    void handle(std::uint32_t from, DomainUseMessage& m);
    void handle(std::uint32_t from, DomainLeftMessage& m);
    void handle(std::uint32_t from, DefineMessage& m);

    // ---- owner.cpp: operations of this node's clients, wherever the master is
    void begin_operation(std::uint32_t lock, RequestId request,
                         const std::optional<MonoTime>& deadline);
    void dispatch(std::uint32_t lock);
    void submit(std::uint32_t lock);
    void send_operation(std::uint32_t lock);
    bool stands_at_master(const Tree& tree) const;
    void ask_again(std::uint32_t lock);
    void wait_for(std::uint32_t lock, WaitCause cause);
    void convert_at_once(std::uint32_t lock, LockMode mode, std::uint32_t flags,
                         const ValueBlock& value);
    void dequeue(std::uint32_t lock, std::uint32_t flags, const ValueBlock* value);
    void cancel(std::uint32_t lock, bool timed_out);
    LockStatus cancelled_as(const Lock& lock) const;
    Message operation_of(std::uint32_t lock) const;

    // ---- held.cpp: what waits with its tree
    void hold(std::uint32_t lock, WaitCause cause);
    void route(Tree& tree, Message message);
    std::vector<std::uint32_t> sent_of(const Tree& tree) const;
    void hold_sent(std::uint32_t tree);
    void restart(std::uint32_t tree);
    void settle(std::uint32_t tree, std::uint32_t master);
    void flush_held(std::uint32_t tree);

    // ---- outcome.cpp: how they end
    void finish(std::uint32_t lock, LockStatus status, std::vector<CycleEntry> cycle = {});
    void granted_here(std::uint32_t lock);
    bool answers(const Lock& lock, std::uint32_t op) const;
    void learn_master(std::uint32_t lock, std::uint32_t from, bool stands);
    void handle(std::uint32_t from, QueuedMessage& m);
    void handle(std::uint32_t from, GrantedMessage& m);
    void handle(std::uint32_t from, RefusedMessage& m);
    void handle(std::uint32_t from, BlockingMessage& m);
    void handle(std::uint32_t from, BounceMessage& m);
    std::vector<CycleEntry> cycle_with(std::uint32_t lock,
                                       const RefusedMessage::Opponent& other) const;
    void tell_blocked(std::uint32_t lock, LockMode mode, NodeId node, std::uint32_t pid);
    static void take_mode(Lock& lock, LockMode held);

    // ---- lock_lists.cpp: whose locks they are
    void move_to_end(std::uint32_t lock);
    void move_to_front(std::uint32_t lock);
    void list_at_front(std::uint32_t lock);
    void list_at_end(std::uint32_t lock);
    void unlist(std::uint32_t lock);
    void destroy(std::uint32_t lock);
    void reap(std::uint32_t resource);
    void reap_empty(Tree& tree);

    // ---- master.cpp: other nodes' operations on trees mastered here
    void handle(std::uint32_t from, EnqueueMessage& m);
    void handle(std::uint32_t from, ConvertMessage& m);
    void handle(std::uint32_t from, DequeueMessage& m);
    void handle(std::uint32_t from, CancelMessage& m);
    void serve_enqueue(std::uint32_t party, std::uint32_t resource, const EnqueueMessage& m);
    bool undecided(std::uint32_t lock) const;
    void hold_cancel(std::uint32_t from, const CancelMessage& m);
    void retry_cancels();
    void answer(std::uint32_t lock, Engine::Outcome outcome);
    void answer_again(std::uint32_t lock);
    RefusedMessage::Opponent opponent() const;
    void send_granted(std::uint32_t lock);
    void send_refused(std::uint32_t lock, RefusedMessage refused);
    void carry_out_effects();
    void remove_lock(std::uint32_t lock, std::uint32_t flags, const ValueBlock* value);
    void count_use(Tree& tree, std::uint32_t party);
    WaitCause cause_of(std::uint32_t lock) const;

    // ---- lookup.cpp: the directory
    NodeId directory_of_root(std::string_view root) const {
        return directory_of(view.members, hash_of(root));
    }
    void look_up(std::uint32_t tree, std::uint32_t lock);
    void become_master(std::uint32_t tree, std::uint64_t token, std::uint32_t directory);
    std::uint32_t master_of(std::string_view root) const;
    bool promised(std::string_view root) const;
    bool may_assign(std::string_view root) const;
    bool proves_free(std::uint64_t hash) const;
    void answer_lookup(std::uint32_t from, EnqueueMessage& m);
    void retry_lookups();
    void vacate(Tree& tree);
    void claim(std::string_view root, std::uint32_t master, std::uint64_t token,
               std::uint32_t promised = 0);
    void handle(std::uint32_t from, AssignMessage& m);
    void handle(std::uint32_t from, ClaimMessage& m);
    void handle(std::uint32_t from, VacateMessage& m);
    void make_idle(std::uint32_t tree);
    void end_idle(std::uint32_t tree);
    void expire_idle();
    // Milliseconds until it is forgotten.
    std::int64_t idle_left(const Tree& tree) const {
        return options.idle.count() - (static_cast<std::uint32_t>(ms()) - tree.idle_since);
    }

    // ---- link.cpp: to and from peers
    void send(std::uint32_t party, const Message& message);
    void flush_links();
    void flush(Party& party);
    void hear(std::uint32_t party, const Begin& begin);
    void hear(std::uint32_t party, const Batch& batch);
    void handle_any(std::uint32_t from, Message& message);
    std::uint32_t party_of(NodeId node) const;
    std::uint32_t party_at(NodeId node, std::uint64_t when) const;

    // ---- view_change.cpp: who is there
    void on(const cluster::ViewCommitted& input);
    void on(const cluster::QuorumLost& input);
    void on(const cluster::TakeoverAllowed& input);
    void on(const cluster::Expelled& input);
    void freeze();
    void thaw();
    void dispatch_waiting();
    void update_parties(const cluster::View& next);
    void lose(std::uint32_t party);
    void await_takeover(std::uint32_t party);
    void await_takeover_or_release(std::uint32_t party);
    void count_pending();
    std::uint32_t party_for(cluster::MemberId id);
    void forget_parties(const cluster::View& next);
    void release_party(std::uint32_t party);
    void release_some();
    void release_more();
    void release_lost(std::uint32_t lock);
    void release_lost_in(std::uint32_t resource);
    // Lost, and it may hold what nobody knows of, or still stands in queues.
    bool anybody_pending() const { return !pending_haunts.empty() || !releasing.empty(); }

    // ---- recovery.cpp: what a new view asks for
    void start_recovery();
    bool may_recover() const;
    bool may_go_on() const;
    void go_on();
    // Some trees have not been looked at in this epoch.
    bool recovering() const { return recovered < recovered_end; }
    void prune_entries();
    void recover_trees();
    void recover_tree(std::uint32_t tree);
    void restart_all();
    void repeat_requests(const Tree& tree);
    void ask_of_queued(const Tree& tree);
    void tell_done();
    void check_complete();
    void handle(std::uint32_t from, DoneMessage& m);

    // ---- contribution.cpp: what this node tells
    void claim_bulk(std::uint32_t party, std::string root, std::uint32_t master,
                    std::uint64_t token);
    void claim_all(std::uint32_t party);
    void flush_bulk(std::uint32_t party);
    bool contribute(std::uint32_t tree);
    std::uint32_t fill_part(std::uint32_t from, std::size_t limit,
                            std::vector<LockImage>& locks) const;
    void fill_image(std::uint32_t lock, LockImage& image) const;
    std::vector<std::string> path_of(std::uint32_t resource) const;

    // ---- rebuild.cpp: what becomes of it
    struct Contribution {  // parts of a root are chained, by their places counted from 1
        std::uint32_t party = 0;
        std::uint32_t next = 0;
        std::uint32_t last = 0;  // of the first one's chain
        bool follows = false;
        std::string_view image;  // one of rebuild_images
    };
    void handle(std::uint32_t from, RebuildMessage& m);
    void add_parts(std::uint32_t party, TreeImages images);
    void add_part(std::uint32_t party, std::string_view image);
    void forget_parts();
    void finish_rebuilds();
    struct PartImage {
        std::uint32_t party = 0;
        TreeImage tree;
    };
    void fetch_part(const Contribution& part, PartImage& into);
    void finish_rebuild(std::span<const PartImage> parts,
                        std::map<std::uint32_t, MasteredMessage>& answers);
    void tell_mastered(std::uint32_t party, std::vector<MasteredMessage::Entry> entries_of_it);
    void end_recovery();
    void settle_own(std::string_view root, std::uint32_t master);
    void handle(std::uint32_t from, MasteredMessage& m);

    // ---- installation.cpp: a tree comes to life here
    std::uint32_t install(std::string_view root, std::span<const PartImage> parts);
    std::uint32_t resource_at(std::uint32_t root, const std::vector<std::string>& path);
    void prepare_install(std::uint32_t tree);
    std::uint32_t install_lock(std::uint32_t resource, const LockImage& image, std::uint32_t party);
    void restore_sorted(std::vector<std::uint32_t>& locks);
    void settle_middle_conversions(std::uint32_t tree_index,
                                   const std::vector<std::uint32_t>& installed);
    void settle_demotions(const std::vector<std::uint32_t>& installed);
    void choose_values(std::uint32_t tree);
    void choose_value(std::uint32_t resource);

    // ---- activity.cpp: when a tree is to move
    void watch(std::uint32_t tree);
    void scan_activity();
    bool may_move(const Tree& tree) const;
    bool may_master(std::uint32_t party) const;
    bool settled(const MasterState& state) const;
    void consider_move(std::uint32_t tree);
    void note_user(std::uint32_t tree, std::uint32_t party);
    void scan_users();

    // ---- move.cpp: how it does
    std::vector<std::uint32_t> users_of(const Tree& tree) const;
    void start_move(std::uint32_t tree, std::uint32_t target);
    void transfer(std::uint32_t tree);
    void give_away(std::uint32_t tree);
    void abort_move(std::uint32_t tree);
    void give_up_moves();
    void settle_moves_of_view();
    bool asks(const Tree& tree, std::uint32_t master) const;
    void hold_releases(std::uint32_t tree);
    void handle(std::uint32_t from, StopMessage& m);
    void handle(std::uint32_t from, StoppedMessage& m);
    void handle(std::uint32_t from, ResumeMessage& m);
    void handle(std::uint32_t from, MovedMessage& m);
    void handle(std::uint32_t from, MoveDoneMessage& m);

    // ---- arrival.cpp: to here
    void handle(std::uint32_t from, TransferMessage& m);
    void handle(std::uint32_t from, ClaimedMessage& m);
    void arrive(std::uint32_t from, std::vector<TransferMessage> parts);
    void unload(std::uint32_t root, const TransferMessage& part, std::vector<std::uint32_t>& ended);

    // ---- drain.cpp: all of them, away
    void on(const Drain& input);
    void drain_trees();
    void check_drained();

    // ---- chase.cpp: deadlocks
    void want_search();
    void run_search();
    void begin_search();
    void look_further();
    void look_again();
    void end_search(bool found);
    void handle(std::uint32_t from, LookMessage& m);
    void handle(std::uint32_t from, SeenMessage& m);
    void handle(std::uint32_t from, NudgeMessage& m);
    SeenMessage::Waiter waiter_info(std::uint32_t lock) const;
    struct Sight {  // an answer in the making
        SeenMessage seen;
        std::map<std::tuple<std::uint32_t, LockMode, LockMode>, std::uint32_t> sets;
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> owners;
    };
    void see_waiter(const LookMessage::Name& name, Sight& sight);
    std::uint32_t see_holders(const Lock& lock, Sight& sight) const;
    void see_blocker(const Blocker& blocker, Sight& sight);
    void see_owner(const Lock& of, SeenMessage::Owner& owner) const;
    Blocker blocker_of(std::uint32_t lock, bool holds) const;
    void ask(const std::vector<std::uint32_t>& waiters,
             const std::vector<std::uint32_t>& obstacles);
    void kill(const WaitGraph::Cycle& cycle);
    std::uint32_t lock_of(NodeId node, LockId lock);
    void handle(std::uint32_t from, PurgeMessage& m);

    MasterState& more(Tree& tree) {
        if (!tree.more) {
            tree.more = std::make_unique<MasterState>();
        }
        return *tree.more;
    }
    bool moving(const Tree& tree) const {
        return tree.state == TreeState::kLocal && tree.more && tree.more->move != 0;
    }
    NodeId self() const { return options.self.node; }
    std::uint64_t epoch() const { return view.epoch.value(); }
    NodeId node_of(std::uint32_t party) const { return parties[party].id.node; }

    LockManagerOptions options;
    MonoTime now;
    std::vector<LockOutput>* out = nullptr;
    MonoTime lease = MonoTime::max();
    bool lapsed = false;               // it is over, and nobody has told this node yet
    std::vector<LockOutput> withheld;  // answers of that time
    std::set<LockId> withheld_locks;

    Store store;
    Engine engine{store};
    std::vector<Client> clients;
    std::map<std::string, KnownDomain, std::less<>> domains;
    std::vector<Definition> definitions;
    std::uint32_t last_definition = 0;
    std::map<std::string, KeptDomain, std::less<>> kept_domains;
    std::uint64_t kept_version = 0;  // the last one given
    std::vector<std::pair<std::uint32_t, DefineMessage>> awaited_definitions;
    std::string key;  // reused
    bool expelled = false;
    bool draining = false;
    bool drained = false;

    std::vector<std::pair<std::uint32_t, CancelMessage>> held_cancels;  // by whom, until decided
    std::vector<Timer> timers;                                          // heap
    std::vector<std::pair<LockId, std::uint32_t>> waiting_for_quorum;   // lock, operation

    // ---- the cluster
    cluster::View view;  // the last one with quorum
    bool frozen = true;  // no quorum now
    std::uint64_t previous_epoch = 0;
    std::deque<Party> parties{2};
    std::vector<std::uint32_t> members;  // parties, this one included
    std::vector<std::uint32_t> to_flush;
    std::deque<Message> posted;        // to itself
    std::uint64_t message_issued = 0;  // epoch in which the message in hand was made
    std::uint32_t haunts = 0;
    std::set<std::uint32_t> pending_haunts;
    std::vector<std::uint32_t>
        releasing;  // parties that hold nothing any more, but stand in queues
    History history;

    // ---- directory
    DirectoryEntries entries;
    std::uint64_t released_token = 0;  // above every token of trees given up here
    struct Lookup {
        std::uint32_t party = 0;
        EnqueueMessage message;
    };
    std::vector<Lookup> lookups;             // that cannot be answered yet
    std::vector<std::uint32_t> own_lookups;  // trees, likewise
    std::uint32_t idle_first = 0, idle_last = 0;

    // ---- recovery
    static constexpr std::int64_t kAwaitBegin = 20;  // milliseconds
    std::uint32_t recovered = 0, recovered_end = 0;  // trees looked at in it; where that ends
    std::int64_t recover_anyway = 0;                 // milliseconds: whoever has not begun
    bool finishing = false;  // everybody has spoken: what is to be rebuilt here comes to life
    bool complete = false;   // all of it has
    std::set<std::string, std::less<>>
        unresolved;  // stopped trees: only the mover knows the master
    std::deque<TreeImages> rebuild_images;
    std::deque<Contribution> rebuilds;
    Table rebuild_roots;  // the first part of each
    std::size_t rebuilt = 0;
    TreeImage image_in_hand;                // reused
    std::vector<PartImage> images_in_hand;  // reused
    std::map<std::uint32_t, RebuildMessage> bulk_rebuild;
    std::map<std::uint32_t, ClaimMessage> bulk_claim;
    std::map<std::uint32_t, std::size_t> bulk_size;
    std::vector<std::uint32_t> to_restart;  // trees
    bool shares_changed = false;            // of the directory, not only by departures
    bool departures = false;
    bool looked_at_all = true;  // at all trees, in the epoch before

    // ---- moves
    std::map<std::string, Moving, std::less<>> moves;  // from here, by root
    struct Incoming {
        std::uint32_t from = 0;
        std::vector<TransferMessage> parts;
    };
    std::map<std::string, Incoming> incoming;
    struct Arrival {
        std::string root;
        std::uint32_t from = 0;
        std::uint32_t number = 0;  // the mover's
    };
    std::map<std::uint32_t, Arrival> arrivals;  // that the directory has not confirmed
    std::uint32_t move_number = 0;
    std::vector<std::uint32_t> watched;  // trees
    std::int64_t next_scan = 0;
    std::vector<std::uint32_t> noted;  // trees
    std::int64_t next_users = 0;       // when to look at who used them; 0: nobody has
    std::int64_t moves_due = 0;        // when to look for users that do not answer; 0: not
    std::int64_t next_drain = 0;       // when to try again; 0: not
    std::uint64_t moves_done = 0;
    std::size_t mastered = 0;  // trees

    // ---- deadlocks
    std::int64_t ahead = 0;  // of the cluster's time before this node's, milliseconds
    struct Search {
        enum class Stage { kIdle, kLooking, kConfirming } stage{};
        std::uint32_t round = 0;
        std::size_t awaited = 0;    // answers
        std::int64_t started = 0;   // milliseconds
        std::int64_t next = 0;      // when to begin; 0: nothing waits
        std::int64_t earliest = 0;  // for the one after: what the last one cost
        std::int64_t pause = 0;
        WaitGraph first, second;
        std::vector<WaitGraph::Cycle> cycles;  // whose victim is here
    } searching;
    struct Verdict {
        std::uint32_t op = 0;
        std::vector<CycleEntry> cycle;
    };
    std::map<LockId, Verdict> verdicts;  // on their way by the master
    std::uint64_t deadlocks = 0;
};

}  // namespace quorate::lockmgr
