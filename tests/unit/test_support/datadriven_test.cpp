#include "support/datadriven.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace quorate::support {
namespace {

// One script in a file of its own.
class Datadriven : public ::testing::Test {
protected:
    Datadriven()
        : file_(::testing::TempDir() + "datadriven-" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".txt") {}
    ~Datadriven() override { std::filesystem::remove(file_); }

    void write(std::string_view text) const { std::ofstream(file_, std::ios::binary) << text; }
    std::string read() const {
        std::ostringstream text;
        text << std::ifstream(file_, std::ios::binary).rdbuf();
        return text.str();
    }
    void run(bool rewrite = false) { run_script(file_, handler_, rewrite); }

    std::string file_;
    ScriptHandler handler_ = [](const ScriptCommand& command) {
        return command.verb == "print" ? command.body : unknown_verb(command);
    };
};

TEST_F(Datadriven, PassesWhenThePrintedTextIsTheExpectedOne) {
    write("# a comment\n\nprint\na\nb\n----\na\nb\n\nprint\n----\n");
    run();
}

TEST_F(Datadriven, ShowsLineAndDifference) {
    write("print\na\n----\na\n\nprint\na\nb\n----\na\nc\n");
    ::testing::TestPartResultArray failures;
    {
        ::testing::ScopedFakeTestPartResultReporter reporter(
            ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
        run();
    }
    ASSERT_EQ(failures.size(), 1);
    const auto& failure = failures.GetTestPartResult(0);
    EXPECT_EQ(failure.file_name(), file_);
    EXPECT_EQ(failure.line_number(), 6);
    EXPECT_NE(std::string(failure.message()).find("  a\n- c\n+ b\n"), std::string::npos)
        << failure.message();
}

TEST_F(Datadriven, RewritesTheExpectedPartsOnly) {
    write("# kept\nprint  with=this\na\n----\nwrong\n\n# kept too\n\nprint\nb\n----\nb\n");
    run(/*rewrite=*/true);
    EXPECT_EQ(read(), "# kept\nprint  with=this\na\n----\na\n\n# kept too\n\nprint\nb\n----\nb\n");
    run();
}

TEST_F(Datadriven, OutputWithBlankLinesStandsBetweenDoubledRules) {
    handler_ = [](const ScriptCommand&) { return "\nx\n\ny\n"; };
    write("print\n----\n\nprint\n----\n");
    run(/*rewrite=*/true);
    const std::string block = "print\n----\n----\n\nx\n\ny\n----\n----\n";
    EXPECT_EQ(read(), block + "\n" + block);
    run();
}

TEST_F(Datadriven, ReadsWordsKeysAndQuotedValues) {
    handler_ = [](const ScriptCommand& command) {
        EXPECT_TRUE(command.has("tls"));
        EXPECT_FALSE(command.has("TLS"));
        EXPECT_EQ(command.value("role"), "lmtp");
        EXPECT_EQ(command.value("name"), "two words");
        EXPECT_EQ(command.value("tls"), std::nullopt);
        EXPECT_EQ(command.value_or("other", "none"), "none");
        EXPECT_EQ(command.expected, "seen\n");
        return "seen";
    };
    write("verb tls role=lmtp name=\"two words\"\n----\nseen\n");
    run();
}

TEST_F(Datadriven, AScriptThatTestsNothingFails) {
    write("# only a comment\n");
    EXPECT_NONFATAL_FAILURE(run(), "without a command");
    write("print\n----\n\nprint\nno rule\n");
    EXPECT_NONFATAL_FAILURE(run(), "no ----");
}

TEST_F(Datadriven, AnUnknownVerbFailsEvenWhenRewriting) {
    write("sing\n----\nunknown verb sing\n");
    EXPECT_NONFATAL_FAILURE(run(/*rewrite=*/true), "unknown verb sing");
}

}  // namespace
}  // namespace quorate::support
