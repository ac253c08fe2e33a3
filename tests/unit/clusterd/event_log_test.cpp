#include "event_log.hpp"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

namespace quorate::cluster {
namespace {

class Log : public ::testing::Test {
protected:
    // Waits as the stream does; nothing: it still waits.
    std::optional<std::string> next(std::uint64_t& seen) {
        std::optional<std::string> lines;
        boost::asio::co_spawn(io_, log_.next(seen),
                              [&](const std::exception_ptr&, std::string said) { lines = said; });
        io_.restart();
        io_.poll();
        return lines;
    }
    static std::size_t count_of(const std::string& lines) {
        return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
    }

    boost::asio::io_context io_{1};
    EventLog log_{io_};
};

TEST_F(Log, AnEventHasItsNumberAndWhatBelongsToItsKind) {
    log_.add("ring_up", "ring 0 to n2", Epoch(5), {{"node", "n2"}, {"ring", 0}});
    const auto recent = log_.recent();
    const auto& event = recent.at(0);
    EXPECT_GT(event.at("time").as_int64(), 1'700'000'000);
    EXPECT_EQ(event.at("number"), 1);
    EXPECT_EQ(event.at("kind"), "ring_up");
    EXPECT_EQ(event.at("text"), "ring 0 to n2");
    EXPECT_EQ(event.at("epoch"), 5);
    EXPECT_EQ(event.at("node"), "n2");
    EXPECT_EQ(event.at("ring"), 0);
    log_.add("drain", "", Epoch(5));
    EXPECT_EQ(log_.newest(), 2U);
}

TEST_F(Log, TheNewestThousandAreKept) {
    for (int i = 0; i < 1003; ++i) {
        log_.add("drain", "", Epoch(1));
    }
    const auto recent = log_.recent();
    ASSERT_EQ(recent.size(), 1000U);
    EXPECT_EQ(recent.front().at("number"), 4);
    EXPECT_EQ(recent.back().at("number"), 1003);
}

TEST_F(Log, AReaderGetsWhatItHasNotSeenAndThenWaits) {
    log_.add("drain", "", Epoch(1));
    log_.add("undrain", "", Epoch(1));
    std::uint64_t seen = 1;
    const auto lines = next(seen);
    ASSERT_TRUE(lines);
    EXPECT_EQ(count_of(*lines), 1U);
    EXPECT_NE(lines->find("undrain"), std::string::npos);
    EXPECT_EQ(seen, 2U);
}

TEST_F(Log, AReaderThatFellBehindGetsWhatIsLeft) {
    for (int i = 0; i < 2000; ++i) {
        log_.add("drain", "", Epoch(1));
    }
    std::uint64_t seen = 0;
    const auto lines = next(seen);
    ASSERT_TRUE(lines);
    EXPECT_EQ(count_of(*lines), 1000U);
    EXPECT_EQ(seen, 2000U);
}

TEST_F(Log, AReaderFromTheFutureOfAnEarlierStartGetsTheNextOne) {
    log_.add("start", "", Epoch(1));
    std::uint64_t seen = 50;
    std::optional<std::string> lines;
    boost::asio::co_spawn(io_, log_.next(seen),
                          [&](const std::exception_ptr&, std::string said) { lines = said; });
    io_.poll();
    EXPECT_FALSE(lines) << "it waits";
    log_.add("drain", "", Epoch(1));
    io_.restart();
    io_.poll();
    ASSERT_TRUE(lines);
    EXPECT_NE(lines->find(R"("number":2)"), std::string::npos);
}

TEST_F(Log, TheEndEndsTheStreams) {
    std::uint64_t seen = 0;
    log_.add("drain", "", Epoch(1));
    log_.close();
    EXPECT_NE(next(seen), "") << "what is there is still told";
    EXPECT_EQ(next(seen), "");
}

}  // namespace
}  // namespace quorate::cluster
