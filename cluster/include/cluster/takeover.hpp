#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "cluster/group_message.hpp"
#include "cluster/machine.hpp"
#include "cluster/view.hpp"

// When what a lost life held may be used. Every member asks its own fencers, the lease fencer among
// them, and tells the group which it still waits for; a life is taken over from when every member
// of the view has said, in this epoch, that it waits for none. No member leads this, so none can be
// missed; a new view asks again, but what a fencer has confirmed stays confirmed.
//
// Heirs are asked last, when every member waits for heirs alone: by then the lost life can touch
// nothing any more, and what it held is still kept from everybody.
namespace quorate::cluster {

inline constexpr const char* kLeaseFencer = "lease";
// Whether a fencer of this name is of a program that goes on with what lost lives left.
bool is_heir(std::string_view name);

class Takeover {
public:
    using Output = std::variant<Fence, Multicast, TakeoverAllowed>;

    explicit Takeover(MemberId self) : self_(self) {}

    // `over`: from when on the lost life has no lease, as this node knows it. Does not change while
    // the life is not a member.
    void adopt(BootTime now, const View& view, const std::function<BootTime(MemberId)>& over);
    // No quorum: nothing is allowed before the next view.
    void suspend() { quorate_ = false; }

    // ---- this node's fencers. At most kMaxFencers - 1: false, one more is too many.
    bool add(const std::string& name);
    void remove(const std::string& name);
    void confirmed(const std::string& name, MemberId lost);

    // What a member told the group, this one included.
    void heard(NodeId member, const Fencing& fencing);
    void tick(BootTime now);
    std::optional<BootTime> deadline() const;

    std::vector<Output> take() { return std::exchange(out_, {}); }
    // `lost` and what it waits for; names of members by `name_of`.
    std::vector<TakeoverStatus> status(BootTime now,
                                       const std::function<std::string(NodeId)>& name_of) const;

private:
    struct Lost {
        BootTime lease_over;
        bool lease_ended = false;
        std::optional<std::vector<std::string>> told;  // what this node told the group last
        bool heirs_asked = false;
        bool allowed = false;
    };
    std::vector<std::string> waiting(MemberId id, const Lost& lost) const;
    bool all_confirmed(MemberId id) const;
    bool is_fenced(MemberId id) const;
    const Fencing* word_of(NodeId member, MemberId id) const;
    void ask(const std::string& name, MemberId id) { out_.emplace_back(Fence{name, id, epoch_}); }
    void ask_heirs();
    void tell();
    void allow();

    MemberId self_;
    Epoch epoch_;
    bool quorate_ = false;
    std::vector<NodeId> members_;
    std::map<MemberId, Lost> lost_;
    std::set<std::string> fencers_;
    std::set<std::pair<MemberId, std::string>> confirmed_;
    std::map<std::pair<MemberId, NodeId>, Fencing> words_;  // the last of each member
    std::vector<Output> out_;
};

}  // namespace quorate::cluster
