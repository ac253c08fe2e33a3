#include "header_watch.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::smtp {
namespace {

struct Seen {
    std::size_t used = 0;
    bool complete = false;
    bool loop = false;
    bool date = false;
    bool message_id = false;

    bool operator==(const Seen&) const = default;
};

Seen watch(std::string_view message, std::size_t piece, std::size_t hops = 2) {
    HeaderWatch header(hops);
    for (std::size_t at = 0; at < message.size() && !header.complete() && !header.loop();
         at += piece) {
        header.feed(message.substr(at, piece));
    }
    return {header.size(), header.complete(), header.loop(), header.has_date(),
            header.has_message_id()};
}

Seen watch_every_way(std::string_view message) {
    const auto whole = watch(message, message.size() + 1);
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
        EXPECT_EQ(watch(message, piece), whole) << message << piece;
    }
    return whole;
}

TEST(SmtpHeaderWatch, EndsAtTheFirstBlankLineRfc5322Section2Point1) {
    EXPECT_EQ(watch_every_way("A: b\r\n\r\nbody\r\n\r\n"), (Seen{.used = 8, .complete = true}));
    EXPECT_EQ(watch_every_way("\r\nDate: x\r\n"), (Seen{.used = 2, .complete = true}));
    EXPECT_EQ(watch_every_way("A: b\r\n"), (Seen{.used = 6}));
    EXPECT_EQ(watch_every_way(""), Seen{});
}

TEST(SmtpHeaderWatch, EndsAlsoAtALineThatIsNoField) {
    EXPECT_EQ(watch_every_way("just text\r\nDate: x\r\n"), (Seen{.used = 11, .complete = true}));
    EXPECT_EQ(watch_every_way("two words: x\r\nDate: x\r\n"), (Seen{.used = 14, .complete = true}));
    EXPECT_EQ(watch_every_way(": x\r\nDate: x\r\n"), (Seen{.used = 5, .complete = true}));
    EXPECT_TRUE(watch_every_way("From ann Tue Nov 14 22:13:20 2023\r\nDate: x\r\n\r\n").date);
    EXPECT_TRUE(watch_every_way(" continues nothing\r\nDate: x\r\n\r\n").date);
    EXPECT_TRUE(watch_every_way("X-" + std::string(60, 'x') + ": y\r\nDate: x\r\n\r\n").date);
}

TEST(SmtpHeaderWatch, KnowsFieldsByTheirNamesWithoutRegardToCase) {
    EXPECT_TRUE(watch_every_way("DATE: x\r\n\r\n").date);
    EXPECT_TRUE(watch_every_way("Date : x\r\n\r\n").date);
    EXPECT_TRUE(watch_every_way("message-id:x\r\n\r\n").message_id);
    EXPECT_FALSE(watch_every_way("Resent-Date: x\r\n\r\n").date);
    EXPECT_FALSE(watch_every_way("Subject: a\r\n Date: x\r\n\tMessage-ID: y\r\n\r\n").date);
    EXPECT_FALSE(watch_every_way("Dates: x\r\n\r\n").date);
    EXPECT_FALSE(watch_every_way("Date\r\n: x\r\n\r\n").date);
    EXPECT_FALSE(watch_every_way(std::string(100, 'x') + "Date: x\r\n\r\n").date);
}

TEST(SmtpHeaderWatch, StopsBehindTheReceivedFieldThatIsOneTooManyRfc5321Section6Point3) {
    const std::string hop = "Received: from a\r\n\tby b; date\r\n";
    const std::string end = "Subject: Received: x\r\n\r\nReceived: in the body\r\n";
    EXPECT_FALSE(watch_every_way(hop + hop + end).loop);
    const auto seen = watch_every_way(hop + hop + "RECEIVED : x\r\nA: b\r\n\r\n");
    EXPECT_TRUE(seen.loop);
    EXPECT_EQ(seen.used, 2 * hop.size() + 14);
}

}  // namespace
}  // namespace quorate::mail::smtp
