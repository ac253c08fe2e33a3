#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "cluster/lease_page.hpp"
#include "cluster/machine.hpp"
#include "event_log.hpp"
#include "nodes.hpp"

namespace quorate::cluster {

// What the machine reports, as lines of the log, as events of the control API, and as what is
// remembered of it. Thread rule: io thread.
class Chronicle {
public:
    Chronicle(MemberId self, EventLog& events, Nodes& nodes)
        : self_(self), events_(events), nodes_(nodes) {}

    void note(const ViewCommitted& committed);
    void note(const QuorumLost& lost);
    void note(const TakeoverAllowed& allowed);
    void note(const Expelled& expelled);
    void note(const Refusal& refusal);
    void note(const LevelRefused& refused);
    void note(const Note& note);
    void note(const RingChanged& changed);
    // Only that it runs, or stalls for another reason than before.
    void note(const LeasePage& lease);
    void note_draining(bool draining);

    Epoch epoch() const { return epoch_; }
    // Nodes of corosync.conf that may not be members: the last refusal of each since it was one.
    std::vector<Refusal> refusals() const;
    // Why this process may not be a member, if so.
    const std::optional<Refusal::Cause>& own_refusal() const { return own_refusal_; }
    // Why the last RaiseLevel was not done; empty when it was, or was asked for before.
    std::string take_level_refusal() { return std::exchange(level_refusal_, ""); }
    std::string name_of(NodeId node) const;
    // When this process first was in a view with quorum.
    std::optional<WallTime> formed() const { return formed_; }
    // How often this ring of the circuit to a member of the view went down since it was opened.
    std::uint64_t breaks(MemberId peer, std::uint32_t ring) const;

private:
    bool is_configured(NodeId node) const;

    MemberId self_;
    EventLog& events_;
    Nodes& nodes_;
    Logger log_;
    Epoch epoch_;
    StallReason stalled_ = StallReason::kForming;  // kNone: the lease runs
    std::map<NodeId, std::string> names_;
    std::map<NodeId, Refusal> refusals_;
    std::optional<Refusal::Cause> own_refusal_;
    std::string level_refusal_;
    std::optional<WallTime> formed_;
    std::map<std::pair<MemberId, std::uint32_t>, std::uint64_t> breaks_;
};

// As JSON has it: JSON's numbers do not hold 64 bits.
std::string hexadecimal(std::uint64_t value);

}  // namespace quorate::cluster
