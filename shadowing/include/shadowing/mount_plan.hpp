#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shadowing/label.hpp"

// What mounting a shadow set would do, decided from what can be read and told before it is done.
// Source: OpenVMS "Volume Shadowing", shadow set generation; but a lone disk that may be old is
// refused.
//
// A set may be mounted when the newest label found has every member that it calls a source present:
// each change of the membership is durable on all that stay before anything depends on it, so a
// newer label would stand on one of them. Are some absent, a witness must show that nobody has gone
// on without those present; the absent are expelled with the mount. Else only the operator's word
// helps (accept-loss): it begins a new lineage, and a disk of the old one never comes back by
// itself.
namespace quorate::shadowing {

// The newest generation that something outside the members has been told of, before anything
// depended on it.
struct WitnessWord {
    Id128 lineage;
    Generation generation;
    bool operator==(const WitnessWord&) const = default;
};

// What one node, or the quorum disk, remembers; nothing: it has never heard of the set.
struct NodeWord {
    std::uint32_t votes = 0;
    std::optional<WitnessWord> word;
    std::uint64_t reserved = 0;
};
// What those that answered have together, who have `quorum` votes or there is no witness. Nothing
// too if two generations of one number stand against each other and neither has the votes.
struct Witness {
    bool known = false;
    std::optional<WitnessWord> word;  // nothing: the set was never mounted
    // The greatest number under which a change was begun. Some labels may have it though the change
    // came to nothing; the next change has a greater one, so that it outranks them.
    std::uint64_t reserved = 0;
};
Witness witness_of(const std::vector<NodeWord>& words, std::uint32_t quorum);

// A disk that the configuration, or the operator, names.
struct NamedDisk {
    std::string name;
    std::optional<Label> label;
    std::string problem;  // why there is none: absent, unreadable, not a member, damaged
};

struct MountQuestion {
    Id128 set;  // none: what the labels say
    std::vector<NamedDisk> disks;
    std::optional<WitnessWord> mounted;  // the set is mounted: as its membership lock says
    Witness witness;
    bool accept_loss = false;
};

enum class DiskFate : std::uint8_t {
    kSource,    // FULL at once
    kCopy,      // all of it is overwritten where it differs
    kMinicopy,  // what was written since it left
    kRefused    // not touched
};

struct PlannedDisk {
    std::string name;
    Id128 member;  // none if refused for want of a label
    DiskFate fate = DiskFate::kRefused;
    std::uint64_t fence = 0;  // of kCopy: an earlier copy got so far
    std::string why;
};

enum class MergeNeed : std::uint8_t { kNone, kIntentLog };

struct MountPlan {
    bool allowed = false;
    std::string why;  // in one line, either way
    // The label that counts, if there is one: index of its disk.
    std::optional<std::size_t> authority;
    std::vector<PlannedDisk> disks;  // in the order of the question
    std::vector<Id128> expels;       // members that are absent and would be left behind
    bool new_lineage = false;
    MergeNeed merge = MergeNeed::kNone;

    // For the operator, one line per disk.
    std::string to_string() const;
};

// Whether a disk that left a set may come back by minicopy: the members of `now` know everything
// that may have changed since, because it was a member without a break until they began to keep it.
bool changes_are_kept(const Label& now, const Label& own);

MountPlan plan_mount(const MountQuestion& question);

}  // namespace quorate::shadowing
