// The main of every script suite: one test per file of the suite's folder.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/datadriven.hpp"

namespace {

namespace fs = std::filesystem;

class ScriptTest : public ::testing::Test {
public:
    ScriptTest(fs::path file, bool rewrite) : file_(std::move(file)), rewrite_(rewrite) {}

private:
    void TestBody() override {
        quorate::support::run_script(file_, quorate::support::make_script_handler(), rewrite_);
    }

    fs::path file_;
    bool rewrite_;
};

class EmptyFolder : public ::testing::Test {
    void TestBody() override { FAIL() << "no scripts in " << QUORATE_SCRIPT_FOLDER; }
};

std::vector<fs::path> script_files() {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(QUORATE_SCRIPT_FOLDER)) {
        if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

bool wants_rewrite(int argc, char** argv) {
    const auto* variable = std::getenv("QUORATE_REWRITE");
    return (variable != nullptr && std::string(variable) == "1") ||
           std::find(argv + 1, argv + argc, std::string("--rewrite")) != argv + argc;
}

std::string test_name(const fs::path& file) {
    auto name = file.stem().string();
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
}

}  // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    const bool rewrite = wants_rewrite(argc, argv);
    const auto files = script_files();
    for (const auto& file : files) {
        ::testing::RegisterTest(
            "Script", test_name(file).c_str(), nullptr, nullptr, file.c_str(), 1,
            [file, rewrite]() -> ::testing::Test* { return new ScriptTest(file, rewrite); });
    }
    if (files.empty()) {
        ::testing::RegisterTest("Script", "FolderHasScripts", nullptr, nullptr, __FILE__, __LINE__,
                                []() -> ::testing::Test* { return new EmptyFolder; });
    }
    return RUN_ALL_TESTS();
}
