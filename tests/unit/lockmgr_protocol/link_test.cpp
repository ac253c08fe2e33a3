#include "lockmgr/protocol/client_link.hpp"

#include <gtest/gtest.h>

namespace quorate::lockmgr {
namespace {

class Link : public ::testing::Test {
protected:
    ClientLink::Begun enqueue(wire::LockNumber parent = 0) {
        wire::Enqueue enqueue;
        enqueue.domain = "d";
        enqueue.parent = parent;
        return link_.enqueue(enqueue);
    }
    void complete(wire::RequestNumber request, wire::LockNumber lock, LockStatus status) {
        wire::Completion completion{request, lock, {}};
        completion.outcome.status = status;
        std::string bytes;
        wire::append(bytes, wire::Answer(completion));
        link_.receive(bytes);
        EXPECT_TRUE(*link_.next());
    }

    ClientLink link_;
};

TEST_F(Link, ANumberIsFreeWhenItsLockWasRefusedOrReleased) {
    const auto refused = enqueue();
    complete(refused.request, refused.lock, LockStatus::kNotQueued);
    const auto granted = enqueue();
    EXPECT_EQ(granted.lock, refused.lock);
    complete(granted.request, granted.lock, LockStatus::kGranted);
    EXPECT_NE(enqueue().lock, granted.lock);
    complete(link_.ask(wire::Dequeue{0, granted.lock, 0, {}}), granted.lock, LockStatus::kUnlocked);
    EXPECT_EQ(enqueue().lock, granted.lock);
}

TEST_F(Link, AConversionThatFailsFreesNothing) {
    const auto granted = enqueue();
    complete(granted.request, granted.lock, LockStatus::kGranted);
    complete(link_.ask(wire::Convert{0, granted.lock, LockMode::EX, 0, 0, {}}), granted.lock,
             LockStatus::kDeadlock);
    EXPECT_NE(enqueue().lock, granted.lock);
}

TEST_F(Link, TheReleaseOfANumbersLastLockDoesNotFreeItsNext) {
    const auto first = enqueue();
    const auto forced = link_.ask(wire::Dequeue{0, first.lock, flag::FORCEUNLOCK, {}});
    complete(first.request, first.lock, LockStatus::kCancelled);
    const auto second = enqueue();
    ASSERT_EQ(second.lock, first.lock);
    complete(forced, first.lock, LockStatus::kUnlocked);
    EXPECT_NE(enqueue().lock, second.lock);
}

TEST_F(Link, DequeueAllFreesWhatWasAskedForBefore) {
    const auto root = enqueue();
    const auto below = enqueue(root.lock);
    const auto all = link_.ask(wire::DequeueAll{0, root.lock});
    const auto later = enqueue(root.lock);
    complete(all, 0, LockStatus::kUnlocked);
    const auto next = enqueue();
    EXPECT_EQ(next.lock, below.lock);
    EXPECT_NE(enqueue().lock, later.lock);
}

TEST_F(Link, RubbishEndsTheConnection) {
    link_.receive(std::string_view("\1\0\0\0\x01", 5));
    EXPECT_FALSE(link_.next());
    ClientLink other;
    other.receive(std::string_view("\xff\xff\xff\0", 4));
    EXPECT_FALSE(other.next());
}

}  // namespace
}  // namespace quorate::lockmgr
