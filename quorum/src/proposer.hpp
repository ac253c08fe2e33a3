#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "quorum/ballot.hpp"
#include "slots.hpp"

namespace quorate::quorum {

// One node's part of Disk Paxos: asks that an epoch's votes go to an award. A proposer that finds
// another value in its epoch gives the epoch up instead of completing it: an epoch that nobody
// decides does no harm, the next one will do.
class Proposer {
public:
    explicit Proposer(NodeId self) { page_.node = self; }

    // What this node's ballot page says now; to be written when changed() is.
    const Ballot& page() const { return page_; }
    bool changed() const { return changed_; }
    // The page goes out with this sequence number.
    void written_as(std::uint64_t sequence) {
        page_.sequence = sequence;
        changed_ = false;
    }

    // What the last life left; `at_least`: a page that cannot be read is written anew as this.
    void restore(const Ballot& page) { page_ = page; }
    void replace_damaged(Epoch at_least);
    // What it says was not found on the disk.
    void write_again();

    bool busy() const { return stage_ != Stage::kIdle; }
    void begin(Epoch epoch, Award award);
    void abandon() { stage_ = Stage::kIdle; }

    enum class Outcome { kNone, kCommitted, kLost };
    // The page, as last changed, is on the disk.
    void completed(BootTime now);
    // All pages were read, beginning at `begun`.
    Outcome look(const Slots& slots, NodeSet nodes, BootTime begun);

private:
    enum class Stage { kIdle, kEntering, kAccepting, kCommitting };
    void enter(std::uint64_t above);

    Ballot page_;
    bool changed_ = false;
    Stage stage_ = Stage::kIdle;
    Award wanted_;
    std::optional<BootTime> on_disk_;
};

}  // namespace quorate::quorum
