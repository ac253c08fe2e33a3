#include "lockmgr/protocol/wire.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace quorate::lockmgr::wire {
namespace {

// The octets of the page's example, frame by frame.
std::vector<std::string> documented_frames() {
    std::ifstream page(QUORATE_SOURCE_DIR "/docs/protocols/lock.md");
    std::string line;
    while (std::getline(page, line) && line != "## Worked example") {
    }
    while (std::getline(page, line) && line != "```") {
    }
    std::vector<std::string> frames(1);
    while (std::getline(page, line) && line != "```") {
        if (line.empty()) {
            frames.emplace_back();
        }
        std::istringstream octets(line.substr(0, 48));
        unsigned octet = 0;
        while (octets >> std::hex >> octet) {
            frames.back().push_back(static_cast<char>(octet));
        }
    }
    return frames;
}

std::vector<Answer> documented_answers() {
    Welcome welcome;
    welcome.node = NodeId(1);
    welcome.incarnation = 0x1122334455667788;
    welcome.locks_max = 1'000'000;
    welcome.requests_max = 65'536;
    welcome.node_name = "n1";
    Completion granted{1, 1, {}};
    granted.outcome.lock = LockId(7);
    granted.outcome.mode = LockMode::EX;
    granted.outcome.has_value = true;
    granted.outcome.token = Token((1ULL << 40) + 1);
    std::ranges::copy(std::string_view("ann at n1"), granted.outcome.value.begin());
    Completion unlocked{2, 1, {}};
    unlocked.outcome.lock = LockId(7);
    unlocked.outcome.status = LockStatus::kUnlocked;
    return {welcome, granted, unlocked};
}

Enqueue documented_enqueue() {
    Enqueue enqueue;
    enqueue.request = enqueue.lock = 1;
    enqueue.mode = LockMode::EX;
    enqueue.flags = flag::VALBLK;
    enqueue.domain = "mail";
    enqueue.name = "u/ann";
    return enqueue;
}

template <class Frame>
std::string frame_of(const Frame& frame) {
    std::string out;
    append(out, frame);
    return out;
}

TEST(LockWire, TheDocumentedExample) {
    const auto frames = documented_frames();
    ASSERT_EQ(frames.size(), 6u);
    EXPECT_EQ(frames[0], frame_of(Request(Hello{})));
    EXPECT_EQ(frames[1], frame_of(Request(documented_enqueue())));
    EXPECT_EQ(frames[2], frame_of(Request(Dequeue{2, 1, 0, {}})));
    const auto answers = documented_answers();
    for (std::size_t i = 0; i < answers.size(); ++i) {
        EXPECT_EQ(frames[3 + i], frame_of(answers[i])) << i;
    }
}

// The page lists what these numbers mean: they are for ever.
TEST(LockWire, NumbersOnTheWireAreAsDocumented) {
    EXPECT_EQ(static_cast<int>(LockStatus::kUnlocked), 1);
    EXPECT_EQ(static_cast<int>(LockStatus::kDeadlock), 4);
    EXPECT_EQ(static_cast<int>(LockStatus::kNoSuchLock), 10);
    EXPECT_EQ(static_cast<int>(LockStatus::kRevoked), 18);
    EXPECT_EQ(static_cast<int>(LockStatus::kExists), 19);
    EXPECT_EQ(static_cast<int>(WaitCause::kHolder), 0);
    EXPECT_EQ(static_cast<int>(WaitCause::kMove), 6);
}

std::vector<Request> requests() {
    Convert convert{3, 9, LockMode::PW, flag::VALBLK | flag::QUECVT, 250, {}};
    convert.value.fill('v');
    Dequeue dequeue{4, 9, flag::VALBLK, {}};
    dequeue.value.fill('w');
    return {Hello{1, 3, 17},
            documented_enqueue(),
            convert,
            Convert{3, 9, LockMode::CR, 0, 0, {}},
            dequeue,
            Dequeue{5, 9, flag::FORCEUNLOCK, {}},
            Cancel{6, 9},
            DequeueAll{7, 9},
            Purge{8, NodeId(2), 4711},
            DefineDomain{9, 1000, 100, 0770, "mail"}};
}

std::vector<Answer> answers() {
    auto all = documented_answers();
    Completion victim{5, 6, {}};
    victim.outcome.status = LockStatus::kDeadlock;
    victim.outcome.cycle = {{NodeId(1), 10, 11, LockId(12), LockMode::EX, "d:a", LockId(13)},
                            {NodeId(2), 20, 21, LockId(22), LockMode::PR, "d:b", LockId(23)}};
    all.emplace_back(victim);
    all.emplace_back(Refused{Refused::Reason::kStopping, "clusterd stops"});
    all.emplace_back(Blocking{1, LockMode::EX, NodeId(2), 4711});
    all.emplace_back(Waiting{1, 2, LockId(3), WaitCause::kMove});
    all.emplace_back(Suspended{1200});
    all.emplace_back(Suspended{});
    all.emplace_back(Resumed{});
    all.emplace_back(Revoked{});
    return all;
}

TEST(LockWire, DecodingUndoesEncoding) {
    for (const auto& request : requests()) {
        const auto bytes = frame_of(request);
        const auto frame = first_frame(bytes, kMaxRequest);
        ASSERT_TRUE(frame);
        const auto again = decode_request(*frame);
        ASSERT_TRUE(again) << request.index();
        EXPECT_EQ(frame_of(*again), bytes) << request.index();
    }
    for (const auto& answer : answers()) {
        const auto bytes = frame_of(answer);
        const auto frame = first_frame(bytes, kMaxAnswer);
        ASSERT_TRUE(frame);
        const auto again = decode_answer(*frame);
        ASSERT_TRUE(again) << answer.index();
        EXPECT_EQ(frame_of(*again), bytes) << answer.index();
    }
}

TEST(LockWire, CutAtEveryLengthOrWithOneOctetMoreNothingIsDecoded) {
    for (const auto& request : requests()) {
        const auto bytes = frame_of(request).substr(kLength);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(decode_request(std::string_view(bytes).substr(0, size)));
        }
        EXPECT_FALSE(decode_request(bytes + '\0'));
    }
    for (const auto& answer : answers()) {
        const auto bytes = frame_of(answer).substr(kLength);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(decode_answer(std::string_view(bytes).substr(0, size)));
        }
        EXPECT_FALSE(decode_answer(bytes + '\0'));
    }
}

TEST(LockWire, AFrameIsNothingUntilItIsComplete) {
    const auto bytes = frame_of(Request(documented_enqueue()));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto frame = first_frame(std::string_view(bytes).substr(0, size), kMaxRequest);
        ASSERT_TRUE(frame);
        EXPECT_TRUE(frame->empty());
    }
}

TEST(LockWire, FramesThatAreEmptyOrTooLongAreRefusedByTheirLength) {
    EXPECT_FALSE(first_frame(std::string_view("\0\0\0\0", 4), kMaxRequest));
    EXPECT_FALSE(first_frame(std::string_view("\x01\x04\0\0", 4), kMaxRequest));
    EXPECT_TRUE(first_frame(std::string_view("\0\x04\0\0", 4), kMaxRequest));
}

TEST(LockWire, NumbersOutsideTheirListAreDamage) {
    auto completion = frame_of(documented_answers()[1]).substr(kLength);
    completion[17] = 20;  // status
    EXPECT_FALSE(decode_answer(completion));
    completion[17] = 0;
    completion[18] = 6;  // mode
    EXPECT_FALSE(decode_answer(completion));
    EXPECT_FALSE(decode_request(std::string_view("\x09", 1)));
    EXPECT_FALSE(decode_answer(std::string_view("\x89", 1)));
}

TEST(LockWire, OfALongCycleTheBeginningIsTold) {
    Completion victim;
    victim.outcome.status = LockStatus::kDeadlock;
    victim.outcome.cycle.resize(
        200, {NodeId(1), 1, 1, LockId(1), LockMode::EX, std::string(300, 'r'), LockId(2)});
    const auto bytes = frame_of(Answer(victim));
    const auto frame = first_frame(bytes, kMaxAnswer);
    ASSERT_TRUE(frame);
    const auto again = decode_answer(*frame);
    ASSERT_TRUE(again);
    EXPECT_EQ(std::get<Completion>(*again).outcome.cycle.size(), kMaxCycle);
}

}  // namespace
}  // namespace quorate::lockmgr::wire
