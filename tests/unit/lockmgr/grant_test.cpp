#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;
constexpr LockMode kAll[] = {NL, CR, CW, PR, PW, EX};

// The rules are those of dlm.md 2.3: Davis 6-3 to 6-11, Linux _can_be_granted.
class Grant : public testing::OneNode {};

TEST_F(Grant, Rule1ExpeditePassesBothQueues) {
    const auto holder = node.lock(1, "r", PR);
    node.lock(2, "r", EX);
    EXPECT_EQ(node.convert(1, holder.lock, EX, flag::NOQUEUE).status, kGranted);
    EXPECT_EQ(node.lock(3, "r", NL).status, Node::kPending) << "behind the one that waits";
    EXPECT_EQ(node.lock(4, "r", NL, flag::EXPEDITE).status, kGranted);
}

TEST_F(Grant, Rules2And3ModesHeldByOthersDecide) {
    for (const auto held : kAll) {
        for (const auto requested : kAll) {
            const auto name = std::string(name_of(held)) + std::string(name_of(requested));
            ASSERT_EQ(node.lock(1, name, held).status, kGranted);
            const auto status = node.lock(2, name, requested, flag::NOQUEUE).status;
            EXPECT_EQ(status, compatible(requested, held) ? kGranted : kNotQueued) << name;
        }
    }
}

TEST_F(Grant, AConvertingLockKeepsItsOldModeMeanwhile) {
    const auto first = node.lock(1, "r", PR);
    node.lock(2, "r", PR);
    EXPECT_EQ(node.convert(1, first.lock, EX).status, Node::kPending);
    EXPECT_EQ(node.lock(3, "r", CW, flag::NOQUEUE).status, kNotQueued);
    EXPECT_EQ(node.lock(3, "r", PR, flag::NOQUEUE).status, kNotQueued) << "rule 9: not past it";
}

TEST_F(Grant, Rule5ConversionsAreGrantedInPlaceAlthoughOthersWait) {
    const auto first = node.lock(1, "r", PR);
    node.lock(2, "r", PR);
    const auto third = node.lock(3, "r", NL);
    node.convert(1, first.lock, EX);
    EXPECT_EQ(node.convert(3, third.lock, PR).status, kGranted);
}

TEST_F(Grant, Rule6QuecvtDoesNotOvertakeConversions) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR);
    const auto third = node.lock(3, "r", NL);
    node.convert(1, first.lock, EX);
    EXPECT_EQ(node.convert(3, third.lock, PR, flag::QUECVT).status, Node::kPending);
    node.unlock(2, second.lock);
    EXPECT_EQ(node.ends_of(first.lock).back(), kGranted);
    EXPECT_EQ(node.ends_of(third.lock).size(), 1U) << "EX is held now";
}

TEST_F(Grant, Rule7NoorderIgnoresTheQueues) {
    node.lock(1, "r", PR);
    node.lock(2, "r", EX);
    EXPECT_EQ(node.lock(3, "r", PR).status, Node::kPending);
    EXPECT_EQ(node.lock(4, "r", PR, flag::NOORDER).status, kGranted);
}

TEST_F(Grant, Rule8OnlyTheFirstConversionIsGrantedLater) {
    const auto first = node.lock(1, "r", CR);
    const auto second = node.lock(2, "r", CR);
    const auto holder = node.lock(3, "r", CW);
    node.convert(1, first.lock, PR);
    node.convert(2, second.lock, PR);
    node.unlock(3, holder.lock);
    EXPECT_EQ(node.ends_of(first.lock).size(), 2U);
    EXPECT_EQ(node.ends_of(second.lock).size(), 2U) << "first once the other was granted";
}

TEST_F(Grant, Rules9And10NewRequestsAreServedInOrder) {
    const auto holder = node.lock(1, "r", PR);
    const auto writer = node.lock(2, "r", EX);
    const auto reader = node.lock(3, "r", PR);
    EXPECT_EQ(reader.status, Node::kPending) << "a stream of readers cannot starve a writer";
    node.unlock(1, holder.lock);
    EXPECT_EQ(node.ends_of(writer.lock), std::vector{kGranted});
    EXPECT_TRUE(node.ends_of(reader.lock).empty());
    node.unlock(2, writer.lock);
    EXPECT_EQ(node.ends_of(reader.lock), std::vector{kGranted});
}

TEST_F(Grant, Rule10ConversionsComeBeforeNewRequests) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR);
    const auto writer = node.lock(3, "r", CW);
    node.convert(1, first.lock, EX);
    node.unlock(2, second.lock);
    EXPECT_EQ(node.ends_of(first.lock).back(), kGranted);
    EXPECT_TRUE(node.ends_of(writer.lock).empty());
}

TEST_F(Grant, Rule11HeadqueQueuesAtTheHead) {
    const auto holder = node.lock(1, "r", EX);
    const auto late = node.lock(2, "r", EX);
    const auto early = node.lock(3, "r", EX, flag::HEADQUE);
    node.unlock(1, holder.lock);
    EXPECT_EQ(node.ends_of(early.lock), std::vector{kGranted});
    EXPECT_TRUE(node.ends_of(late.lock).empty());
}

// Nothing else would: who is not granted waits for a pass, and none is due.
TEST_F(Grant, Rule11HeadqueIsGrantedAtOnceIfItsHeadWouldBe) {
    node.lock(1, "r", PR);
    node.lock(2, "r", EX);
    EXPECT_EQ(node.lock(3, "r", PR, flag::HEADQUE).status, kGranted);
    const auto first = node.lock(4, "s", CR);
    const auto second = node.lock(5, "s", PR);
    const auto third = node.lock(6, "s", NL);
    node.convert(4, first.lock, EX);
    EXPECT_EQ(node.convert(6, third.lock, PR, flag::QUECVT | flag::HEADQUE).status, kGranted);
    node.convert(6, third.lock, NL);
    EXPECT_EQ(node.convert(6, third.lock, PR, flag::QUECVT | flag::NOORDER).status, kGranted);
    EXPECT_EQ(node.lock(7, "s", CR, flag::HEADQUE).status, Node::kPending) << "after conversions";
    EXPECT_EQ(node.unlock(5, second.lock).status, kUnlocked);
}

TEST_F(Grant, DownConversionsAlwaysSucceedInPlace) {
    for (const auto from : kAll) {
        for (const auto to : kAll) {
            if (!conflicts_no_more(from, to)) {
                continue;
            }
            const auto name = "down" + std::string(name_of(from)) + std::string(name_of(to));
            const auto held = node.lock(1, name, from);
            node.lock(2, name, EX);
            EXPECT_EQ(node.convert(1, held.lock, to).status, kGranted) << name;
        }
    }
}

TEST_F(Grant, MiddleConversionsMayBlock) {
    const auto first = node.lock(1, "r", PR);
    node.lock(2, "r", PR);
    EXPECT_EQ(node.convert(1, first.lock, CW, flag::NOQUEUE).status, kNotQueued);
    EXPECT_EQ(node.convert(1, first.lock, PR).status, kGranted) << "unchanged by the refusal";
}

TEST_F(Grant, AltprAndAltcwTakeTheOtherModeIfItComesAtOnce) {
    node.lock(1, "r", PR);
    const auto got = node.lock(2, "r", EX, flag::ALTPR);
    EXPECT_EQ(got.status, kGranted);
    EXPECT_EQ(got.mode, PR);
    EXPECT_TRUE(got.alternative);
    node.lock(3, "s", CW);
    EXPECT_EQ(node.lock(4, "s", EX, flag::ALTCW).mode, CW);
}

// ---- conversion deadlock, Linux conversion_deadlock_detect

TEST_F(Grant, TheSecondOfTwoConversionsThatWaitForEachOtherIsTheVictim) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR);
    node.convert(1, first.lock, EX);
    const auto victim = node.convert(2, second.lock, EX);
    EXPECT_EQ(victim.status, kDeadlock);
    EXPECT_EQ(victim.mode, PR);
    node.unlock(2, second.lock);
    EXPECT_EQ(node.ends_of(first.lock).back(), kGranted);
}

TEST_F(Grant, ConvdeadlkDemotesTheVictimInstead) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR);
    node.convert(1, first.lock, EX);
    EXPECT_EQ(node.convert(2, second.lock, EX, flag::CONVDEADLK).status, Node::kPending);
    EXPECT_EQ(node.ends_of(first.lock).back(), kGranted) << "the other went on";
    node.unlock(1, first.lock);
    const auto ends = node.seen<Completion>();
    const auto mine = std::ranges::find_if(
        ends, [&](const Completion& one) { return one.lock == second.lock && one.mode == EX; });
    ASSERT_NE(mine, ends.end());
    EXPECT_TRUE(mine->demoted);
}

// Linux fs/dlm revert_lock: what was given up does not come back.
TEST_F(Grant, ADemotedConversionThatIsNotGrantedSaysThatNlIsHeld) {
    enum class End { kCancel, kDeadline, kVictim };
    for (const auto end : {End::kCancel, End::kDeadline, End::kVictim}) {
        const auto first = node.lock(1, "r", PR);
        const auto second = node.lock(2, "r", PR);
        node.lock(2, "s", EX);
        node.convert(1, first.lock, EX);
        if (end == End::kVictim) {
            node.lock(1, "s", EX);  // first: of a cycle the last one gives way
            node.pass(std::chrono::milliseconds(1));
        }
        Convert input;
        input.client = ClientId(2);
        input.request = RequestId(500);
        input.lock = second.lock;
        input.mode = EX;
        input.flags = flag::CONVDEADLK;
        if (end == End::kDeadline) {
            input.deadline = node.now() + std::chrono::milliseconds(30);
        }
        node.give(input);
        node.taken();
        if (end == End::kCancel) {
            node.cancel(2, second.lock);
        }
        node.pass(std::chrono::milliseconds(60));
        node.pass(std::chrono::milliseconds(60));
        const auto ends = node.seen<Completion>();
        const auto mine = std::ranges::find_if(
            ends, [&](const Completion& one) { return one.request == RequestId(500); });
        ASSERT_NE(mine, ends.end());
        EXPECT_EQ(mine->status, end == End::kCancel     ? kCancelled
                                : end == End::kDeadline ? kTimedOut
                                                        : kDeadlock);
        EXPECT_EQ(mine->mode, NL);
        EXPECT_TRUE(mine->demoted);
        EXPECT_FALSE(node.convert(2, second.lock, NL).demoted) << "it was told";
        node.give(DequeueAll{ClientId(1), RequestId(501), LockId()});
        node.give(DequeueAll{ClientId(2), RequestId(502), LockId()});
    }
}

// The old mode, or how would the client know.
TEST_F(Grant, AConversionThatIsRefusedSaysWhatIsHeld) {
    const auto lock = node.lock(1, "r", PW);
    const auto refused = node.convert(1, lock.lock, CR, flag::ORPHAN);
    EXPECT_EQ(refused.status, kInvalid);
    EXPECT_EQ(refused.mode, PW);
}

TEST_F(Grant, NodlckwtQueuesAndWarnsItself) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR, flag::BLOCKING);
    node.convert(1, first.lock, EX);
    node.taken();
    EXPECT_EQ(node.convert(2, second.lock, EX, flag::NODLCKWT | flag::BLOCKING).status,
              Node::kPending);
    const auto events = node.seen<BlockingEvent>();
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.front().lock, second.lock);
}

TEST_F(Grant, NoqueueIsExemptFromConversionDeadlock) {
    const auto first = node.lock(1, "r", PR);
    const auto second = node.lock(2, "r", PR);
    node.convert(1, first.lock, EX);
    EXPECT_EQ(node.convert(2, second.lock, EX, flag::NOQUEUE).status, kNotQueued);
}

// ---- tokens

TEST_F(Grant, EveryGrantThatRaisesTheModeHasAGreaterToken) {
    auto last = node.lock(1, "r", NL).token;
    for (int i = 0; i < 3; ++i) {
        const auto held = node.lock(2, "r", PR);
        EXPECT_GT(held.token, last);
        const auto raised = node.convert(2, held.lock, EX);
        EXPECT_GT(raised.token, held.token);
        const auto lowered = node.convert(2, held.lock, CR);
        EXPECT_EQ(lowered.token, raised.token);
        last = raised.token;
        node.unlock(2, held.lock);
    }
}

TEST_F(Grant, TokensGoOnWhenTheResourceIsNewAgain) {
    const auto first = node.lock(1, "r", EX);
    node.unlock(1, first.lock);
    EXPECT_GT(node.lock(1, "r", EX).token, first.token);
}

// ---- deadlines

TEST_F(Grant, ARequestEndsAtItsDeadline) {
    node.lock(1, "r", EX);
    Enqueue input;
    input.client = ClientId(2);
    input.request = RequestId(77);
    input.domain = "d";
    input.name = "r";
    input.mode = EX;
    input.deadline = node.now() + std::chrono::milliseconds(30);
    node.give(input);
    node.pass(std::chrono::milliseconds(29));
    EXPECT_TRUE(node.seen<Completion>().back().status == kGranted);
    node.pass(std::chrono::milliseconds(1));
    EXPECT_EQ(node.seen<Completion>().back().status, kTimedOut);
    EXPECT_EQ(node.seen<Completion>().back().request, RequestId(77));
}

}  // namespace
}  // namespace quorate::lockmgr
