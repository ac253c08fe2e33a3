#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "shadowing/intent_block.hpp"
#include "shadowing/label.hpp"
#include "shadowing/mount_plan.hpp"
#include "shadowing/status.hpp"

// One opener's view of one shadow set: every read, write and flush of the virtual unit, the
// membership, merge and copy. The shell carries out what it answers and says how it went.
//
// * Data stay with the shell: those of a client's write under its RequestId, those that were read
//   from a member under the OpId of the read, until the Reply that names it or DropData.
// * Every operation ends with exactly one of Done, LabelRead, IntentRead or WitnessRead; it carries
//   the cluster epoch of the lease under which it was asked for, and whoever serves the disk
//   refuses those of an opener that was fenced (Outcome::kRefused).
// * Locks are those of shadowing.md 2.11. Lock also converts, and takes the place of what was asked
//   for the same lock and is not granted yet; a conversion downwards may set the
//   value, which is the membership's generation. The locks of a dead opener are released only after
//   every other opener of the set was told OpenerLost, and that only after its operations can no
//   longer take effect.
// * Overlapping writes of one opener are carried out one after the other; those of different
//   openers are their own affair (they hold locks), as on any shared disk.
namespace quorate::shadowing {

using DeviceIndex = std::size_t;  // into SetOptions::devices
using OpId = Strong<struct OpIdTag, std::uint64_t>;
using RequestId = Strong<struct RequestIdTag, std::uint64_t>;  // chosen by the client, used once

struct SetDevice {
    std::string name;             // empty: a place for one that is added later
    std::uint32_t read_cost = 1;  // the lower, the nearer; 1 to 65535
    std::uint32_t site = 0;       // 0: of every site
};

struct SetOptions {
    Id128 set;
    std::vector<SetDevice> devices;  // at most kMaxMembers
    OpenerSlot slot;                 // of the write-intent log; no living opener has the same
    cluster::MemberId opener;
    std::uint64_t seed = 1;  // for ids of generations
    bool witnessed = true;   // somebody remembers generations (mount_plan.hpp)
    bool volunteers = true;  // copies, scrubs and expands here
    // The operator's word, for this mount alone: what may be old is mounted all the same, under a
    // lineage of its own; disks of the old one become members again by AddDevice only, and are
    // overwritten whole.
    bool accept_loss = false;
    std::chrono::milliseconds member_timeout{20'000};
    std::chrono::milliseconds mount_verification{3'600'000};  // then stalled requests fail
    std::chrono::milliseconds hedge_after{50};                // a read is asked of another member
    std::chrono::milliseconds retry_after{500};
    std::chrono::milliseconds clear_after{10'000};    // of the write-intent log
    std::chrono::milliseconds publish_after{10'000};  // of a copy's fence
    std::size_t hot_max = kMaxHotRegions;
    std::uint64_t chunk_blocks = 64;  // of merge and copy
    std::size_t jobs_max = 8;         // chunks at a time
    Paces paces{Pace{}, Pace{}, Pace{true, 10}};
    std::chrono::milliseconds scrub_every{50};  // a chunk, unless a pass is demanded
    std::uint32_t site = 0;  // where this node is: members of another are read when no other can be
};

// Whether this node may act (cluster/lease_page.hpp): as read when the input was in hand.
struct Lease {
    enum class State : std::uint8_t { kRunning, kStalled, kExpelled } state = State::kStalled;
    std::uint64_t epoch = 0;
    BootTime deadline;  // nothing may be done at or after it
};
struct Moment {
    BootTime now;
    Lease lease;
};

// ---- locks

enum class LockKind : std::uint8_t {
    kMembership,  // shared by every opener that is active; its value is the generation
    kSlot,        // exclusive by the opener of a slot; kWork by who merges what an earlier one left
    kStall,       // shared by all that write; exclusive: nobody writes
    kMember,      // shared by all that may have operations under way on a member
    kCopy,        // exclusive by who copies
    kExpand,      // exclusive by who expands
    kScrub        // exclusive by who scrubs unasked
};
struct LockName {
    LockKind kind = LockKind::kMembership;
    std::uint64_t number = 0;  // slot, or low half of the member's id
    auto operator<=>(const LockName&) const = default;
};
// kNull NL, kShared CR, kWork PW, kExclusive EX.
enum class Hold : std::uint8_t { kNone, kNull, kShared, kWork, kExclusive };
enum class ValueState : std::uint8_t {
    kFresh,    // nobody has the set mounted
    kInvalid,  // whoever changed the membership died over it
    kValid
};

// ---- inputs

enum class Outcome : std::uint8_t {
    kOk,
    kDiffers,     // CompareData
    kUnreadable,  // these blocks; the device works
    kFailed,      // the device, or the way to it
    kRefused      // not carried out, the epoch is old: again later
};
enum class RequestKind : std::uint8_t { kRead, kWrite, kZero, kFlush };

struct Start {};
struct Submit {
    RequestId request;
    RequestKind kind = RequestKind::kRead;
    Extent extent;  // none for kFlush
    bool fua = false;
};
struct Done {
    OpId op;
    Outcome outcome = Outcome::kOk;
};
// `life`: of the disk's volatile cache, drawn by whoever serves it. From now on operations of the
// device fail when it has another. `room_blocks`: for how many blocks of the set the disk, as large
// as it is now, has room behind its data offset; 0: for as many as its label says.
struct LabelRead {
    OpId op;
    std::optional<Label> label;
    std::uint64_t life = 0;
    std::string problem;
    std::uint64_t room_blocks = 0;
};
struct IntentRead {
    OpId op;
    Outcome outcome = Outcome::kOk;
    std::array<std::string, kIntentBlocks> blocks;
};
struct WitnessRead {
    OpId op;
    Witness witness;
};
struct Locked {
    LockName lock;
    Hold hold = Hold::kNone;
    ValueState state = ValueState::kFresh;  // of kMembership
    WitnessWord value;
};
struct LockDenied {
    LockName lock;
};
struct Blocking {
    LockName lock;
};
// Nothing of the opener of this slot can take effect any more.
struct OpenerLost {
    OpenerSlot slot;
    cluster::MemberId opener;
};
// No operation of this opener begun before CloseDevice can take effect on the device any more.
struct DeviceClosed {
    DeviceIndex device = 0;
};
// The operator's word: the device becomes a member, and is overwritten.
struct AddDevice {
    DeviceIndex device = 0;
    std::string name = {};  // of a place that had none
};
// A disk that somebody is about to make a member has this name here.
struct NameDevice {
    DeviceIndex device = 0;
    std::string name;
};
// The operator's word: it is expelled, unless it is the last source. `keep_changes`: it is to come
// back by minicopy, as what is expelled because it failed is; else it would be copied whole.
struct RemoveDevice {
    DeviceIndex device = 0;
    bool keep_changes = false;
};
// The operator's word on the work of this opener, from now on. What is stopped is begun no further,
// chunks that are under way end; while a merge is stopped, reads go on comparing.
struct Steer {
    Work work = Work::kCopy;
    Pace pace;
    // Of the scrub: a pass over everything begins now, here, without pauses but those of its share;
    // also that every block is the same on all members though no log says where to look.
    bool pass_now = false;
};
// The operator's word: the virtual unit grows to what the smallest member has room for. What is new
// reads as zeros.
struct Expand {};
// Answers everything that was asked for, gives up every lock and ends with Dismounted; no Submit
// comes any more.
struct Dismount {};
struct Tick {};

using SetInput = std::variant<Start, Submit, Done, LabelRead, IntentRead, WitnessRead, Locked,
                              LockDenied, Blocking, OpenerLost, DeviceClosed, NameDevice, AddDevice,
                              RemoveDevice, Steer, Expand, Dismount, Tick>;

// ---- outputs

// Data of a client's request, or those that an operation read.
struct DataOf {
    bool of_request = false;
    std::uint64_t id = 0;
};
struct ReadData {
    OpId op;
    DeviceIndex device = 0;
    Extent extent;
};
struct WriteData {
    OpId op;
    DeviceIndex device = 0;
    Extent extent;
    DataOf data;
    bool fua = false;
};
struct ZeroData {  // read back as zeros ever after, on every member alike
    OpId op;
    DeviceIndex device = 0;
    Extent extent;
    bool fua = false;
};
struct CompareData {
    OpId op;
    DeviceIndex device = 0;
    Extent extent;
    OpId with;
};
struct FlushDevice {
    OpId op;
    DeviceIndex device = 0;
};
struct ReadLabel {
    OpId op;
    DeviceIndex device = 0;
};
struct WriteLabel {  // both copies, each flushed
    OpId op;
    DeviceIndex device = 0;
    Label label;
};
struct ClearLog {  // all slots; flushed
    OpId op;
    DeviceIndex device = 0;
};
struct ReadIntent {
    OpId op;
    DeviceIndex device = 0;
    OpenerSlot slot;
};
struct WriteIntent {  // to intent_offset() of its slot, and flushed
    OpId op;
    DeviceIndex device = 0;
    IntentBlock block;
};
struct ReadWitness {
    OpId op;
};
struct ReserveGeneration {  // told to the witness before any label has the number
    OpId op;
    std::uint64_t number = 0;
};
struct WriteWitness {
    OpId op;
    WitnessWord word;
};
struct Lock {
    LockName lock;
    Hold hold = Hold::kShared;
    bool no_wait = false;  // now, past those that wait, unless a holder stands against it; or not
    std::optional<WitnessWord> value;  // with a conversion downwards
};
struct CloseDevice {
    DeviceIndex device = 0;
};
struct DropData {
    OpId data;
};
enum class ReplyStatus : std::uint8_t {
    kOk,
    kUnreadable,   // these blocks, on every member
    kLost,         // of a flush: acknowledged writes may be gone, every source lost its cache
    kUnavailable,  // mount verification took too long
    kOutOfRange
};
struct Reply {
    RequestId request;
    ReplyStatus status = ReplyStatus::kOk;
    std::optional<OpId> data;  // of a read
};
struct Mounted {
    std::uint64_t blocks = 0;
};
// The unit has grown; of Mounted's size no more than that.
struct Resized {
    std::uint64_t blocks = 0;
};
// Nothing more comes out. `clean`: this was the last opener and nothing is left to merge, which the
// labels say: the next mount needs neither merge nor copy, even after a power failure.
struct Dismounted {
    bool clean = false;
};
// The plan says why; it is tried again.
struct MountRefused {
    std::string plan;
};
struct SetNote {
    std::string text;
    // It says why what the operator asked of this device is not done; kMaxMembers: of the set.
    std::optional<DeviceIndex> refused = {};
};

using SetOutput = std::variant<ReadData, WriteData, ZeroData, CompareData, FlushDevice, ReadLabel,
                               WriteLabel, ClearLog, ReadIntent, WriteIntent, ReadWitness,
                               ReserveGeneration, WriteWitness, Lock, CloseDevice, DropData, Reply,
                               Mounted, Resized, Dismounted, MountRefused, SetNote>;
using SetOutputs = std::vector<SetOutput>;

// Thread rule: one caller at a time. After an input with an expelled lease nothing comes out any
// more: the opener ends.
class Set {
public:
    explicit Set(SetOptions options);
    ~Set();
    Set(Set&&) noexcept;
    Set& operator=(Set&&) noexcept;

    SetOutputs step(const Moment& moment, const SetInput& input);
    // When to step with Tick next.
    std::optional<BootTime> deadline() const;
    SetStatus status() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::shadowing
