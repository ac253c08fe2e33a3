#include "io/uring.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace quorate::io {
namespace {

class UringTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/quorate-uring-XXXXXX";
        file_ = ::mkstemp(name.data());
        ASSERT_GE(file_, 0);
        ::unlink(name.c_str());
        auto ring = Uring::open(io_, /*entries=*/4);
        ASSERT_TRUE(ring) << ring.error().to_string();
        ring_.emplace(std::move(*ring));
    }
    void TearDown() override { ::close(file_); }

    boost::asio::io_context io_{1};
    std::optional<Uring> ring_;
    int file_ = -1;
};

TEST(AlignedBuffer, BeginsAtAPageWhateverItsSize) {
    for (const std::size_t size : {1u, 511u, 4096u, 4097u, 262'144u, 5'000'000u}) {
        const AlignedBuffer buffer(size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment, 0u);
        EXPECT_EQ(buffer.size(), size);
    }
    EXPECT_EQ(AlignedBuffer(std::string_view("abc")).text(), "abc");
}

TEST(AlignedBuffer, NoTwoThatLiveShareMemory) {
    std::vector<AlignedBuffer> all;
    for (int round = 0; round < 3; ++round) {
        for (char i = 0; i < 100; ++i) {
            all.emplace_back(std::string(8192, i));
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            EXPECT_EQ(all[i].data()[8191], static_cast<char>(i % 100));
        }
        all.resize(all.size() / 2 / 100 * 100);
    }
}

TEST_F(UringTest, MoreThanItsEntriesWaitAndEndInTheirTurn) {
    std::vector<AlignedBuffer> blocks;
    std::size_t ended = 0;
    for (char i = 0; i < 64; ++i) {
        blocks.emplace_back(std::string(4096, static_cast<char>('0' + i)));
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        ring_->write(file_, blocks[i].span(), i * 4096, /*durable=*/false, [&](int result) {
            EXPECT_EQ(result, 4096);
            ++ended;
        });
    }
    EXPECT_EQ(ended, 0u);
    EXPECT_EQ(ring_->under_way(), 64u);
    io_.run();  // as long as something is under way
    EXPECT_EQ(ended, 64u);
    AlignedBuffer back(64 * 4096);
    int result = 0;
    ring_->read(file_, back.span(), 0, [&](int octets) { result = octets; });
    io_.restart();
    io_.run();
    ASSERT_EQ(result, 64 * 4096);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        EXPECT_EQ(back.text().substr(i * 4096, 4096), blocks[i].text()) << i;
    }
}

TEST_F(UringTest, TellsWhatTheSystemCallWould) {
    std::vector<int> results;
    const auto note = [&](int result) { results.push_back(result); };
    AlignedBuffer buffer(4096);
    ring_->read(-1, buffer.span(), 0, note);
    io_.run();
    ring_->allocate(file_, 0, 0, 8192, note);
    io_.restart();
    io_.run();
    ring_->sync_data(file_, note);
    io_.restart();
    io_.run();
    EXPECT_EQ(results, (std::vector<int>{-EBADF, 0, 0}));
}

}  // namespace
}  // namespace quorate::io
