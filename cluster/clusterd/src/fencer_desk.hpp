#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "cluster/machine.hpp"

namespace quorate::cluster {

// Who is registered as an outside fencer of this node, whose program is attached, and what each was
// asked for and has not confirmed. The machine (cluster/takeover.hpp) decides what a takeover waits
// for; this is the books of it for the programs and the operator. No clock, no connection: the
// shell is fencers.hpp.
class FencerDesk {
public:
    struct Request {
        Epoch epoch;     // of the newest asking
        WallTime asked;  // of the first
    };
    struct Fencer {
        std::uint32_t uid = 0;      // who registered it
        std::uint64_t session = 0;  // of the attached program; 0: it is absent
        std::uint32_t process = 0;
        WallTime since;  // attached, or absent, from then on
        std::map<MemberId, Request> requests;
    };

    const std::map<std::string, Fencer>& fencers() const { return fencers_; }
    const Fencer* find(const std::string& name) const;
    bool is_attached(const std::string& name, std::uint64_t session) const;

    void add(const std::string& name, std::uint32_t uid, WallTime now);
    void remove(const std::string& name) { fencers_.erase(name); }
    // The program's; the one before it, if any, is attached no more.
    void attach(const std::string& name, std::uint64_t session, std::uint32_t process,
                WallTime now);
    // False: this session is attached no more.
    bool detach(const std::string& name, std::uint64_t session, WallTime now);

    // What the machine says. True: `fence` is the first asking for this life.
    bool ask(const Fence& fence, WallTime now);
    void adopt(const View& view);
    void taken_over(MemberId lost);
    // False: nothing of the kind was asked for.
    bool confirm(const std::string& name, MemberId lost);

    // What a program that was told `told` has yet to be told; moves `told`.
    using Told = std::map<MemberId, Epoch>;
    std::vector<std::pair<MemberId, Epoch>> news(const std::string& name, Told& told) const;

private:
    std::map<std::string, Fencer> fencers_;
};

using NameOf = std::function<std::string(NodeId)>;
// As docs/protocols/control.md has them.
boost::json::object fencer_row(const std::string& name, const FencerDesk::Fencer& fencer,
                               const NameOf& name_of);
boost::json::array fencer_rows(const FencerDesk& desk, const NameOf& name_of);
// "n3 (77aa...), n4 (12ab...)": the lives that it has not confirmed.
std::string owed_text(const FencerDesk::Fencer& fencer, const NameOf& name_of);

}  // namespace quorate::cluster
