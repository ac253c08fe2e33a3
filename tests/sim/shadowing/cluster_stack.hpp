#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../cluster/world.hpp"
#include "lockmgr/lock_manager.hpp"

namespace quorate::shadowing::simulator {

using cluster::MemberId;

// clusterd on every node of a World: membership, lease, circuits and takeover in the world of
// tests/sim/cluster, and on them the lock manager as it ships. Its clients and fencers are
// shadowd's, whose words and answers take their time.
class ClusterStack final : public cluster::simulator::Above {
public:
    struct Shadowd {
        std::function<void(std::size_t node, bool on)> power;
        std::function<void(std::size_t node, sim::Time until)> frozen;
        std::function<void(std::size_t node)> clusterd_ended;
        std::function<void(std::size_t node, const std::string& fencer, MemberId lost)> fence;
        // The first that may take over from it is about to.
        std::function<void(MemberId lost)> taken_over;
        std::function<void(std::size_t node, const lockmgr::LockOutput& output)> hear;
    };
    ClusterStack(sim::EventQueue& events, std::uint64_t seed, std::size_t nodes, Shadowd shadowd);
    ~ClusterStack() override;

    cluster::simulator::World& machines() { return *machines_; }

    BootTime now(std::size_t node) const;
    sim::Time when(std::size_t node, BootTime time) const;
    const cluster::LeasePage& page(std::size_t node) const { return nodes_[node].page; }
    // The clusterd that runs.
    std::optional<MemberId> life(std::size_t node) const;
    // A member under a lease, with nobody left to be taken over from.
    bool settled(std::size_t node) const;
    bool has_member(std::size_t node, MemberId life) const;
    bool reaches(std::size_t a, std::size_t b) const { return machines_->reaches(a, b); }

    // Of a client, in order; made when the lock manager reads it.
    using Question = std::function<lockmgr::LockInput()>;
    void ask(std::size_t node, Question question);
    // The fencer is there, and is asked again what it has not confirmed.
    void enlist(std::size_t node, const std::string& fencer);
    void confirm(std::size_t node, const std::string& fencer, MemberId lost);

    const std::string& breach() const { return breach_; }

private:
    struct Outbox {
        std::deque<std::string> packets;
        bool blocked = false;
    };
    struct Node {
        std::uint64_t process = 0;  // of clusterd; another number when none runs
        std::unique_ptr<lockmgr::LockManager> locks;
        cluster::View view;
        std::map<cluster::NodeId, Outbox> outboxes;
        std::vector<lockmgr::LockOutput> outputs;
        bool carrying = false;
        std::optional<sim::Time> armed;
        std::deque<Question> questions;
        sim::Time questions_ready{0};
        std::deque<lockmgr::LockOutput> answers;
        sim::Time answers_ready{0};
        cluster::LeasePage page;
        std::set<std::string> fencers;  // kept over clusterd's end
        std::set<std::pair<std::string, MemberId>> asked;
    };

    void power(std::size_t node, bool on) override;
    void frozen(std::size_t node, sim::Time until) override { shadowd_.frozen(node, until); }
    void started(std::size_t node) override;
    std::vector<std::string> fencers(std::size_t node) override;
    void ended(std::size_t node) override;
    void event(std::size_t node, const cluster::Event& event) override;
    void message(std::size_t node, const cluster::Deliver& message) override;
    void pressed(std::size_t node, const cluster::BackPressure& pressure) override;
    void lease(std::size_t node, const cluster::LeasePage& page) override;
    void fence(std::size_t node, const cluster::Fence& fence) override;

    void feed(std::size_t node, const lockmgr::LockInput& input);
    void carry(std::size_t node, lockmgr::LockOutput output);
    void flush(std::size_t node);
    void arm(std::size_t node);
    void read_questions(std::size_t node, std::uint64_t process);
    // Unless clusterd has ended meanwhile.
    void later(std::size_t node, sim::Time at, std::function<void()> action);
    sim::Time hop() { return sim::between(random_, sim::Time(20), sim::Time(400)); }

    sim::EventQueue& events_;
    Random random_;
    Shadowd shadowd_;
    std::vector<Node> nodes_;
    std::uint64_t next_process_ = 1;
    std::set<MemberId> taken_over_;
    std::string breach_;
    std::unique_ptr<cluster::simulator::World> machines_;
};

}  // namespace quorate::shadowing::simulator
