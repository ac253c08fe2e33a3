#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/random.hpp"
#include "dismounting.hpp"
#include "expansion.hpp"
#include "job.hpp"
#include "mutation.hpp"
#include "pace.hpp"
#include "pending.hpp"
#include "request.hpp"
#include "scrub.hpp"
#include "shadowing/intent_log.hpp"

// The parts of a Set, a file each: operations.cpp, locks.cpp, change.cpp (of the membership, by
// this opener), membership.cpp (what others changed), requests.cpp (reads, writes, flushes),
// jobs.cpp (reconciling stretches), halves.cpp (those that cannot be read), merge.cpp (what a lost
// opener left), copy.cpp (new members), scrub.cpp (and how much of all that), expansion.cpp,
// dismount.cpp, status.cpp.
namespace quorate::shadowing {

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
    void on(const NameDevice& input);
    void on(const AddDevice& input);
    void on(const RemoveDevice& input);
    void on(const Steer& input);
    void on(const Expand&);
    void on(const Dismount&);
    void on(const Tick&);
    void slot_locked(OpenerSlot slot, Hold hold);
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
    void refuse(DeviceIndex device, std::string text) {
        out.emplace_back(SetNote{std::move(text), device});
    }

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
    bool fence_wanted() const {
        const auto* member = publishing.ready && target ? now_current.find(*target) : nullptr;
        return member != nullptr && is_target(member->role) && member->since == target_since &&
               publishing.fence > member->fence;
    }
    bool is_in(Id128 id) const {
        const auto* member = now_current.find(id);
        return member != nullptr && member->role != Role::kExpelled;
    }
    std::uint64_t stint(DeviceIndex device) const;
    std::int64_t expected_us(const Device& device) const;
    bool is_elsewhere(const Device& device) const {
        return options.site != 0 && device.site != 0 && device.site != options.site;
    }
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
    void expel_member(LabelMember& member);
    void add_member(Label& label, const Label& base);
    void settle_changes(Label& label) const;
    void fork_lineage();
    void reserve_generation();
    void write_labels();
    void label_written(const Op& op, Outcome outcome);
    void witness_written();
    void finish_change();
    bool labels_may_land() const;
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
    void read_by_job(RequestId id, ReadRequest& read);
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
    // What a lost opener left is not all merged, or nobody here knows yet: a target may lack what a
    // source was read to have.
    bool is_merge_due() const { return !mutated("promote_unmerged") && !pending.empty(); }
    std::uint64_t want_flush();
    void report_lost_cache();

    // ---- jobs.cpp
    std::uint64_t add_job(Job job);
    void progress_jobs();
    bool is_mended_already(std::uint64_t id, const Job& job) const;
    void begin_job(std::uint64_t id, Job& job);
    void restart_job(Job& job);
    void drain_job(Job& job);
    void job_done(OpId id, const Op& op, Outcome outcome);
    void compare(std::uint64_t id, Job& job);
    void compared(std::uint64_t id, Job& job);
    void fix(std::uint64_t id, Job& job, const Devices& devices);
    void end_job(std::uint64_t id, Job& job, ReplyStatus status);
    // ---- halves.cpp
    void unreadable_job(std::uint64_t id, Job& job);
    void halve_job(std::uint64_t id, Job& job);
    void half_done(std::uint64_t whole, ReplyStatus status);
    void progress_stall();

    // ---- merge.cpp
    void opener_lost(const OpenerLost& lost);
    void read_slot(OpenerSlot slot, Pending& pending);
    void slot_read(const Op& op, Outcome outcome, const IntentRead& input);
    void slot_known(OpenerSlot slot, Pending& pending);
    static bool is_merged_by_another(Pending& pending);
    void own_slot_clean();
    void progress_merge(OpenerSlot slot, Pending& pending);
    void progress_merges();
    void begin_merge(Pending& pending);
    IntentBlock cleared(IntentBlock block) const;
    void merge_chunk_done(OpenerSlot slot);

    // ---- copy.cpp
    void progress_copy();
    void check_logs();
    void log_checked(const Op& op, Outcome outcome, const IntentRead& input);
    void begin_copy(const LabelMember& member);
    Extent next_to_copy();
    std::uint64_t copied_below() const;
    void progress_fence();
    void copy_chunk_done(Extent extent, ReplyStatus status);

    // ---- scrub.cpp
    Pace& pace_of(Work work) { return options.paces[static_cast<std::size_t>(work)]; }
    const Pace& pace_of(Work work) const { return options.paces[static_cast<std::size_t>(work)]; }
    Pacer& pacer_of(Work work) { return pacers[static_cast<std::size_t>(work)]; }
    const Pacer& pacer_of(Work work) const { return pacers[static_cast<std::size_t>(work)]; }
    std::size_t jobs_allowed(Work work, std::size_t running);
    void work_done(Work work, const Job& job);
    bool scrub_due() const;
    void progress_scrub();
    void scrub_chunk_done(const Job& job, ReplyStatus status);
    bool scrub_decides(Job& job, const Devices& differing);

    // ---- status.cpp
    SetStatus status() const;
    MemberStatus member_status(DeviceIndex index) const;
    std::string why(const LabelMember* member, const Device& device) const;
    std::string why_stalled() const;
    WorkStatus work_status(Work work) const;
    void merge_status(WorkStatus& status) const;
    void copy_status(WorkStatus& status) const;
    void scrub_status(WorkStatus& status) const;

    // ---- minicopy.cpp
    void read_changes();
    void changes_read(const Op& op, const IntentRead& input);

    // ---- expansion.cpp
    void ask_for_room();
    void room_told();
    void progress_expansion();
    void zeroed(const Op& op, bool ok);
    bool may_grow(const Label& base, const Label& label) const;
    void end_expansion();

    // ---- dismount.cpp
    void progress_dismount();
    bool is_drained() const;
    void probe_other_openers();
    void other_opener_probed(bool gone);
    void write_clean_labels();
    void clean_label_written(bool ok);
    void leave(bool clean);
    void release_all();

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
        kGivingUp,    // a change, when no label of it can land any more
        kResting,     // gave up a change: tries again
        kDismounting  // everything is answered: no input but the ends of what dismounting asks for
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
    std::vector<LabelMember> base_members;
    bool forking = false;  // by the operator's word
    bool label_failed = false;
    WitnessWord adopting;
    BootTime rest_until;
    std::string why_given_up;
    // ---- wishes
    std::set<Id128> expel;
    std::set<Id128> whole_copy;  // of those: not to come back by minicopy
    std::set<Id128> copy_anew;   // targets whose fence does not hold any more
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
    std::uint64_t slot_rounds = 0;
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
    Changes changes;
    struct Publishing {
        std::uint64_t fence = 0;
        std::uint64_t flush = 0;
        bool ready = false;
    } publishing;
    BootTime publish_at;
    LogCheck log_check;
    // ---- work beside the clients' requests
    std::array<Pacer, kWorks> pacers;
    BootTime asked_at{};  // the newest request of a client
    Scrub scrub;
    std::optional<Expansion> expansion;
    std::optional<Dismounting> dismounting;
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
