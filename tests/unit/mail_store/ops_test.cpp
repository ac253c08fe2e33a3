#include "ops.hpp"

#include <gtest/gtest.h>

#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

const Message kMessage = {5,    kSeen | (FlagBits{1} << 62), 1234,         BodyId(9),
                          4096, {1'700'000'000, -90},        1'700'000'001};

std::string all_operations() {
    OpWriter writer;
    writer.put(OpMailbox{MailboxId(1), "INBOX", 1'700'000'000, {1, 2}, SpecialUse::kSent, 44});
    writer.put(OpCounters{MailboxId(1), {6, 1234, 3, 2, 1, 9000}});
    writer.put(OpMailboxRemoved{MailboxId(2)});
    writer.put(OpKeyword{MailboxId(1), 57, "$Label"});
    writer.put(OpSubscription{"a/b", true});
    writer.put(OpBody{BodyId(9), {3, 4096, 100, 0xabcd}, {3, 4}, "(env)", "(b)", "(bs)", "S"});
    writer.put(OpMessage{MailboxId(1), kMessage});
    writer.put(OpFlags{MailboxId(1), 1235, ~FlagBits{0}, kDeleted, {{1, 3}, {7, 7}}});
    writer.put(OpRemoved{MailboxId(1), 1236, {{1, 1}}});
    writer.put(OpBodyMoved{BodyId(9), {4, 64, 100, 0xabcd}});
    writer.put(OpAccountRemoved{});
    writer.put(OpAccount{{1236, 3, 10, 1'700'000'000, 9000, 3}});
    return writer.take();
}

// How many operations could be read.
Result<int> read_all(std::string_view bytes) {
    OpReader reader(bytes);
    Op op;
    for (int count = 0;; ++count) {
        QUORATE_TRY(const bool more, reader.next(op));
        if (!more) {
            return count;
        }
    }
}

TEST(Ops, ComeBackInOrder) {
    const auto bytes = all_operations();
    OpReader reader(bytes);
    Op op;
    std::vector<std::size_t> kinds;
    while (true) {
        const auto more = reader.next(op);
        ASSERT_TRUE(more) << more.error().to_string();
        if (!*more) {
            break;
        }
        kinds.push_back(op.index());
        if (const auto* message = std::get_if<OpMessage>(&op)) {
            EXPECT_EQ(message->message.uid, kMessage.uid);
            EXPECT_EQ(message->message.flags, kMessage.flags);
            EXPECT_EQ(message->message.modseq, kMessage.modseq);
            EXPECT_EQ(message->message.body, kMessage.body);
            EXPECT_EQ(message->message.size, kMessage.size);
            EXPECT_EQ(message->message.internal_date.seconds, kMessage.internal_date.seconds);
            EXPECT_EQ(message->message.internal_date.zone_minutes, -90);
            EXPECT_EQ(message->message.save_date, kMessage.save_date);
        }
        if (const auto* flags = std::get_if<OpFlags>(&op)) {
            EXPECT_EQ(flags->uids, (std::vector<UidRange>{{1, 3}, {7, 7}}));
        }
    }
    EXPECT_EQ(kinds, (std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0}));
}

TEST(Ops, CutAtEveryLengthAreWholeOperationsOrRefused) {
    const auto bytes = all_operations();
    int last = 0;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        const auto count = read_all(std::string_view(bytes).substr(0, size));
        if (count) {
            EXPECT_GE(*count, last);
            last = *count;
        } else {
            EXPECT_EQ(count.error().code, errc::damaged);
        }
    }
    EXPECT_EQ(last, 12);
}

TEST(Ops, OfAnUnknownVersionOrKindAreRefused) {
    EXPECT_EQ(read_all("\x02").error().code, errc::unsupported_version);
    EXPECT_EQ(read_all("\x01\x63").error().code, errc::damaged);
    EXPECT_EQ(read_all("").error().code, errc::unsupported_version);
}

TEST(Ops, UidRangesThatDoNotAscendAreRefused) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.varint(2);
    writer.varint(5);
    writer.varint(0);
    writer.varint(0);  // the second would begin where the first ended
    writer.varint(0);
    ByteReader reader(bytes);
    std::vector<UidRange> ranges;
    EXPECT_FALSE(get_ranges(reader, ranges));
}

TEST(Ops, UidRangesBeyond32BitsAreRefused) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.varint(1);
    writer.varint(0xffffffff);
    writer.varint(1);
    ByteReader reader(bytes);
    std::vector<UidRange> ranges;
    EXPECT_FALSE(get_ranges(reader, ranges));
}

TEST(Ops, RunsOfUidsBecomeRanges) {
    EXPECT_EQ(to_ranges(std::vector<Uid>{1, 2, 3, 5, 9, 10}),
              (std::vector<UidRange>{{1, 3}, {5, 5}, {9, 10}}));
    EXPECT_TRUE(to_ranges({}).empty());
}

}  // namespace
}  // namespace quorate::mail::store
