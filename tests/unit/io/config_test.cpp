#include "io/config.hpp"

#include "io_test.hpp"

namespace quorate::io {
namespace {

class ConfigTest : public ::testing::Test {
protected:
    std::unique_ptr<ConfigFile> load(const std::string& text) {
        folder_.write("q.toml", text);
        auto file = ConfigFile::load(folder_.path("q.toml"));
        EXPECT_TRUE(file) << file.error().to_string();
        return file ? std::move(*file) : nullptr;
    }
    // What finish() complains about, without the folder's name.
    std::string mistakes(ConfigFile& file) {
        const auto status = file.finish();
        if (status) {
            return {};
        }
        EXPECT_EQ(status.error().code, Errc::kConfig);
        return without_folder(status.error().detail);
    }
    std::string without_folder(std::string text) {
        const auto folder = folder_.path("");
        for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
            text.erase(at, folder.size());
        }
        return text;
    }

    TemporaryFolder folder_;
};

TEST_F(ConfigTest, ReadsEveryKindOfValue) {
    auto file = load(R"(
name = "mail.example.test"
bytes = 52428800
on = true
names = ["a", "b"]
mode = "second"
[table]
inner = "x"
[[entry]]
n = 1
[[entry]]
n = 2
)");
    auto root = file->root();
    EXPECT_EQ(root.required_string("name"), "mail.example.test");
    EXPECT_EQ(root.string("absent", "fallback"), "fallback");
    EXPECT_EQ(root.integer("bytes", 1, {0, 1 << 30}), 52428800);
    EXPECT_EQ(root.integer("absent_number", 7, {0, 9}), 7);
    EXPECT_TRUE(root.boolean("on", false));
    EXPECT_EQ(root.strings("names"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(root.choice("mode", {"first", "second"}), 1U);
    EXPECT_EQ(root.table("table").string("inner", ""), "x");
    EXPECT_EQ(root.table("absent_table").string("inner", "none"), "none");
    auto entries = root.tables("entry");
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[1].integer("n", 0, {0, 9}), 2);
    EXPECT_EQ(entries[0].integer("n", 0, {0, 9}), 1);
    EXPECT_EQ(mistakes(*file), "");
}

TEST_F(ConfigTest, AMissingRequiredKeyNamesTheTablesLine) {
    auto file = load("[node]\nlevel = 1\n\n[mail]\n");
    file->root().table("node").integer("level", 0, {0, 3});
    auto mail = file->root().table("mail");
    mail.required_string("postmaster");
    mail.table("tls").required_string("key");
    EXPECT_EQ(mistakes(*file),
              "q.toml:4: mail.postmaster: is missing; it wants a text in quotes\n"
              "q.toml:4: mail.tls.key: is missing; it wants a text in quotes");
}

TEST_F(ConfigTest, AWrongTypeSaysWhatIsAllowedOnce) {
    auto file = load(
        "name = 3\nport = \"25\"\non = 1\nlist = \"a\"\nmixed = [\"a\", 1, 2]\n"
        "table = 5\ntables = [1]\n");
    auto root = file->root();
    root.required_string("name");
    root.integer("port", 0, {1, 65535});
    root.boolean("on", false);
    root.strings("list");
    root.strings("mixed");
    root.table("table");
    root.tables("tables");
    EXPECT_EQ(mistakes(*file),
              "q.toml:1: name: wants a text in quotes\n"
              "q.toml:2: port: wants a whole number from 1 to 65535\n"
              "q.toml:3: on: wants true or false\n"
              "q.toml:4: list: wants a list of texts: [\"a\", \"b\"]\n"
              "q.toml:5: mixed: wants a list of texts: [\"a\", \"b\"]\n"
              "q.toml:6: table: wants a table: [table]\n"
              "q.toml:7: tables: wants tables: [[tables]]");
}

TEST_F(ConfigTest, ANumberOutOfItsRangeKeepsTheDefault) {
    auto file = load("[limits]\nrecipients = 0\n");
    EXPECT_EQ(file->root().table("limits").integer("recipients", 100, {1, 5000}), 100);
    EXPECT_EQ(mistakes(*file), "q.toml:2: limits.recipients: wants a whole number from 1 to 5000");
}

TEST_F(ConfigTest, AnUnknownKeyIsAnErrorWithItsLineAndTheNearestKey) {
    auto file = load(
        "[mail]\npostmastre = \"a\"\n[mail.limits]\nzebra = 1\n[male]\nx = 1\n"
        "[[mail.listen]]\nadress = \"x\"\n");
    auto mail = file->root().table("mail");
    mail.string("postmaster", "");
    mail.table("limits").integer("recipients", 1, {1, 2});
    for (auto& listen : mail.tables("listen")) {
        listen.string("address", "");
    }
    EXPECT_EQ(mistakes(*file),
              "q.toml:2: mail.postmastre: unknown key; did you mean \"postmaster\"?\n"
              "q.toml:4: mail.limits.zebra: unknown key\n"
              "q.toml:5: male: unknown key; did you mean \"mail\"?\n"
              "q.toml:8: mail.listen.adress: unknown key; did you mean \"address\"?");
}

TEST_F(ConfigTest, AChoiceOutsideTheListNamesTheList) {
    auto file = load("tls = \"maybe\"\n");
    EXPECT_EQ(file->root().choice("tls", {"none", "starttls", "implicit"}), 0U);
    EXPECT_EQ(mistakes(*file), "q.toml:1: tls: \"maybe\" is not one of none, starttls, implicit");
}

TEST_F(ConfigTest, ACallersOwnComplaintStandsAtItsKey) {
    auto file = load("a = 1\naddress = \"nowhere\"\n");
    auto root = file->root();
    root.integer("a", 0, {0, 9});
    root.string("address", "");
    root.complain("address", "has no port");
    EXPECT_EQ(mistakes(*file), "q.toml:2: address: has no port");
}

TEST_F(ConfigTest, ASyntaxErrorHasItsLine) {
    folder_.write("q.toml", "a = 1\nb = = 2\n");
    const auto file = ConfigFile::load(folder_.path("q.toml"));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Errc::kConfig);
    EXPECT_EQ(without_folder(file.error().detail).substr(0, 10), "q.toml:2: ");
}

TEST_F(ConfigTest, AFileThatCannotBeReadIsNamedWithTheReason) {
    const auto none = ConfigFile::load(folder_.path("none.toml"));
    ASSERT_FALSE(none);
    EXPECT_EQ(without_folder(none.error().detail), "none.toml: No such file or directory");
    const auto directory = ConfigFile::load(folder_.path(""));
    ASSERT_FALSE(directory);
    EXPECT_NE(directory.error().detail.find("is a folder"), std::string::npos);
}

TEST_F(ConfigTest, WhatIsLeftToAnotherDaemonIsNoMistake) {
    auto file =
        load("[mail]\nanything = 1\n[mail.more]\nx = 2\n[cluster]\nname = \"lab\"\nzebra = 1\n");
    auto root = file->root();
    root.leave("mail");
    root.leave("absent");
    EXPECT_EQ(root.table("cluster").string("name", ""), "lab");
    EXPECT_EQ(mistakes(*file), "q.toml:7: cluster.zebra: unknown key");
}

}  // namespace
}  // namespace quorate::io
