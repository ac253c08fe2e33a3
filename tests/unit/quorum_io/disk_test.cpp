#include "quorum/io/disk.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "quorum/errc.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {
namespace {

namespace fs = std::filesystem;

class FileDisks : public testing::Test {
protected:
    void SetUp() override {
        // Not the system's temporary folder, which may be a tmpfs.
        path_ = fs::current_path() / ("quorum_disk." + std::to_string(::getpid()));
        fs::remove(path_);
    }
    void TearDown() override { fs::remove(path_); }

    std::unique_ptr<Disk> opened() {
        auto disk = open_disk(io_, path_);
        EXPECT_TRUE(disk) << disk.error().to_string();
        return disk ? std::move(*disk) : nullptr;
    }

    boost::asio::io_context io_;
    fs::path path_;
};

TEST_F(FileDisks, ANewDiskIsBlank) {
    ASSERT_TRUE(make_disk(path_, 10));

    const auto disk = opened();
    ASSERT_NE(disk, nullptr);
    EXPECT_EQ(disk->pages(), 10U);
    const auto pages = read_now(io_, *disk, 0, 10);
    ASSERT_TRUE(pages);
    EXPECT_EQ(*pages, std::string(10 * kPageBytes, '\0'));
}

TEST_F(FileDisks, WhatIsThereIsNotCut) {
    std::ofstream(path_) << std::string(20 * kPageBytes, 'x');
    ASSERT_TRUE(make_disk(path_, 10));
    EXPECT_EQ(fs::file_size(path_), 20 * kPageBytes);
}

TEST_F(FileDisks, APageThatWasWrittenIsReadByAnotherOpener) {
    ASSERT_TRUE(make_disk(path_, 10));
    const auto disk = opened();
    ASSERT_NE(disk, nullptr);
    const std::string page(kPageBytes, 'p');
    ASSERT_TRUE(write_now(io_, *disk, 3, page));

    const auto other = opened();
    const auto read = read_now(io_, *other, 2, 3);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, std::string(kPageBytes, '\0') + page + std::string(kPageBytes, '\0'));
}

TEST_F(FileDisks, BeyondTheEndIsAnErrorNotAShortPage) {
    ASSERT_TRUE(make_disk(path_, 2));
    const auto disk = opened();
    ASSERT_NE(disk, nullptr);
    const auto read = read_now(io_, *disk, 1, 2);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, std::errc::io_error);
}

TEST_F(FileDisks, ManyAtOnceAreEachAnswered) {
    ASSERT_TRUE(make_disk(path_, 32));
    const auto disk = opened();
    ASSERT_NE(disk, nullptr);
    int answers = 0;
    for (std::uint32_t n = 0; n < 20; ++n) {
        disk->write(n, std::string(kPageBytes, static_cast<char>('a' + n)), [&](Status status) {
            EXPECT_TRUE(status);
            ++answers;
        });
    }
    io_.run();
    EXPECT_EQ(answers, 20);
    const auto read = read_now(io_, *disk, 0, 20);
    ASSERT_TRUE(read);
    for (std::size_t n = 0; n < 20; ++n) {
        EXPECT_EQ((*read)[n * kPageBytes], static_cast<char>('a' + n));
    }
}

TEST_F(FileDisks, ADiskThatIsGoneSaysNothingMore) {
    ASSERT_TRUE(make_disk(path_, 10));
    auto disk = opened();
    ASSERT_NE(disk, nullptr);
    disk->read(0, 10, [](const Result<std::string>&) { FAIL() << "nobody is there to hear"; });
    disk.reset();
    io_.run();
}

TEST_F(FileDisks, AFileInMemoryIsRefused) {
    const std::string in_memory = "/dev/shm/quorum_disk." + std::to_string(::getpid());
    const auto made = make_disk(in_memory, 10);
    fs::remove(in_memory);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::unfit);
    EXPECT_NE(made.error().detail.find("tmpfs"), std::string::npos);
}

}  // namespace
}  // namespace quorate::quorum
