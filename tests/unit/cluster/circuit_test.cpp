#include "cluster/circuit.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "cluster/errc.hpp"
#include "frame.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const MemberId kOne{NodeId(1), Incarnation(0xa1)};
const MemberId kTwo{NodeId(2), Incarnation(0xb2)};
constexpr std::size_t kLengthAt = 4;  // in a frame's header

CircuitOptions options(MemberId self, MemberId peer, Epoch since) {
    CircuitOptions options;
    options.self = self;
    options.peer = peer;
    options.cluster_name = "orchard";
    options.levels = {1, 1};
    options.rings = 2;
    options.since = since;
    return options;
}

// One end, and what it said.
struct End {
    explicit End(CircuitOptions with) : circuit(std::move(with)) {}

    template <class Output>
    std::vector<Output> said() const {
        std::vector<Output> found;
        for (const auto& output : outputs) {
            if (const auto* one = std::get_if<Output>(&output)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    std::vector<std::string> messages() const {
        std::vector<std::string> texts;
        for (const auto& message : said<Message>()) {
            texts.push_back(message.payload);
        }
        return texts;
    }

    Circuit circuit;
    std::vector<CircuitOutput> outputs;
    std::deque<std::string> wire[2];  // written on each ring, and not yet at the other end
    bool open[2] = {false, false};
};

// Two ends; the test decides when a ring carries what was written.
class Pair : public ::testing::Test {
protected:
    void collect(End& end) {
        std::vector<CircuitOutput> taken;
        end.circuit.take(taken);
        for (auto& output : taken) {
            if (const auto* write = std::get_if<RingWrite>(&output)) {
                std::string bytes;
                for (const auto& piece : write->pieces) {
                    bytes += piece.view();
                }
                end.wire[write->ring].push_back(std::move(bytes));
            }
            if (const auto* close = std::get_if<RingClose>(&output)) {
                end.open[close->ring] = false;
                end.wire[close->ring].clear();
            }
            end.outputs.push_back(std::move(output));
        }
    }
    // Everything that was written on a ring arrives, in pieces of `size`.
    void carry(std::uint32_t ring, std::size_t size = 1 << 20) {
        for (bool more = true; more;) {
            more = pass(one_, two_, ring, size) || pass(two_, one_, ring, size);
        }
    }
    bool pass(End& from, End& to, std::uint32_t ring, std::size_t size) {
        if (from.wire[ring].empty()) {
            return false;
        }
        const auto bytes = std::move(from.wire[ring].front());
        from.wire[ring].pop_front();
        for (std::size_t at = 0; at < bytes.size() && to.open[ring]; at += size) {
            to.circuit.received(now_, ring, std::string_view(bytes).substr(at, size));
            collect(to);
        }
        if (from.open[ring]) {
            from.circuit.written(now_, ring);
            collect(from);
        }
        return true;
    }
    void settle() {
        carry(0);
        carry(1);
        carry(0);
    }
    void connect(std::uint32_t ring) {
        one_.open[ring] = two_.open[ring] = true;
        one_.circuit.dialled(now_, ring);
        collect(one_);
        std::string_view bytes = one_.wire[ring].front();
        FrameReader reader;
        auto frame = reader.next(bytes);
        one_.wire[ring].pop_front();
        one_.circuit.written(now_, ring);
        two_.circuit.accepted(now_, *decode_hello(**frame));
        collect(two_);
        carry(ring);
    }
    void cut(std::uint32_t ring) {
        for (auto* end : {&one_, &two_}) {
            end->wire[ring].clear();
            if (std::exchange(end->open[ring], false)) {
                end->circuit.closed(now_, ring, "cut");
                collect(*end);
            }
        }
    }
    Status send(End& end, std::string_view text) {
        auto sent = end.circuit.send(now_, Channel(7), text);
        collect(end);
        return sent;
    }
    void adopt(End& end, std::uint64_t epoch) {
        end.circuit.adopt(now_, Epoch(epoch));
        collect(end);
    }
    void wait(milliseconds time) {
        now_ += time;
        for (auto* end : {&one_, &two_}) {
            end->circuit.tick(now_);
            collect(*end);
        }
    }
    void beat() {
        wait(milliseconds(200));
        for (auto* end : {&one_, &two_}) {
            end->circuit.heartbeat(now_, milliseconds(1500));
            collect(*end);
        }
    }
    // Bytes of no circuit, from the other end of ring 0.
    void inject(std::string_view bytes) {
        one_.circuit.received(now_, 0, bytes);
        collect(one_);
    }
    static std::string frame(FrameType type, std::uint64_t epoch, std::uint64_t sequence,
                             std::string_view payload = {}) {
        std::string bytes;
        append_frame(bytes, type, Epoch(epoch), sequence, payload);
        return bytes;
    }

    // A frame's header that announces so much, and nothing of it.
    static std::string with_length(FrameType type, std::uint32_t length) {
        auto bytes = frame(type, 5, 1);
        for (std::size_t octet = 0; octet < 4; ++octet) {
            bytes[kLengthAt + octet] = static_cast<char>(length >> (8 * octet));
        }
        return bytes;
    }

    BootTime now_{seconds(1000)};
    End one_{options(kOne, kTwo, Epoch(5))};
    End two_{options(kTwo, kOne, Epoch(5))};
};

using Texts = std::vector<std::string>;

TEST_F(Pair, MessagesArriveInOrderBothWays) {
    connect(0);
    EXPECT_EQ(one_.said<RingUp>().size(), 1U);
    ASSERT_TRUE(send(one_, "a"));
    ASSERT_TRUE(send(one_, ""));
    ASSERT_TRUE(send(two_, "x"));
    ASSERT_TRUE(send(one_, "b"));
    settle();
    EXPECT_EQ(two_.messages(), (Texts{"a", "", "b"}));
    EXPECT_EQ(one_.messages(), Texts{"x"});
    EXPECT_EQ(two_.said<Message>()[0].channel, Channel(7));
    EXPECT_EQ(two_.said<Message>()[0].epoch, Epoch(5));
}

TEST_F(Pair, TheStreamMayComeInAnyPieces) {
    for (const std::size_t size : {1U, 2U, 27U, 28U, 29U, 1000U}) {
        connect(0);
        const auto before = two_.messages().size();
        ASSERT_TRUE(send(one_, std::string(700, 'a')));
        ASSERT_TRUE(send(one_, "b"));
        carry(0, size);
        ASSERT_EQ(two_.messages().size(), before + 2) << size;
        EXPECT_EQ(two_.messages().back(), "b");
        cut(0);
    }
}

TEST_F(Pair, WhatIsSentWhileAWriteIsUnderWayGoesOutInOne) {
    connect(0);
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(send(one_, "m"));
    }
    ASSERT_EQ(one_.wire[0].size(), 1U);
    pass(one_, two_, 0, 1 << 20);
    EXPECT_EQ(two_.messages().size(), 1U);
    ASSERT_EQ(one_.wire[0].size(), 1U);
    pass(one_, two_, 0, 1 << 20);
    EXPECT_EQ(two_.messages().size(), 100U);
}

TEST_F(Pair, LargeFramesAreNotCopiedIntoTheBatch) {
    connect(0);
    ASSERT_TRUE(send(one_, std::string(65536, 'x')));
    const auto writes = one_.said<RingWrite>();
    const auto& pieces = writes.back().pieces;
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_EQ(pieces[0].frame->size(), 65536 + kFrameHeader);
}

TEST_F(Pair, AnAcknowledgementRidesOnAMessageOrComesAfterAWhile) {
    connect(0);
    ASSERT_TRUE(send(one_, "a"));
    settle();
    EXPECT_EQ(one_.circuit.status().queued_messages, 1U);
    ASSERT_TRUE(two_.circuit.deadline());
    EXPECT_EQ(*two_.circuit.deadline(), now_ + milliseconds(10));
    wait(milliseconds(10));
    settle();
    EXPECT_EQ(one_.circuit.status().queued_messages, 0U);
    ASSERT_TRUE(send(one_, "b"));
    settle();
    ASSERT_TRUE(send(two_, "answer"));
    settle();
    EXPECT_EQ(one_.circuit.status().queued_messages, 0U);
}

TEST_F(Pair, ManyMessagesAreAcknowledgedAtOnce) {
    connect(0);
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(send(one_, "m"));
    }
    settle();
    EXPECT_LT(one_.circuit.status().queued_messages, 64U);
}

TEST_F(Pair, WhatABrokenRingLostGoesOverTheOther) {
    connect(0);
    connect(1);
    ASSERT_TRUE(send(one_, "a"));
    settle();
    ASSERT_TRUE(send(one_, "b"));
    ASSERT_TRUE(send(one_, "c"));
    cut(0);
    settle();
    EXPECT_EQ(two_.messages(), (Texts{"a", "b", "c"}));
    EXPECT_EQ(one_.circuit.status().resent_messages, 2U);
    EXPECT_TRUE(one_.circuit.status().rings[1].carries);
}

TEST_F(Pair, ARingThatFallsSilentIsLeftBeforeItBreaks) {
    connect(0);
    connect(1);
    ASSERT_TRUE(send(one_, "a"));
    one_.wire[0].clear();
    for (int i = 0; i < 4; ++i) {
        beat();
        carry(1);
    }
    EXPECT_EQ(two_.messages(), Texts{"a"});
    EXPECT_TRUE(one_.circuit.status().rings[1].carries);
    // What the silent ring brings after all is known already.
    carry(0);
    EXPECT_EQ(two_.messages(), Texts{"a"});
}

TEST_F(Pair, ARingThatStaysSilentIsConnectedAnew) {
    connect(0);
    connect(1);
    for (int i = 0; i < 16; ++i) {
        beat();
        carry(1);
    }
    EXPECT_EQ(one_.said<RingDown>().size(), 1U);
    EXPECT_EQ(one_.said<RingDown>()[0].reason, "silent");
}

TEST_F(Pair, AfterAStandstillOfThisNodeTheRingsAreNotToBlame) {
    connect(0);
    beat();
    settle();
    wait(seconds(60));
    EXPECT_TRUE(one_.said<RingDown>().empty());
}

TEST_F(Pair, WithoutAnyRingMessagesWait) {
    ASSERT_TRUE(send(one_, "a"));
    connect(0);
    cut(0);
    ASSERT_TRUE(send(one_, "b"));
    connect(1);
    settle();
    EXPECT_EQ(two_.messages(), (Texts{"a", "b"}));
}

TEST_F(Pair, HeartbeatsRunOnAllRingsAndMeasureThem) {
    connect(0);
    connect(1);
    beat();
    carry(0);
    carry(1);
    EXPECT_EQ(two_.said<HeartbeatHeard>().size(), 2U);
    for (const auto& heard : two_.said<HeartbeatHeard>()) {
        two_.circuit.acknowledge(now_, heard);
        collect(two_);
    }
    now_ += milliseconds(3);
    settle();
    ASSERT_EQ(one_.said<HeartbeatAcknowledged>().size(), 2U);
    EXPECT_EQ(one_.said<HeartbeatAcknowledged>()[0].sent, now_ - milliseconds(3));
    EXPECT_EQ(one_.circuit.status().rings[0].round_trip, milliseconds(3));
}

TEST_F(Pair, HeartbeatsDoNotPileUpBehindAWrite) {
    connect(0);
    ASSERT_TRUE(send(one_, "a"));
    for (int i = 0; i < 3; ++i) {
        beat();
    }
    carry(0);
    ASSERT_EQ(two_.said<HeartbeatHeard>().size(), 1U);
    EXPECT_EQ(two_.said<HeartbeatHeard>()[0].sent, now_);
}

// ---- epochs

TEST_F(Pair, AMessageOfAnOlderEpochIsRefused) {
    connect(0);
    ASSERT_TRUE(send(one_, "old"));
    adopt(two_, 6);
    settle();
    adopt(one_, 6);
    ASSERT_TRUE(send(one_, "new"));
    settle();
    EXPECT_EQ(two_.messages(), Texts{"new"});
    EXPECT_EQ(two_.circuit.status().refused_messages, 1U);
    wait(milliseconds(10));
    settle();
    EXPECT_EQ(one_.circuit.status().queued_messages, 0U);
}

TEST_F(Pair, AMessageOfANewerEpochIsHeldUntilTheViewIsHere) {
    connect(0);
    adopt(one_, 6);
    ASSERT_TRUE(send(one_, "a"));
    ASSERT_TRUE(send(one_, "b"));
    settle();
    EXPECT_TRUE(two_.messages().empty());
    wait(milliseconds(10));
    settle();
    EXPECT_EQ(one_.circuit.status().queued_messages, 2U);
    adopt(two_, 6);
    EXPECT_EQ(two_.messages(), (Texts{"a", "b"}));
}

TEST_F(Pair, WhatIsHeldSurvivesALossOfTheRingOnce) {
    connect(0);
    adopt(one_, 6);
    ASSERT_TRUE(send(one_, "a"));
    settle();
    cut(0);
    connect(1);
    settle();
    adopt(two_, 6);
    EXPECT_EQ(two_.messages(), Texts{"a"});
}

TEST_F(Pair, WhatNeverLeftIsDroppedWithItsEpoch) {
    ASSERT_TRUE(send(one_, "old"));
    adopt(one_, 6);
    adopt(two_, 6);
    ASSERT_TRUE(send(one_, "new"));
    connect(0);
    settle();
    EXPECT_EQ(two_.messages(), Texts{"new"});
    EXPECT_EQ(two_.circuit.status().refused_messages, 0U);
}

// ---- the two ends began in different views

TEST_F(Pair, TheEndThatKnewAnEarlierCircuitStartsAfresh) {
    connect(0);
    ASSERT_TRUE(send(one_, "a"));
    ASSERT_TRUE(send(one_, "b"));
    settle();
    cut(0);
    adopt(one_, 8);
    ASSERT_TRUE(send(one_, "of epoch 8"));
    // The other end lost this one in between and has it back since epoch 8.
    two_ = End(options(kTwo, kOne, Epoch(8)));
    connect(0);
    ASSERT_TRUE(send(two_, "x"));
    settle();
    EXPECT_EQ(two_.messages(), Texts{"of epoch 8"});
    EXPECT_EQ(one_.messages(), Texts{"x"});
    EXPECT_EQ(one_.said<CircuitReset>().size(), 1U);
}

TEST_F(Pair, TheAcceptingEndStartsAfreshToo) {
    connect(0);
    connect(1);
    ASSERT_TRUE(send(two_, "a"));
    settle();
    adopt(two_, 8);
    cut(0);
    one_ = End(options(kOne, kTwo, Epoch(8)));
    one_.open[1] = false;
    connect(0);
    EXPECT_EQ(two_.said<CircuitReset>().size(), 1U);
    // Its other connection carried the old numbering.
    EXPECT_FALSE(two_.circuit.status().rings[1].up);
    ASSERT_TRUE(send(one_, "x"));
    ASSERT_TRUE(send(two_, "y"));
    settle();
    EXPECT_EQ(two_.messages(), Texts{"x"});
    EXPECT_EQ(one_.messages(), Texts{"y"});
}

// ---- limits

TEST_F(Pair, AMessageThatIsTooLargeIsRefusedAtTheSender) {
    connect(0);
    const auto sent = send(one_, std::string(kMaxMessage + 1, 'x'));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, make_error_code(errc::too_large));
    EXPECT_TRUE(send(one_, std::string(kMaxMessage, 'x')));
    settle();
    EXPECT_EQ(two_.messages().size(), 1U);
}

TEST_F(Pair, BackPressureComesAndGoes) {
    const std::string large(kMaxMessage, 'x');
    for (std::size_t i = 0; i < 15; ++i) {
        ASSERT_TRUE(send(one_, large));
    }
    ASSERT_EQ(one_.said<Pressure>().size(), 1U);
    EXPECT_TRUE(one_.said<Pressure>()[0].on);
    const auto sent = send(one_, large);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, make_error_code(errc::refused));
    connect(0);
    settle();
    wait(milliseconds(10));
    settle();
    ASSERT_EQ(one_.said<Pressure>().size(), 2U);
    EXPECT_FALSE(one_.said<Pressure>()[1].on);
    EXPECT_EQ(two_.messages().size(), 15U);
}

TEST_F(Pair, NoMoreThanTheWindowIsSentUnacknowledged) {
    connect(0);
    adopt(one_, 6);  // the other end holds everything
    for (int i = 0; i < 8; ++i) {
        ASSERT_TRUE(send(one_, std::string(kMaxMessage, 'x')));
    }
    settle();
    EXPECT_TRUE(two_.said<RingClose>().empty());
    adopt(two_, 6);
    wait(milliseconds(10));
    settle();
    EXPECT_EQ(two_.messages().size(), 8U);
}

// ---- a peer that breaks the protocol: its ring is closed, it is told why, nothing is delivered

struct Breach {
    const char* name;
    std::string bytes;
};

TEST_F(Pair, ABreachClosesTheRingAndNothingElse) {
    const Breach breaches[] = {
        {"garbage", std::string(64, 'G')},
        {"a gap", frame(FrameType::kMessage, 5, 2, "x")},
        {"an acknowledgement of nothing", frame(FrameType::kAck, 5, 1)},
        {"of a heartbeat from the future", frame(FrameType::kHeartbeatAck, 5, ~0ULL >> 1)},
        {"a second hello", frame(FrameType::kHello, 5, 1)},
        {"a heartbeat without its length", frame(FrameType::kHeartbeat, 5, 1)},
        {"a message of more than may be", with_length(FrameType::kMessage, kMaxMessage + 1)},
        {"one that would fill the memory", with_length(FrameType::kMessage, ~0U)},
        {"an acknowledgement with a payload", with_length(FrameType::kAck, 1)},
        {"a heartbeat of a message's length", with_length(FrameType::kHeartbeat, kMaxMessage)},
    };
    for (const auto& breach : breaches) {
        connect(0);
        const auto before = one_.said<RingClose>().size();
        inject(breach.bytes);
        ASSERT_EQ(one_.said<RingClose>().size(), before + 1) << breach.name;
        EXPECT_FALSE(one_.said<RingClose>().back().parting.empty()) << breach.name;
        EXPECT_TRUE(one_.messages().empty()) << breach.name;
        EXPECT_FALSE(one_.circuit.status().open) << breach.name;
        cut(0);
    }
    connect(1);
    ASSERT_TRUE(send(two_, "still"));
    settle();
    EXPECT_EQ(one_.messages(), Texts{"still"});
}

// Wherever it is cut: nothing of it is handed on, and the next connection begins anew.
TEST_F(Pair, AFrameThatIsCutOffComesWholeOverTheNextConnection) {
    Texts sent;
    bool whole = false;
    for (std::size_t at = 0; !whole; ++at) {
        connect(0);
        sent.push_back("message " + std::to_string(at));
        ASSERT_TRUE(send(two_, sent.back()));
        const auto bytes = two_.wire[0].front();
        whole = at >= bytes.size();
        inject(std::string_view(bytes).substr(0, at));
        EXPECT_EQ(one_.messages().size(), sent.size() - (whole ? 0 : 1)) << at;
        cut(0);
        connect(0);
        EXPECT_EQ(one_.messages(), sent) << at;
        cut(0);
    }
    EXPECT_GT(sent.size(), kFrameHeader);
}

TEST_F(Pair, MoreThanTheWindowIsABreach) {
    connect(0);
    for (std::uint64_t i = 1; i <= kWindowMessages; ++i) {
        inject(frame(FrameType::kMessage, 6, i));
    }
    EXPECT_TRUE(one_.said<RingClose>().empty());
    inject(frame(FrameType::kMessage, 6, kWindowMessages + 1));
    EXPECT_EQ(one_.said<RingClose>().size(), 1U);
}

TEST_F(Pair, ReplayedFramesAreSeenAlready) {
    connect(0);
    const auto bytes = frame(FrameType::kMessage, 5, 1, "once");
    inject(bytes + bytes + bytes);
    EXPECT_EQ(one_.messages(), Texts{"once"});
    EXPECT_TRUE(one_.said<RingClose>().empty());
}

TEST_F(Pair, AnAnswerOfAnotherLifeIsRefused) {
    one_.open[0] = true;
    one_.circuit.dialled(now_, 0);
    collect(one_);
    CircuitHello hello;
    hello.from = {NodeId(2), Incarnation(0xff)};
    hello.to = kOne;
    hello.since = Epoch(5);
    inject(encode(hello));
    EXPECT_EQ(one_.said<RingClose>().size(), 1U);
    EXPECT_TRUE(one_.said<RingUp>().empty());
}

TEST_F(Pair, TheReasonOfARefusalIsKept) {
    one_.open[0] = true;
    one_.circuit.dialled(now_, 0);
    collect(one_);
    inject(frame(FrameType::kRefusal, 0, 0, "too\nold"));
    ASSERT_EQ(one_.said<RingClose>().size(), 1U);
    EXPECT_EQ(one_.said<RingClose>()[0].reason, "refused by the peer: too?old");
    EXPECT_TRUE(one_.said<RingClose>()[0].parting.empty());
}

}  // namespace
}  // namespace quorate::cluster
