#pragma once

#include <bitset>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/random.hpp"
#include "mutation.hpp"
#include "shadowing/intent_log.hpp"
#include "shadowing/set.hpp"

// The parts of a Set. set.cpp: operations, locks, time; membership.cpp: mount and changes;
// requests.cpp: reads, writes, flushes, the write-intent log; jobs.cpp: reconciling stretches;
// merge.cpp: what a lost opener left; copy.cpp: new members.
namespace quorate::shadowing {

using Devices = std::bitset<kMaxMembers>;

// What an operation is for: who hears how it ended.
enum class Purpose : std::uint8_t {
    kRead,
    kWrite,
    kFlush,
    kIntent,
    kLabelForChange,
    kLabelForAdoption,
    kLabelForAddition,
    kWitnessRead,
    kWriteLabel,
    kClearLog,
    kReserve,
    kWriteWitness,
    kSlot,
    kClearSlot,
    kLogCheck,
    kJob
};

struct Op {
    DeviceIndex device = 0;
    Purpose purpose = Purpose::kRead;
    std::uint64_t owner = 0;  // request, slot, job, round
    std::uint64_t since = 0;  // the stint of the member for which it was asked
    BootTime started;
    bool late = false;
    std::optional<BootTime> again_at;  // was refused
    SetOutput output;
};

// One thing that every member must do, each once per stint in the set.
struct Fanout {
    std::array<std::uint64_t, kMaxMembers> done{};  // since + 1
    // Until it has ended it may take effect, whatever the member's role is by then.
    Devices under_way;
};

struct Device {
    std::string name;
    std::uint32_t read_cost = 1;
    std::optional<Label> label;  // as read last
    std::uint64_t life = 0;
    Id128 member;  // which member it is, if it is one
    bool suspect = false;
    bool locked = false;  // its kMember lock is held
    bool locking = false;
    bool closing = false;
    std::uint32_t queue = 0;
    std::int64_t latency_us = 0;
};

struct ReadRequest {
    Extent extent;
    Devices tried;
    Devices unreadable;
    std::set<OpId> ops;
    BootTime hedge_at;
    BootTime arrived;
    bool stalled = false;  // waits for the set to be active
};

struct WriteRequest {
    Extent extent;
    bool zero = false;
    bool fua = false;
    bool admitted = false;  // no earlier write overlaps
    bool hot = false;       // its regions are
    bool begun = false;     // some member may have it
    bool given_up = false;  // was answered, and is never begun
    BootTime arrived;
    Fanout members;
};

struct WaitingFlush {
    RequestId request;
    BootTime arrived;
};

struct FlushRound {
    std::uint64_t number = 0;
    std::uint64_t mark = 0;
    Fanout members;
    std::vector<WaitingFlush> requests;
};

// Makes a stretch equal on all sources, and on targets; reads what it then holds.
struct Job {
    Extent extent;
    bool sources = true;  // compare them
    bool targets = false;
    std::vector<RequestId> readers;
    // kDraining: begins anew when what it asked for has ended.
    enum class State : std::uint8_t {
        kWaiting,
        kReading,
        kComparing,
        kFixing,
        kDraining
    } state = State::kWaiting;
    std::uint32_t attempts = 0;
    bool needs_stall = false;
    DeviceIndex authority = 0;
    std::optional<OpId> data;
    std::set<OpId> ops;
    Devices unreadable;
    Devices differs;
    std::optional<OpenerSlot> slot;  // for the merge of
    bool copy = false;
};

// What a lost opener left.
struct Pending {
    bool known = false;
    std::set<std::uint32_t> regions;
    bool held = false;  // this opener merges
    bool own = false;
    bool probing = false;      // not known yet whether its opener is lost
    bool asked = false;        // for the slot's lock
    cluster::MemberId opener;  // who is lost
    std::size_t reading = 0;
    bool answered = false;
    std::optional<IntentBlock> best;
    enum class State : std::uint8_t {
        kWaiting,
        kReading,
        kMerging,
        kFlushing,
        kClearing,
        kDone
    } state = State::kWaiting;
    std::vector<Extent> left;  // chunks, last first
    std::size_t jobs = 0;
    std::uint64_t flush_round = 0;
    std::optional<IntentBlock> clearing;
    Fanout members;
    BootTime again_at;
};

// Whether a target has what the sources' write-intent logs say.
struct LogCheck {
    enum class State : std::uint8_t { kSource, kTarget, kDone } state = State::kSource;
    std::uint64_t round = 0;
    std::size_t waiting = 0;  // for answers
    bool behind = false;
    std::vector<std::uint64_t> needed = {};  // by slot: a sequence; 0: nothing is hot
    BootTime again_at = {};
};

struct Set::Impl {
    explicit Impl(SetOptions set_options);

    // ---- set.cpp
    void step(const SetInput& input);
    void on(const Start&);
    void on(const Submit& input);
    void on(const Done& input);
    void on(const LabelRead& input);
    void on(const IntentRead& input);
    void on(const WitnessRead& input);
    void on(const Locked& input);
    void on(const LockDenied& input);
    void on(const Blocking& input);
    void on(const OpenerLost& input);
    void on(const DeviceClosed& input);
    void on(const AddDevice& input);
    void on(const RemoveDevice& input);
    void on(const Tick&);
    void advance();
    bool may_act() const {
        return moment.lease.state == Lease::State::kRunning && moment.now < moment.lease.deadline;
    }
    // Operations for clients may be asked for and their ends believed.
    bool is_active() const { return phase == Phase::kActive && may_act() && members_locked(); }
    bool members_locked() const;
    OpId start(DeviceIndex device, Purpose purpose, std::uint64_t owner, SetOutput output);
    template <class Output>
    OpId ask(DeviceIndex device, Purpose purpose, std::uint64_t owner, Output output) {
        return start(device, purpose, owner, SetOutput(std::move(output)));
    }
    std::optional<Op> finish(OpId id, Outcome outcome);
    void dispatch(OpId id, const Op& op, Outcome outcome);
    void suspect(DeviceIndex device, const char* why);
    void drop(OpId data) { out.emplace_back(DropData{data}); }
    void lock(LockName name, Hold hold) { out.emplace_back(Lock{name, hold, false, {}}); }
    void look_at_time();
    void look_at_reads();
    void look_at_writes();
    void look_at_flushes();
    void ask_again();
    void wake_at(BootTime time) { wake = wake ? std::min(*wake, time) : time; }
    void note(std::string text) { out.emplace_back(SetNote{std::move(text)}); }

    // ---- members
    struct Current {
        const LabelMember* member = nullptr;
        DeviceIndex device = 0;
    };
    class Currents {
    public:
        void add(Current one) { items_[count_++] = one; }
        const Current* begin() const { return items_.data(); }
        const Current* end() const { return items_.data() + count_; }
        std::size_t size() const { return count_; }
        bool empty() const { return count_ == 0; }
        const Current& front() const { return items_[0]; }

    private:
        std::array<Current, kMaxMembers> items_{};
        std::size_t count_ = 0;
    };
    Currents current(bool sources, bool targets) const;
    const LabelMember* member_of(DeviceIndex device) const;
    bool is_current(const Op& op) const;
    std::uint64_t stint(DeviceIndex device) const;
    // Asks the devices given that have not done it and are not at it; true: all have done it.
    template <class Ask>
    bool spread(Fanout& fanout, const Currents& devices, Ask ask_device);
    static void settle(Fanout& fanout, const Op& op, bool ok);

    // ---- membership.cpp
    void begin_change();
    void change_locked(const Locked& input);
    void label_for_change(DeviceIndex device);
    void decide_change();
    const Label* basis(std::string& why);
    bool is_present(const LabelMember& member, const Label& base) const;
    void apply_wishes(Label& next, const Label& base, bool all_lives_lost);
    void reserve_generation();
    void write_labels();
    void label_written(const Op& op, Outcome outcome);
    void witness_written();
    void finish_change();
    void give_up(const std::string& why);
    void begin_adoption(const WitnessWord& word);
    void label_for_adoption();
    void label_for_addition();
    void adopt(const Label& label);
    void check_lives();
    void lock_members();
    void go_active();
    void release_membership();
    bool change_wanted() const;
    void start_mount_slots();

    // ---- requests.cpp
    void begin_read(RequestId id);
    void ask_read(RequestId id, ReadRequest& read);
    void stall_read(RequestId id, ReadRequest& read) {
        read.stalled = read.ops.empty();
        if (read.stalled) {
            stalled_reads.insert(id);
            wake_at(read.arrived + options.mount_verification);
        }
    }
    void read_done(OpId id, const Op& op, Outcome outcome);
    void reply_read(RequestId id, ReplyStatus status, std::optional<OpId> data);
    void admit_write(RequestId id, WriteRequest& write);
    void progress_writes();
    void progress(RequestId id, WriteRequest& write);
    bool may_begin_writes() const;
    void complete(RequestId id, const WriteRequest& write);
    void drop_write(RequestId id, const WriteRequest& write);
    void admit_blocked();
    void progress_intent();
    void progress_flush();
    bool is_merging(Extent extent) const;
    std::uint64_t want_flush();
    void report_lost_cache();

    // ---- jobs.cpp
    std::uint64_t add_job(Job job);
    void progress_jobs();
    void begin_job(std::uint64_t id, Job& job);
    void restart_job(Job& job);
    void drain_job(Job& job);
    void job_done(OpId id, const Op& op, Outcome outcome);
    void compare(std::uint64_t id, Job& job);
    void compared(std::uint64_t id, Job& job);
    void fix(std::uint64_t id, Job& job, const Devices& devices);
    void end_job(std::uint64_t id, Job& job, ReplyStatus status);
    void progress_stall();

    // ---- merge.cpp
    void opener_lost(const OpenerLost& lost);
    void read_slot(OpenerSlot slot, Pending& pending);
    void slot_read(const Op& op, Outcome outcome, const IntentRead& input);
    void slot_known(OpenerSlot slot, Pending& pending);
    void own_slot_clean();
    void progress_merge(OpenerSlot slot, Pending& pending);
    void progress_merges();
    void begin_merge(Pending& pending);
    void merge_chunk_done(OpenerSlot slot);

    // ---- copy.cpp
    void progress_copy();
    void check_logs();
    void log_checked(const Op& op, Outcome outcome, const IntentRead& input);
    void copy_chunk_done(Extent extent, ReplyStatus status);

    enum class Phase : std::uint8_t {
        kStopped,
        kLockingSlot,
        kLockingToChange,
        kReadingToChange,
        kReserving,
        kWritingLabels,
        kWritingWitness,
        kWaitingShared,
        kAdopting,
        kActive,
        kResting  // gave up a change: tries again
    };

    SetOptions options;
    Random random;
    Moment moment;
    SetOutputs out;
    std::optional<BootTime> wake;
    bool dead = false;

    std::map<OpId, Op> ops;
    std::uint64_t next_op = 1;
    std::vector<Device> devices;

    Phase phase = Phase::kStopped;
    bool mounted = false;     // clients were told
    bool slots_read = false;  // what earlier openers left is known
    Label now_current;        // the membership; `member` and `layout` mean nothing here
    bool has_current = false;
    Hold membership = Hold::kNone;
    bool membership_blocking = false;
    // ---- a change under way
    ValueState value_state = ValueState::kFresh;
    WitnessWord value;
    Witness witness;
    std::uint64_t tried = 0;      // the greatest number of a generation that this opener began
    std::size_t waiting_for = 0;  // answers
    Label next;
    bool label_failed = false;
    WitnessWord adopting;
    BootTime rest_until;
    // ---- wishes
    std::set<Id128> expel;
    std::optional<DeviceIndex> add;
    bool recover = false;  // the lock's value is invalid
    std::optional<Id128> promote;
    bool lost_cache = false;  // a flush must say so

    // ---- requests
    std::map<RequestId, ReadRequest> reads;
    std::set<RequestId> stalled_reads;
    std::map<RequestId, WriteRequest> writes;
    std::set<RequestId> restless;  // writes that may have to ask for something
    std::size_t begun = 0;
    std::optional<IntentLog> intent;
    std::optional<IntentBlock> intent_block;
    Fanout intent_members;
    std::optional<FlushRound> flush;
    std::vector<WaitingFlush> flush_waiting;
    bool flush_wanted = false;
    std::uint64_t flush_rounds = 0;  // begun
    std::uint64_t flushed_rounds = 0;

    // ---- jobs
    std::map<std::uint64_t, Job> jobs;
    std::uint64_t next_job = 1;
    Hold stall = Hold::kNone;
    bool stall_asked = false;
    bool stall_blocking = false;
    bool stall_wanted = false;
    std::map<OpenerSlot, Pending> pending;
    // ---- copy
    Hold copying = Hold::kNone;
    bool copy_asked = false;
    std::optional<Id128> target;
    std::uint64_t target_since = 0;
    std::uint64_t copy_next = 0;
    std::size_t copy_jobs = 0;
    std::vector<Extent> copy_unreadable;  // no source could read it: tried again until one can
    BootTime copy_again_at;
    std::uint64_t copy_flush = 0;
    LogCheck log_check;
};

template <class Ask>
bool Set::Impl::spread(Fanout& fanout, const Currents& members, Ask ask_device) {
    bool all = true;
    for (const auto& [member, device] : members) {
        const auto want = member->since + 1;
        if (fanout.done[device] == want) {
            continue;
        }
        all = false;
        if (!fanout.under_way[device] && !devices[device].suspect) {
            fanout.under_way.set(device);
            ask_device(device);
        }
    }
    return all;
}

}  // namespace quorate::shadowing
