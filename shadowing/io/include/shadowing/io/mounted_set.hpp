#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/uring.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/set.hpp"

// The shell of the machine in shadowing/set.hpp: disks, clients, time. What depends on whether the
// set is shared with other nodes is its Surroundings.
namespace quorate::shadowing {

// What a client asks for: octets, multiples of the block.
struct UnitRequest {
    RequestKind kind = RequestKind::kRead;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    bool fua = false;
    // Of a write: what is written. Shared with the operations on members that may outlast the
    // request, which ends when the members that count have it.
    std::shared_ptr<const io::AlignedBuffer> data;
};
struct UnitReply {
    ReplyStatus status = ReplyStatus::kOk;
    std::shared_ptr<const io::AlignedBuffer> data;  // of a read
};
using UnitDone = std::function<void(UnitReply)>;

// What happened to it, the newest last, in words.
struct UnitEvent {
    std::uint64_t time = 0;  // seconds since 1970
    std::string text;
};

struct UnitStatus {
    SetStatus set;
    std::string refused;  // why it cannot be mounted, with the plan; empty: it is, or may be
    std::uint64_t octets = 0;
    std::uint32_t block_octets = 0;
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t flushes = 0;
};

// Lease, locks and witness of an opener, and how its disks are opened. Owned by its set. Thread
// rule: io thread.
class Surroundings {
public:
    using Feed = std::function<void(SetInput)>;

    virtual ~Surroundings() = default;
    // Before everything else. What is asked for is answered through `feed`, at once or later, until
    // stop().
    virtual void start(Feed feed) = 0;
    // Nothing is answered any more, and locks are given up without waiting.
    virtual void stop() = 0;
    virtual Moment now() = 0;
    virtual void ask(const ReadWitness& output) = 0;        // WitnessRead
    virtual void ask(const ReserveGeneration& output) = 0;  // Done
    virtual void ask(const WriteWitness& output) = 0;       // Done
    virtual void ask(const Lock& output) = 0;               // Locked, LockDenied, Blocking
    // `done` is called once, perhaps before the call returns.
    virtual void open_member(io::Uring& ring, const std::string& disk, Opened done) = 0;
};

struct MountOptions {
    std::string unit;  // "DSA1"
    Id128 set;
    std::uint8_t block_shift = 12;
    std::vector<std::string> disks;
    OpenerSlot slot;
    cluster::MemberId opener;
    bool accept_loss = false;  // SetOptions
    // Before the mount is decided: nodes that start together serve their disks one after the other.
    std::chrono::milliseconds wait_for_disks{0};
};

// Thread rule: io thread. Disks that cannot be opened are told in the plan and tried again; one
// that another process has open is waited for, 5 s.
class MountedSet {
public:
    // Begins at once. Errors: errc::refused; errno's values.
    static Result<std::unique_ptr<MountedSet>> open(boost::asio::io_context& io,
                                                    MountOptions options,
                                                    std::unique_ptr<Surroundings> surroundings);
    ~MountedSet();

    // `done` is called once, unless the set is destroyed first.
    void submit(UnitRequest request, UnitDone done);
    // What is known without reading, at once: from `offset` on, of `octets` at most, at least one.
    std::vector<Member::Extent> extents(std::uint64_t offset, std::uint64_t octets) const;
    // Calls `done` when the set is mounted, at once if it is.
    void when_mounted(std::function<void()> done);
    // How the operator's word ends: done, or errc::refused and why. Not called once the set is
    // gone.
    using Asked = std::function<void(Status)>;
    // Becomes a member and is overwritten. Its label says that it is of this set. Ends when it is a
    // target of a copy; that waits for whatever anybody may have under way on it.
    void add(const std::string& disk, Asked done);
    // `keep_changes`: it may come back by minicopy.
    void remove(const std::string& disk, bool keep_changes, Asked done);
    // Grows to what the smallest disk has room for.
    void expand(Asked done);
    void steer(const Steer& word);
    // Another opener is about to add it.
    Status know(const std::string& disk);
    // What label_disk() wants of a disk that is to be added. The set is mounted.
    Label like() const;
    // Answers what was asked for, then `done` is called and the set may be destroyed; `clean`: the
    // next mount needs neither merge nor copy.
    void dismount(std::function<void(bool clean)> done);
    // Of another opener of the set.
    void opener_lost(OpenerSlot slot, cluster::MemberId opener);
    // Something that now() tells may have changed.
    void look();
    // Asks for nothing any more and answers nobody; `done` when nothing of it can take effect.
    void retire(std::function<void()> done);
    UnitStatus status() const;
    const std::deque<UnitEvent>& events() const;  // at most kMaxEvents
    static constexpr std::size_t kMaxEvents = 64;
    const std::string& unit() const;
    Id128 set_id() const;

private:
    struct Impl;
    explicit MountedSet(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;  // shared with what is under way on disks
};

}  // namespace quorate::shadowing
