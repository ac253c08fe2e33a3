#include "cluster/machine.hpp"

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "cluster/errc.hpp"
#include "frame.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MachineOptions options(std::uint32_t node, std::uint64_t incarnation) {
    MachineOptions options;
    auto& membership = options.membership;
    membership.self.id = {NodeId(node), Incarnation(incarnation)};
    membership.self.name = "n" + std::to_string(node);
    membership.self.levels = {1, 1};
    membership.self.addresses = {"a" + std::to_string(node), "b" + std::to_string(node)};
    membership.process = 100 + node;
    membership.cluster_name = "orchard";
    return options;
}

// Machines with a perfect group and perfect connections, but for those the test takes away.
class Cluster : public ::testing::Test {
protected:
    struct Node {
        explicit Node(MachineOptions with) : machine(std::move(with)) {}
        Machine machine;
        std::vector<MachineOutput> outputs;
        LeasePage page;
        bool runs = true;
    };
    struct Connection {
        std::uint32_t ring = 0;
        std::uint32_t ends[2] = {0, 0};
        std::uint32_t other(std::uint32_t node) const {
            return ends[0] == node ? ends[1] : ends[0];
        }
    };

    void start(std::uint32_t node, std::uint64_t incarnation) {
        nodes_.erase(node);
        nodes_.emplace(node, Node(options(node, incarnation)));
        feed(node, FloorLoaded{floors_[node]});
    }
    void start_three() {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            start(node, node);
        }
    }
    void ring(const std::vector<std::uint32_t>& members, bool quorate = true) {
        ring_.sequence += 4;
        GroupChanged change{ring_, {}, {}, {}};
        for (const auto node : members) {
            change.members.push_back({NodeId(node), 100 + node});
        }
        for (const auto node : members) {
            step(node, change);
        }
        for (const auto node : members) {
            step(node, QuorumChanged{ring_, quorate, 1, 3, 2});
        }
        settle();
    }
    void feed(std::uint32_t node, const MachineInput& input) {
        step(node, input);
        settle();
    }
    void step(std::uint32_t node, const MachineInput& input) {
        if (nodes_.at(node).runs) {
            carry_out(node, nodes_.at(node).machine.step(now_, input));
        }
    }
    void settle() {
        while (!events_.empty()) {
            const auto event = std::move(events_.front());
            events_.pop_front();
            event();
        }
    }
    void wait(milliseconds time) {
        for (const auto until = now_ + time; now_ < until;) {
            now_ += milliseconds(10);
            for (auto& [node, one] : nodes_) {
                if (const auto due = one.machine.deadline(); due && now_ >= *due) {
                    feed(node, Tick{});
                }
            }
        }
    }

    void carry_out(std::uint32_t node, MachineOutputs outputs) {
        for (auto& output : outputs) {
            if (const auto* word = std::get_if<Multicast>(&output)) {
                for (auto& [other, one] : nodes_) {
                    events_.push_back([this, node, to = other, bytes = word->bytes] {
                        step(to, GroupDelivered{{NodeId(node), 100 + node}, bytes});
                    });
                }
            } else if (const auto* write = std::get_if<WriteFloor>(&output)) {
                floors_[node] = write->floor;
                events_.push_back([this, node, epoch = write->floor.epoch] {
                    step(node, FloorWritten{epoch, false});
                });
            } else if (const auto* call = std::get_if<Dial>(&output)) {
                dial(node, *call);
            } else if (const auto* bytes = std::get_if<Write>(&output)) {
                write_on(node, *bytes);
            } else if (const auto* close = std::get_if<Close>(&output)) {
                close_on(node, close->connection);
            } else if (const auto* lease = std::get_if<PublishLease>(&output)) {
                nodes_.at(node).page = lease->page;
            }
            nodes_.at(node).outputs.push_back(std::move(output));
        }
    }
    void dial(std::uint32_t node, const Dial& call) {
        events_.push_back([this, node, call] {
            const auto peer = call.peer.node.value();
            if (!nodes_.contains(peer) || !nodes_.at(peer).runs) {
                step(node, DialFailed{call.peer, call.ring, "no answer"});
                return;
            }
            const ConnectionId id(++connections_made_);
            connections_[id] = {call.ring, {node, peer}};
            step(peer, Accepted{id});
            step(node, Dialled{call.peer, call.ring, id});
        });
    }
    void write_on(std::uint32_t node, const Write& write) {
        std::string bytes;
        for (const auto& piece : write.pieces) {
            bytes += piece.view();
        }
        events_.push_back([this, node, id = write.connection, bytes] {
            const auto it = connections_.find(id);
            if (it == connections_.end()) {
                return;
            }
            const auto to = it->second.other(node);
            if (!cut_.contains(it->second.ring)) {
                step(to, Received{id, bytes});
            }
            step(node, Written{id});
        });
    }
    void close_on(std::uint32_t node, ConnectionId id) {
        if (const auto it = connections_.find(id); it != connections_.end()) {
            const auto to = it->second.other(node);
            connections_.erase(it);
            events_.push_back([this, to, id] { step(to, Closed{id, "closed by the peer"}); });
        }
    }
    void kill(std::uint32_t node) {
        nodes_.at(node).runs = false;
        for (auto it = connections_.begin(); it != connections_.end();) {
            const auto [id, connection] = *it++;
            if (connection.ends[0] == node || connection.ends[1] == node) {
                close_on(node, id);
            }
        }
        settle();
    }

    Machine& of(std::uint32_t node) { return nodes_.at(node).machine; }
    MemberId id(std::uint32_t node) { return of(node).status(now_).self; }
    bool running(std::uint32_t node) {
        const auto& page = nodes_.at(node).page;
        return page.state == LeaseState::kRunning && now_ < page.deadline;
    }
    Status send(std::uint32_t from, MemberId to, std::string_view text) {
        auto sent = of(from).send(now_, to, Channel(1), text);
        if (!sent) {
            return tl::unexpected<Error>(sent.error());
        }
        carry_out(from, std::move(*sent));
        settle();
        return {};
    }
    template <class Output>
    std::vector<Output> said(std::uint32_t node) {
        std::vector<Output> found;
        for (const auto& output : nodes_.at(node).outputs) {
            if (const auto* one = std::get_if<Output>(&output)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    // An unknown end of a connection to node 3.
    ConnectionId stranger(std::string_view bytes) {
        const ConnectionId id(++connections_made_);
        feed(3, Accepted{id});
        feed(3, Received{id, bytes});
        return id;
    }
    std::string refusal() {
        const auto closes = said<Close>(3);
        return closes.empty() ? "" : closes.back().reason;
    }
    CircuitHello hello(std::uint32_t from, std::uint64_t incarnation) {
        CircuitHello hello;
        hello.from = {NodeId(from), Incarnation(incarnation)};
        hello.to = id(3);
        hello.cluster_name = "orchard";
        hello.levels = {1, 1};
        hello.since = Epoch(1);
        return hello;
    }

    BootTime now_{seconds(1000)};
    RingId ring_{NodeId(1), 4};
    std::map<std::uint32_t, Node> nodes_;
    std::map<std::uint32_t, std::optional<Floor>> floors_;
    std::deque<std::function<void()>> events_;
    std::map<ConnectionId, Connection> connections_;
    std::set<std::uint32_t> cut_;  // rings that carry nothing
    std::uint64_t connections_made_ = 0;
};

TEST_F(Cluster, AViewBringsCircuitsAndALease) {
    start_three();
    EXPECT_EQ(nodes_.at(1).page.reason, StallReason::kForming);
    ring({1, 2, 3});
    wait(milliseconds(50));
    for (std::uint32_t node = 1; node <= 3; ++node) {
        const auto status = of(node).status(now_);
        EXPECT_TRUE(running(node));
        EXPECT_EQ(status.circuits.size(), 2U);
        for (const auto& circuit : status.circuits) {
            EXPECT_TRUE(circuit.open);
            EXPECT_TRUE(circuit.rings[0].up && circuit.rings[1].up) << circuit.name;
        }
        EXPECT_EQ(status.transitions, 1U);
        EXPECT_EQ(status.expected_votes, 3U);
    }
}

TEST_F(Cluster, TheLowerNodeIdDials) {
    start_three();
    ring({1, 2, 3});
    EXPECT_EQ(said<Dial>(1).size(), 4U);
    EXPECT_EQ(said<Dial>(2).size(), 2U);
    EXPECT_TRUE(said<Dial>(3).empty());
    EXPECT_EQ(said<Dial>(2)[1].address, "b3");
}

TEST_F(Cluster, MessagesGoToMembersOnly) {
    start_three();
    ring({1, 2, 3});
    ASSERT_TRUE(send(1, id(3), "hello"));
    ASSERT_EQ(said<Deliver>(3).size(), 1U);
    EXPECT_EQ(said<Deliver>(3)[0].from, id(1));
    EXPECT_EQ(said<Deliver>(3)[0].payload, "hello");
    EXPECT_EQ(send(1, {NodeId(3), Incarnation(99)}, "x").error().code,
              make_error_code(errc::refused));
    EXPECT_FALSE(send(1, id(1), "x"));
    EXPECT_EQ(send(1, id(3), std::string(kMaxMessage + 1, 'x')).error().code,
              make_error_code(errc::too_large));
}

TEST_F(Cluster, ALostMembersLeaseIsWaitedForBeforeTakeover) {
    start_three();
    ring({1, 2, 3});
    wait(milliseconds(1000));
    const auto lost = id(3);
    kill(3);
    ring({1, 2});
    EXPECT_TRUE(said<TakeoverAllowed>(1).empty());
    const auto status = of(1).status(now_);
    ASSERT_EQ(status.takeovers.size(), 1U);
    EXPECT_EQ(status.takeovers[0].name, "n3");
    EXPECT_NE(status.takeovers[0].waiting_for.find("lease of n3 ends in 1."), std::string::npos)
        << status.takeovers[0].waiting_for;
    wait(milliseconds(1600));
    for (const std::uint32_t node : {1, 2}) {
        ASSERT_EQ(said<TakeoverAllowed>(node).size(), 1U);
        EXPECT_EQ(said<TakeoverAllowed>(node)[0].lost, lost);
    }
    EXPECT_TRUE(of(1).status(now_).takeovers.empty());
    EXPECT_TRUE(running(1)) << "the survivors' leases go on";
    EXPECT_FALSE(running(3));
}

TEST_F(Cluster, AFencerIsAskedAndWaitedFor) {
    start_three();
    feed(2, AddFencer{"rados"});
    ring({1, 2, 3});
    const auto lost = id(3);
    kill(3);
    ring({1, 2});
    wait(milliseconds(2000));
    ASSERT_EQ(said<Fence>(2).size(), 1U);
    EXPECT_EQ(of(1).status(now_).takeovers.at(0).waiting_for, "fencer rados of n2");
    feed(2, FencerConfirmed{"rados", lost});
    EXPECT_EQ(said<TakeoverAllowed>(1).size(), 1U);
}

TEST_F(Cluster, AMemberThatHearsNobodyStalls) {
    start_three();
    ring({1, 2, 3});
    wait(milliseconds(200));
    cut_ = {0, 1};
    wait(milliseconds(1600));
    EXPECT_FALSE(running(1));
    EXPECT_EQ(nodes_.at(1).page.reason, StallReason::kUnheard);
    cut_.clear();
    wait(milliseconds(4000));
    EXPECT_TRUE(running(1));
}

TEST_F(Cluster, OneRingIsEnough) {
    start_three();
    ring({1, 2, 3});
    wait(milliseconds(200));
    cut_ = {0};
    wait(milliseconds(300));
    ASSERT_TRUE(send(1, id(2), "a"));
    wait(milliseconds(1000));
    EXPECT_EQ(said<Deliver>(2).size(), 1U);
    EXPECT_TRUE(running(1));
}

TEST_F(Cluster, QuorumLostStallsAtOnce) {
    start_three();
    ring({1, 2, 3});
    wait(milliseconds(200));
    feed(1, QuorumChanged{ring_, false, 1, 3, 2});
    EXPECT_EQ(nodes_.at(1).page.reason, StallReason::kNoQuorum);
    EXPECT_EQ(said<QuorumLost>(1).size(), 1U);
}

TEST_F(Cluster, ExpelledIsSaidInThePageFirst) {
    start_three();
    ring({1, 2, 3});
    nodes_.at(3).runs = false;
    ring({1, 2});
    nodes_.at(3).runs = true;
    ring({1, 2, 3});
    EXPECT_EQ(nodes_.at(3).page.state, LeaseState::kExpelled);
    EXPECT_TRUE(of(3).expelled());
    const auto& outputs = nodes_.at(3).outputs;
    const auto expelled = std::ranges::find_if(
        outputs, [](const auto& output) { return std::holds_alternative<Expelled>(output); });
    ASSERT_NE(expelled, outputs.end());
    EXPECT_TRUE(std::any_of(outputs.begin(), expelled, [](const auto& output) {
        const auto* page = std::get_if<PublishLease>(&output);
        return page != nullptr && page->page.state == LeaseState::kExpelled;
    }));
    EXPECT_TRUE(of(3).step(now_, Tick{}).empty());
}

TEST_F(Cluster, ANewLifeHasANewCircuit) {
    start_three();
    ring({1, 2, 3});
    ASSERT_TRUE(send(1, id(3), "to the first"));
    kill(3);
    start(3, 33);
    ring({1, 2, 3});
    wait(milliseconds(100));
    ASSERT_TRUE(send(1, id(3), "to the second"));
    ASSERT_EQ(said<Deliver>(3).size(), 1U);
    EXPECT_EQ(said<Deliver>(3)[0].payload, "to the second");
    EXPECT_EQ(of(1).status(now_).circuits[1].peer, (MemberId{NodeId(3), Incarnation(33)}));
}

TEST_F(Cluster, StoppingEndsTheLeaseAtOnce) {
    start_three();
    ring({1, 2, 3});
    wait(milliseconds(100));
    carry_out(1, of(1).stop(now_));
    EXPECT_EQ(nodes_.at(1).page.reason, StallReason::kStopped);
}

TEST_F(Cluster, AHelloOfALifeThatIsInNoViewYetWaitsForIt) {
    start_three();
    ring({1, 2, 3});
    const auto connection = stranger(encode(hello(2, 22)));
    EXPECT_TRUE(said<Close>(3).empty());
    wait(seconds(5));
    ASSERT_FALSE(said<Close>(3).empty());
    EXPECT_EQ(said<Close>(3).back().connection, connection);
    EXPECT_EQ(refusal(), "node 2 is in no view of this node");
}

TEST_F(Cluster, StrangersAreRefusedWithTheReason) {
    start_three();
    ring({1, 2, 3});
    stranger("rubbish, and more than a header of it");
    EXPECT_NE(refusal().find("not a frame"), std::string::npos);
    auto foreign = hello(1, 1);
    foreign.cluster_name = "other";
    stranger(encode(foreign));
    EXPECT_EQ(refusal(), "node 1 is of another cluster");
    auto stale = hello(1, 1);
    stale.to.incarnation = Incarnation(333);
    stranger(encode(stale));
    EXPECT_EQ(refusal(), "node 1 wants node 3 in another life than this");
    stranger(encode(hello(4, 4)));
    EXPECT_EQ(refusal(), "node 4 dials, but the lower node id does");
    auto far = hello(1, 1);
    far.ring = 7;
    stranger(encode(far));
    EXPECT_EQ(refusal(), "node 1 uses ring 7, which this node has not");
    auto old = hello(1, 1);
    old.levels = {7, 9};
    stranger(encode(old));
    EXPECT_EQ(refusal(), "node 1 speaks protocol levels 7 to 9");
    std::string message;
    append_frame(message, FrameType::kMessage, Epoch(1), 1, "x");
    stranger(message);
    EXPECT_EQ(refusal(), "it does not begin with a hello alone");
    std::string large;
    append_frame(large, FrameType::kMessage, Epoch(1), 1, std::string(kMaxHello + 1, 'x'));
    stranger(std::string_view(large).substr(0, kFrameHeader));
    EXPECT_NE(refusal().find("frame of 513 octets"), std::string::npos) << "no memory for that";
    stranger(encode(hello(1, 1)) + message);
    EXPECT_EQ(refusal(), "it does not begin with a hello alone");
    EXPECT_FALSE(said<Close>(3).back().parting.empty());
    // Nobody else is disturbed.
    ASSERT_TRUE(send(1, id(3), "still"));
    EXPECT_EQ(said<Deliver>(3).size(), 1U);
}

TEST_F(Cluster, AConnectionThatSaysNothingIsClosed) {
    start_three();
    stranger("");
    wait(seconds(5));
    EXPECT_EQ(refusal(), "no hello came");
}

TEST_F(Cluster, OnlySoManyStrangersWait) {
    start_three();
    for (int i = 0; i < 128; ++i) {
        stranger("");
    }
    EXPECT_TRUE(said<Close>(3).empty());
    stranger("");
    EXPECT_EQ(refusal(), "too many connections wait for their view");
}

TEST(Solo, TheLeaseRunsForEverAndAnEarlierLifeIsTakenOverFromAtOnce) {
    auto with = options(1, 2);
    with.membership.solo = true;
    Floor floor;
    floor.epoch = floor.lineage.epoch = Epoch(5);
    floor.lineage.level = 1;
    floor.lineage.members = {{NodeId(1), Incarnation(1)}};
    Machine machine(with);
    std::vector<MachineOutput> outputs = machine.step(BootTime{}, FloorLoaded{floor});
    for (auto& output : machine.step(BootTime{}, FloorWritten{Epoch(6), false})) {
        outputs.push_back(std::move(output));
    }
    LeasePage page;
    std::size_t allowed = 0;
    for (const auto& output : outputs) {
        if (const auto* lease = std::get_if<PublishLease>(&output)) {
            page = lease->page;
        }
        allowed += std::holds_alternative<TakeoverAllowed>(output) ? 1 : 0;
        EXPECT_FALSE(std::holds_alternative<Multicast>(output));
    }
    EXPECT_EQ(page.deadline, kLeaseForEver);
    EXPECT_EQ(allowed, 1U);
    EXPECT_FALSE(machine.deadline());
}

}  // namespace
}  // namespace quorate::cluster
