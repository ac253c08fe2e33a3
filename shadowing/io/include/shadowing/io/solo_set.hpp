#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/uring.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/set.hpp"

// A shadow set of one machine without a cluster: one opener, whose lease always runs, that has
// every lock at once, and a file as the witness. The shell of the machine in shadowing/set.hpp.
namespace quorate::shadowing {

struct SoloOptions {
    std::string unit;  // "DSA1"
    std::vector<std::string> disks;
    std::string witness_file;
    bool accept_loss = false;  // SetOptions
};

// What a client asks for: octets, multiples of the block.
struct SoloRequest {
    RequestKind kind = RequestKind::kRead;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    bool fua = false;
    // Of a write: what is written. Shared with the operations on members that may outlast the
    // request, which ends when the members that count have it.
    std::shared_ptr<const io::AlignedBuffer> data;
};
struct SoloReply {
    ReplyStatus status = ReplyStatus::kOk;
    std::shared_ptr<const io::AlignedBuffer> data;  // of a read
};
using SoloDone = std::function<void(SoloReply)>;

struct SoloStatus {
    SetStatus set;
    std::string refused;  // why it cannot be mounted, with the plan; empty: it is, or may be
    std::uint64_t octets = 0;
    std::uint32_t block_octets = 0;
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t flushes = 0;
};

// Thread rule: io thread. Disks that cannot be opened are told in the plan and tried again.
class SoloSet {
public:
    // Errors: those of the first disk that carries no label of a set, if none does; errc::refused.
    static Result<std::unique_ptr<SoloSet>> open(boost::asio::io_context& io, SoloOptions options);
    ~SoloSet();

    // `done` is called once, unless the set is destroyed first.
    void submit(SoloRequest request, SoloDone done);
    // Calls `done` when the set is mounted, at once if it is.
    void when_mounted(std::function<void()> done);
    // Becomes a member and is overwritten. Its label says that it is of this set.
    Status add(const std::string& disk);
    Status remove(const std::string& disk);
    // Grows to what the smallest disk has room for.
    void expand();
    // Answers what was asked for, then `done` is called and the set may be destroyed; `clean`: the
    // next mount needs neither merge nor copy.
    void dismount(std::function<void(bool clean)> done);
    SoloStatus status() const;
    const std::string& unit() const;

private:
    struct Impl;
    explicit SoloSet(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;  // shared with what is under way on disks
};

}  // namespace quorate::shadowing
