#include <map>
#include <memory>

#include "directory.hpp"
#include "node.hpp"
#include "table.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;

constexpr std::uint32_t kAnn = 1, kBob = 2, kAdmin = 3;

// One record of a domain in the cluster, whichever node keeps it: of the names here each of two.
class DomainsOfTwo : public ::testing::TestWithParam<const char*> {
protected:
    DomainsOfTwo() {
        start(1);
        start(2);
        view(1, {1, 2});
    }
    void start(std::uint32_t number) {
        auto& node = nodes[number] = std::make_unique<Node>(number);
        node->open(kAnn, 1000, {1000});
        node->open(kBob, 1001, {1001, 50});
        node->open(kAdmin, 0, {0});
    }
    void view(std::uint64_t epoch, const std::vector<std::uint32_t>& members) {
        for (const auto member : members) {
            nodes[member]->give(cluster::ViewCommitted{testing::view_of(epoch, members)});
        }
        settle();
    }
    static constexpr cluster::MemberId kSecond{NodeId(2), cluster::Incarnation(200)};
    void lose_second() {
        nodes.erase(2);
        nodes[1]->give(cluster::ViewCommitted{testing::view_of(2, {1}, {kSecond})});
        settle();
    }
    void take_over_second() {
        nodes[1]->give(cluster::TakeoverAllowed{cluster::Epoch(2), kSecond});
        settle();
    }
    // While both are there.
    static bool kept_by_first() {
        return directory_of(testing::view_of(1, {1, 2}).members, hash_of(GetParam())) == NodeId(1);
    }
    // Until nobody says anything any more.
    void settle() {
        for (bool said = true; said;) {
            said = false;
            for (auto& [number, node] : nodes) {
                for (const auto& output : node->taken()) {
                    if (const auto* send = std::get_if<Send>(&output)) {
                        nodes[send->to.value()]->give(Received{NodeId(number), send->bytes});
                        said = true;
                    } else if (const auto* done = std::get_if<Completion>(&output)) {
                        ends[done->request.value()] = done->status;
                    }
                }
            }
        }
    }
    LockStatus use(std::uint32_t node, std::uint32_t client) {
        Enqueue input;
        input.client = ClientId(client);
        input.request = RequestId(++requests);
        input.domain = GetParam();
        input.name = "r";
        nodes[node]->give(input);
        settle();
        return ends.contains(requests) ? ends[requests] : Node::kPending;
    }
    LockStatus define(std::uint32_t node, std::uint32_t client, std::uint16_t mode) {
        nodes[node]->give(
            DefineDomain{ClientId(client), RequestId(++requests), {GetParam(), 1000, 50, mode}});
        settle();
        return ends.contains(requests) ? ends[requests] : Node::kPending;
    }
    void leave(std::uint32_t node, std::uint32_t client) {
        nodes[node]->give(ClientGone{ClientId(client)});
        settle();
    }
    // What nobody has a lock on is forgotten.
    void idle() {
        for (auto& [number, node] : nodes) {
            node->pass(std::chrono::seconds(11));
        }
        settle();
    }

    std::map<std::uint32_t, std::unique_ptr<Node>> nodes;
    std::map<std::uint64_t, LockStatus> ends;
    std::uint64_t requests = 0;
};

TEST_P(DomainsOfTwo, BelongToWhoFirstUsesThemOnAnyNode) {
    EXPECT_EQ(use(1, kAnn), kGranted);
    EXPECT_EQ(use(2, kBob), kNoRights);
    EXPECT_EQ(use(2, kAnn), kGranted);
    EXPECT_EQ(use(2, kAdmin), kGranted);
}

TEST_P(DomainsOfTwo, RootsAreNotForOthersEither) {
    EXPECT_EQ(use(1, kAdmin), kGranted);
    EXPECT_EQ(use(2, kBob), kNoRights);
}

TEST_P(DomainsOfTwo, ADefinitionHoldsOnEveryNode) {
    EXPECT_EQ(use(1, kAnn), kGranted);
    EXPECT_EQ(use(2, kBob), kNoRights);
    EXPECT_EQ(define(2, kAnn, 0710), kGranted);
    EXPECT_EQ(use(1, kBob), kGranted);
    EXPECT_EQ(use(2, kBob), kGranted);
    EXPECT_EQ(define(1, kBob, 0777), kNoRights);
    EXPECT_EQ(define(1, kAdmin, 0700), kGranted);
    EXPECT_EQ(use(2, kBob), kNoRights);
}

TEST_P(DomainsOfTwo, ANewOneIsRefusedWhileSomebodyElsewhereHasIt) {
    EXPECT_EQ(define(1, kAnn, right::kNewDomain | 0700), kGranted);
    EXPECT_EQ(define(2, kAnn, right::kNewDomain | 0700), kExists);
    EXPECT_EQ(define(2, kAnn, 0700), kGranted);
    leave(1, kAnn);
    EXPECT_EQ(define(2, kAdmin, right::kNewDomain | 0700), kExists);
    leave(2, kAnn);
    EXPECT_EQ(define(2, kAdmin, right::kNewDomain | 0700), kGranted);
}

TEST_P(DomainsOfTwo, AreForgottenWhenNobodyUsesThem) {
    EXPECT_EQ(use(1, kAnn), kGranted);
    EXPECT_EQ(use(2, kBob), kNoRights);
    leave(1, kAnn);
    idle();
    EXPECT_EQ(use(2, kBob), kGranted) << "its own now";
    nodes[1]->open(kAnn, 1000);
    EXPECT_EQ(use(1, kAnn), kNoRights);
}

TEST_P(DomainsOfTwo, AreKnownAfterWhoeverKeptThemIsLost) {
    EXPECT_EQ(define(1, kAnn, 0710), kGranted);
    EXPECT_EQ(use(1, kAnn), kGranted);
    nodes.erase(2);
    view(2, {1});
    EXPECT_EQ(use(1, kBob), kGranted);
    start(2);
    view(3, {1, 2});
    EXPECT_EQ(use(2, kBob), kGranted);
    EXPECT_EQ(define(2, kBob, 0777), kNoRights);
}

// Who asks while the keeper is lost is answered by the next one.
TEST_P(DomainsOfTwo, AQuestionOutlivesItsKeeper) {
    Enqueue input;
    input.client = ClientId(kAnn);
    input.request = RequestId(++requests);
    input.domain = GetParam();
    input.name = "r";
    nodes[1]->give(input);
    nodes[1]->give(
        DefineDomain{ClientId(kAnn), RequestId(++requests), {GetParam(), 1000, 50, 0710}});
    nodes.erase(2);
    nodes[1]->give(cluster::ViewCommitted{testing::view_of(2, {1})});
    for (const auto& done : nodes[1]->seen<Completion>()) {
        ends[done.request.value()] = done.status;
    }
    EXPECT_EQ(ends[requests - 1], kGranted);
    EXPECT_EQ(ends[requests], kGranted);
}

TEST_P(DomainsOfTwo, AFirstUseWaitsForQuorum) {
    nodes[1]->give(cluster::QuorumLost{cluster::Epoch(1)});
    EXPECT_EQ(use(1, kAnn), Node::kPending);
    view(2, {1, 2});
    EXPECT_EQ(ends[requests], kGranted);
}

// One that only a lost node uses: either this one has kept it all the time, or nobody knows.
TEST_P(DomainsOfTwo, ALostNodesDomainIsNobodyElsesUntilItIsTakenOver) {
    EXPECT_EQ(use(2, kAnn), kGranted);
    lose_second();
    if (kept_by_first()) {
        EXPECT_EQ(use(1, kBob), kNoRights);
        EXPECT_EQ(define(1, kAnn, 0777), kGranted);
        return;
    }
    EXPECT_EQ(use(1, kBob), Node::kPending);
    const auto asked = requests;
    EXPECT_EQ(define(1, kAdmin, 0700), Node::kPending);
    take_over_second();
    EXPECT_EQ(ends[asked], kGranted);
    EXPECT_EQ(ends[requests], kGranted);
}

TEST_P(DomainsOfTwo, ALostNodesDomainIsAnybodysAfterwards) {
    EXPECT_EQ(use(2, kAnn), kGranted);
    lose_second();
    take_over_second();
    EXPECT_EQ(use(1, kBob), kGranted);
}

// A domain that this node has kept since the lost one was there, and that nobody told of: free.
TEST_P(DomainsOfTwo, WhoKnowsThatNobodyUsesItDoesNotWait) {
    lose_second();
    EXPECT_EQ(define(1, kAnn, 0700), kept_by_first() ? kGranted : Node::kPending);
    take_over_second();
    EXPECT_EQ(ends[requests], kGranted);
}

// The definition of a client that leaves meanwhile does not count as one that is connected.
TEST_P(DomainsOfTwo, ADefinersEndIsHeardOfAfterItsDefinition) {
    EXPECT_EQ(use(1, kAdmin), kGranted);
    nodes[1]->open(4, 0);
    nodes[1]->give(DefineDomain{ClientId(4), RequestId(++requests), {GetParam(), 0, 0, 0700}});
    leave(1, 4);
    EXPECT_EQ(define(2, kAdmin, right::kNewDomain | 0700), kGranted);
}

INSTANTIATE_TEST_SUITE_P(Lockmgr, DomainsOfTwo, ::testing::Values("d", "e", "f", "g"));

}  // namespace
}  // namespace quorate::lockmgr
