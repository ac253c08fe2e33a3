#include "base/log.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace quorate {
namespace {

class LogTest : public ::testing::Test {
protected:
    void SetUp() override {
        Logger::set_sink([this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
    }
    void TearDown() override {
        Logger::set_sink(nullptr);
        Logger::set_level(LogLevel::kInfo);
    }

    std::vector<std::string> lines_;
};

TEST_F(LogTest, WritesEventContextAndPairs) {
    const Logger log = Logger().with("session", 7);
    log.info("login", "account", "ann@example.org", "tls", true);
    EXPECT_EQ(lines_,
              (std::vector<std::string>{"login session=7 account=ann@example.org tls=true"}));
}

TEST_F(LogTest, QuotesWhatWouldBreakTheLine) {
    Logger().warn("bad_line", "text", "a \"b\"\r\nfake=1");
    EXPECT_EQ(lines_, (std::vector<std::string>{"bad_line text=\"a \\\"b\\\"\\x0d\\x0afake=1\""}));
}

TEST_F(LogTest, SkipsLevelsBelowTheThreshold) {
    Logger().debug("quiet");
    Logger::set_level(LogLevel::kDebug);
    Logger().debug("loud");
    EXPECT_EQ(lines_, (std::vector<std::string>{"loud"}));
}

}  // namespace
}  // namespace quorate
