#include "io/durable_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/scratch.hpp"

namespace quorate::io {
namespace {

class DurableFile : public ::testing::Test {
protected:
    support::Scratch scratch_;
    std::string path_ = scratch_.file("x");
};

TEST_F(DurableFile, WhatIsNotThereIsNothing) {
    const auto read = read_file(path_);
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
    EXPECT_TRUE(remove_durably(path_)) << "nor is removing it an error";
}

TEST_F(DurableFile, ReplacedItHasAllOfTheNewAndNothingBeside) {
    ASSERT_TRUE(replace_durably(path_, std::string(10'000, 'a')));
    ASSERT_TRUE(replace_durably(path_, std::string("b\0c", 3)));
    EXPECT_EQ(**read_file(path_), std::string("b\0c", 3));
    EXPECT_NE(::access((path_ + ".new").c_str(), F_OK), 0);
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    EXPECT_TRUE(remove_durably(path_));
    EXPECT_FALSE(*read_file(path_));
}

TEST_F(DurableFile, WhenTheDraftCannotBeWrittenTheOldOneStays) {
    ASSERT_TRUE(replace_durably(path_, "old"));
    ::mkdir((path_ + ".new").c_str(), 0700);
    const auto replaced = replace_durably(path_, "new");
    ASSERT_FALSE(replaced);
    EXPECT_NE(replaced.error().detail.find(path_), std::string::npos);
    EXPECT_EQ(**read_file(path_), "old");
}

TEST_F(DurableFile, AFileThatIsNoSmallOneIsNotRead) {
    scratch_.write("x", std::string((1 << 20) + 1, 'x'));
    const auto read = read_file(path_);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, std::errc::file_too_large);
    EXPECT_FALSE(read_file(scratch_.path())) << "a folder is none";
}

}  // namespace
}  // namespace quorate::io
