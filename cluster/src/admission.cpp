#include "admission.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "codec.hpp"
#include "hash.hpp"
#include "mutation.hpp"

namespace quorate::cluster {
namespace {

using Entry = Hellos::value_type;
using Accepted = std::vector<const Entry*>;

// Applies the rules one after the other to those who are left.
class Admission {
public:
    explicit Admission(const Hellos& hellos) {
        for (const auto& entry : hellos) {
            accepted_.push_back(&entry);
        }
    }

    Decision decide() {
        by_identity();
        collect_lineages();
        by_lineage();
        by_node_id();
        by_level();
        by_earlier_lives();
        if (!accepted_.empty()) {
            decision_.proposal = propose();
        }
        return std::move(decision_);
    }

private:
    using Cause = Refusal::Cause;

    template <class Judge>
    void refuse_if(Judge judge) {
        Accepted rest;
        for (const auto* entry : accepted_) {
            if (const auto refusal = judge(*entry)) {
                const auto& self = entry->second.self;
                decision_.refused.push_back({entry->first,
                                             {.cause = refusal->first,
                                              .node = self.id.node,
                                              .name = self.name,
                                              .text = refusal->second}});
            } else {
                rest.push_back(entry);
            }
        }
        accepted_ = std::move(rest);
    }
    using Judgement = std::optional<std::pair<Cause, std::string>>;

    void by_identity();
    void collect_lineages();
    void by_lineage();
    void by_node_id();
    void by_level();
    void by_earlier_lives();
    bool counted(const Entry& entry) const;
    std::vector<MemberId> lost() const;
    void forget_earlier(std::set<MemberId>& gone) const;
    Proposal propose() const;
    static void count_votes(const Accepted& voters, View& view, bool& needs_disk);
    Epoch known(bool needs_disk) const;
    void choose_coordinator(View& view) const;
    void raise_level(View& view) const;

    Accepted accepted_;
    Decision decision_;
    Epoch floor_;
    std::vector<const Lineage*> lineages_;  // none supersedes another
    Lineage newest_;
    std::uint16_t level_ = 0;
};

void Admission::by_identity() {
    using Identity = std::pair<std::string, std::string>;
    // whether a member runs, whether there is a past, votes, newest lineage, lowest node id (turned
    // round, so that greater is better)
    using Weight = std::tuple<bool, bool, std::uint64_t, Epoch, std::uint32_t>;
    std::map<Identity, Weight> identities;
    for (const auto* entry : accepted_) {
        const auto& hello = entry->second;
        auto& [runs, past, votes, epoch, node] =
            identities[{hello.cluster_name, hello.key_fingerprint}];
        if (!mutated("votes_before_past")) {
            runs = runs || hello.joined > Epoch(0);
            past = past || hello.lineage.epoch > Epoch(0);
        }
        votes += hello.self.votes;
        epoch = std::max(epoch, hello.lineage.epoch);
        node = std::max(node, ~hello.self.id.node.value());
    }
    if (identities.size() < 2) {
        return;
    }
    // Apart, since clang 14 captures no structured binding.
    const auto& strongest = std::ranges::max_element(identities, {}, [](const auto& identity) {
                                return identity.second;
                            })->first;
    const auto& name = strongest.first;
    const auto& key = strongest.second;
    refuse_if([&](const Entry& entry) -> Judgement {
        const auto& hello = entry.second;
        if (hello.cluster_name != name) {
            return {{Cause::kClusterName,
                     fmt::format("its cluster is named {}, this one {}: correct [cluster] name",
                                 hello.cluster_name, name)}};
        }
        if (hello.key_fingerprint != key) {
            return {{Cause::kKey,
                     fmt::format("its cluster key is {}, this cluster's is {}: copy cluster.key "
                                 "from a member",
                                 hello.key_fingerprint, key)}};
        }
        return std::nullopt;
    });
}

void Admission::collect_lineages() {
    for (const auto* entry : accepted_) {
        const auto& hello = entry->second;
        floor_ = std::max({floor_, hello.floor, hello.disk_floor, hello.lineage.epoch});
        if (hello.lineage.epoch > newest_.epoch) {
            newest_ = hello.lineage;
        }
    }
    for (const auto* entry : accepted_) {
        const auto& lineage = entry->second.lineage;
        const bool superseded = std::ranges::any_of(accepted_, [&](const Entry* other) {
            return other->second.lineage.supersedes(lineage);
        });
        if (mutated("newest_lineage_only") ? lineage.epoch == newest_.epoch : !superseded) {
            lineages_.push_back(&lineage);
        }
    }
}

void Admission::by_lineage() {
    refuse_if([&](const Entry& entry) -> Judgement {
        const auto& hello = entry.second;
        const auto last = std::max(hello.joined, hello.may_have_joined);
        const auto without = std::ranges::find_if(lineages_, [&](const Lineage* lineage) {
            return last < lineage->epoch && !lineage->has(hello.self.id);
        });
        if (last == Epoch(0) || without == lineages_.end() || mutated("readmit_expelled")) {
            return std::nullopt;
        }
        return {{Cause::kExpelled,
                 fmt::format("the cluster went on without it in epoch {} (its last was {}): it "
                             "starts anew",
                             (*without)->epoch.value(), last.value())}};
    });
}

void Admission::by_node_id() {
    std::map<NodeId, const Entry*> holders;
    const auto rank = [&](const Entry& entry) {
        const auto id = entry.second.self.id;
        return std::tuple(counted(entry), entry.second.joined, ~id.incarnation.value());
    };
    for (const auto* entry : accepted_) {
        auto& holder = holders[entry->second.self.id.node];
        if (holder == nullptr || rank(*entry) > rank(*holder)) {
            holder = entry;
        }
    }
    refuse_if([&](const Entry& entry) -> Judgement {
        const auto* holder = holders[entry.second.self.id.node];
        if (holder == &entry) {
            return std::nullopt;
        }
        return {{Cause::kNodeIdTaken,
                 fmt::format("node id {} is taken by {}: give each machine its own, and run one "
                             "clusterd on it",
                             entry.second.self.id.node.value(), holder->second.self.name)}};
    });
}

void Admission::by_level() {
    for (const auto* lineage : lineages_) {
        level_ = std::max(level_, lineage->level);
    }
    if (newest_.epoch == Epoch(0)) {
        std::uint64_t best = 0;
        for (const auto* entry : accepted_) {
            const auto level = entry->second.self.levels.highest;
            std::uint64_t votes = 1;
            for (const auto* other : accepted_) {
                votes += other->second.self.levels.contains(level) ? other->second.self.votes : 0;
            }
            if (std::pair(votes, level) > std::pair(best, level_)) {
                best = votes;
                level_ = level;
            }
        }
    }
    refuse_if([&](const Entry& entry) -> Judgement {
        const auto& levels = entry.second.self.levels;
        if (levels.contains(level_)) {
            return std::nullopt;
        }
        return {{Cause::kProtocolLevel,
                 fmt::format("it speaks protocol levels {} to {}, the cluster runs level {}: "
                             "install a version that speaks it",
                             levels.lowest, levels.highest, level_)}};
    });
}

void Admission::by_earlier_lives() {
    Accepted had;
    std::ranges::copy_if(accepted_, std::back_inserter(had),
                         [&](const Entry* entry) { return counted(*entry); });
    View alone;
    bool needs_disk = false;
    count_votes(had, alone, needs_disk);
    // While those do without newcomers, half of the list is for a restart of all, after which they
    // are lost too.
    const auto most = alone.quorate ? kMaxLost / 2 : kMaxLost;
    auto crowd = lost().size() + accepted_.size();
    refuse_if([&](const Entry& entry) -> Judgement {
        if (crowd <= most || counted(entry)) {
            return std::nullopt;
        }
        --crowd;
        return {{Cause::kEarlierLives,
                 fmt::format("{} lost lives await takeover: see clusterctl cluster show",
                             lost().size())}};
    });
}

// Those of the lineages who are not here, except who every member with a past was told of.
std::vector<MemberId> Admission::lost() const {
    std::set<MemberId> gone;
    for (const auto* lineage : lineages_) {
        gone.insert(lineage->members.begin(), lineage->members.end());
        gone.insert(lineage->lost.begin(), lineage->lost.end());
    }
    for (const auto* entry : accepted_) {
        gone.erase(entry->second.self.id);
    }
    std::erase_if(gone, [&](MemberId id) {
        bool anybody = false;
        for (const auto* entry : accepted_) {
            const auto& hello = entry->second;
            if (hello.joined == Epoch(0)) {
                continue;
            }
            if (std::ranges::find(hello.taken_over, id) == hello.taken_over.end()) {
                return false;
            }
            anybody = true;
        }
        return anybody;
    });
    if (std::ranges::all_of(accepted_,
                            [](const Entry* entry) { return entry->second.joined == Epoch(0); })) {
        forget_earlier(gone);
    }
    return {gone.begin(), gone.end()};
}

bool Admission::counted(const Entry& entry) const {
    return std::ranges::any_of(
        lineages_, [&](const Lineage* lineage) { return lineage->has(entry.second.self.id); });
}

// After a restart of all. Nobody here was told of any of them, and what is over for the last life
// of a node is over for those before it: so the list cannot fill until nobody may come in any more.
void Admission::forget_earlier(std::set<MemberId>& gone) const {
    for (const auto* lineage : lineages_) {
        for (const auto id : lineage->lost) {
            const auto later = std::ranges::find(lineage->members, id.node, &MemberId::node);
            if (later != lineage->members.end() && gone.contains(*later)) {
                gone.erase(id);
            }
        }
    }
}

Proposal Admission::propose() const {
    Proposal proposal;
    auto& view = proposal.view;
    view.epoch = Epoch(floor_.value() + 1);
    for (const auto* entry : accepted_) {
        view.members.push_back(entry->second.self);
        proposal.vouchers.push_back(entry->first);
    }
    std::ranges::sort(view.members, {}, [](const Member& member) { return member.id; });
    view.level = level_;
    view.lost = lost();
    count_votes(accepted_, view, proposal.needs_disk);
    choose_coordinator(view);
    raise_level(view);
    if (view.quorate) {
        proposal.lineage.epoch = view.epoch;
        proposal.lineage.level = view.level;
        for (const auto& member : view.members) {
            proposal.lineage.members.push_back(member.id);
        }
        proposal.lineage.lost = view.lost;
        proposal.lineage.known = known(proposal.needs_disk);
    }
    return proposal;
}

// Votes of members count, not votes of machines that merely run Corosync: of two memberships with
// quorum each has a voter that knows of the other. And half is never enough, whatever two_node or
// auto_tie_breaker make votequorum say.
void Admission::count_votes(const Accepted& voters, View& view, bool& needs_disk) {
    bool quorate = !voters.empty();
    std::uint64_t votes = 0;
    view.disk_votes = ~0U;
    for (const auto* entry : voters) {
        const auto& hello = entry->second;
        quorate = quorate && hello.quorate;
        votes += hello.self.votes;
        view.quorum = std::max({view.quorum, hello.quorum, hello.expected_votes / 2 + 1});
        view.disk_votes = std::min(view.disk_votes, hello.disk_votes);
    }
    if (mutated("trust_votequorum")) {
        view.quorum = 1;
    }
    view.quorate = quorate && votes + view.disk_votes >= view.quorum;
    needs_disk = view.quorate && votes < view.quorum;
}

// A voter never vouches for an epoch up to a floor that it has said; and it has told of what it
// had vouched for. Two memberships share a voter, or both need the disk: then it is one.
Epoch Admission::known(bool needs_disk) const {
    auto least = accepted_.front()->second.floor;
    for (const auto* entry : accepted_) {
        const auto& hello = entry->second;
        least = std::min(least, needs_disk ? std::min(hello.floor, hello.disk_floor) : hello.floor);
    }
    for (const auto* lineage : lineages_) {
        least = std::max(least, lineage->known);
    }
    return least;
}

void Admission::choose_coordinator(View& view) const {
    view.coordinator = view.members.front().id.node;
    for (const auto& member : view.members) {
        if (newest_.has(member.id)) {
            view.coordinator = member.id.node;
            return;
        }
    }
}

void Admission::raise_level(View& view) const {
    if (!view.quorate) {
        return;
    }
    std::uint16_t wanted = 0;
    for (const auto* entry : accepted_) {
        wanted = std::max(wanted, entry->second.wanted_level);
    }
    const bool all_speak = std::ranges::all_of(
        view.members, [&](const Member& member) { return member.levels.contains(wanted); });
    if (wanted > view.level && all_speak) {
        view.level = wanted;
    }
}

// All that they must agree on; `draining` is not among it: members of before it existed do not
// know of it, and the weight of 0 that goes with it is.
void put(ByteWriter& out, const Member& member) {
    put(out, member.id);
    put_text(out, member.name);
    put_text(out, member.software);
    for (const auto& address : member.addresses) {
        put_text(out, address);
    }
    out.u32(member.votes);
    out.u32(member.directory_weight);
    out.u16(member.levels.lowest);
    out.u16(member.levels.highest);
}

std::uint64_t hash_of(const View& view) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u64(view.epoch.value());
    for (const auto& member : view.members) {
        put(out, member);
    }
    out.u8(view.quorate ? 1 : 0);
    out.u32(view.coordinator.value());
    out.u16(view.level);
    out.u32(view.quorum);
    out.u32(view.disk_votes);
    put(out, view.lost);
    return fnv1a(bytes);
}

}  // namespace

Decision decide(const Hellos& hellos) {
    auto decision = Admission(hellos).decide();
    if (decision.proposal) {
        decision.proposal->hash = hash_of(decision.proposal->view);
    }
    return decision;
}

}  // namespace quorate::cluster
