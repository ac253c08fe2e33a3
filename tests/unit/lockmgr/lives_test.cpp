#include "node.hpp"

// How many lives of nodes a lock manager remembers.
namespace quorate::lockmgr {
namespace {

class Lives : public ::testing::Test {
protected:
    static cluster::MemberId life(std::uint64_t number) {
        return {NodeId(2), cluster::Incarnation(number)};
    }
    // Node 2 joins; epochs are two for a life.
    void join(std::uint64_t number) {
        auto view = testing::view_of(2 * number, {1, 2});
        view.members[1].id = life(number);
        node.give(cluster::ViewCommitted{view});
    }
    void leave(std::uint64_t number) {
        node.give(cluster::ViewCommitted{testing::view_of(2 * number + 1, {1}, {life(number)})});
    }
    void take_over(std::uint64_t number) {
        node.give(cluster::TakeoverAllowed{cluster::Epoch(2 * number + 1), life(number)});
    }
    std::size_t known() { return node.manager().counts().lives; }
    testing::Node node;
};

TEST_F(Lives, ThoseThatAreGoneForGoodAreForgotten) {
    for (std::uint64_t number = 1; number < 100; ++number) {
        join(number);
        EXPECT_LE(known(), 2U);
        leave(number);
        take_over(number);
    }
    node.open(1);
    EXPECT_EQ(node.lock(1, "a", LockMode::EX).status, LockStatus::kGranted);
}

TEST_F(Lives, OneThatIsWaitedForIsNot) {
    join(1);
    leave(1);
    join(2);
    leave(2);
    EXPECT_EQ(known(), 3U);
}

}  // namespace
}  // namespace quorate::lockmgr
