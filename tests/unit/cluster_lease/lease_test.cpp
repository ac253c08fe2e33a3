#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "cluster/errc.hpp"
#include "cluster/lease_reader.hpp"
#include "cluster/lease_writer.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::microseconds;

constexpr BootTime at(int us) { return BootTime(microseconds(us)); }

LeasePage running(std::uint64_t epoch, BootTime deadline) {
    LeasePage page;
    page.epoch = Epoch(epoch);
    page.incarnation = Incarnation(7);
    page.state = LeaseState::kRunning;
    page.reason = StallReason::kNone;
    page.deadline = deadline;
    return page;
}

class SharedLease : public ::testing::Test {
protected:
    SharedLease() { std::filesystem::create_directory(folder_); }
    ~SharedLease() override { std::filesystem::remove_all(folder_); }

    std::string folder_ = ::testing::TempDir() + "lease_test_" + std::to_string(::getpid());
    std::string path_ = folder_ + "/lease";
};

TEST_F(SharedLease, IsReadAsItWasWritten) {
    auto writer = LeaseWriter::open(path_);
    ASSERT_TRUE(writer);
    writer->publish(running(12, at(1000)));
    const auto reader = LeaseReader::open(path_);
    ASSERT_TRUE(reader);
    const auto lease = reader->check(at(999));
    EXPECT_TRUE(lease.running());
    EXPECT_EQ(lease.epoch, Epoch(12));
    auto stalled = running(13, at(2000));
    stalled.state = LeaseState::kStalled;
    stalled.reason = StallReason::kNoQuorum;
    writer->publish(stalled);
    EXPECT_EQ(reader->check(at(999)).reason, StallReason::kNoQuorum);
}

TEST_F(SharedLease, AtTheDeadlineItIsOver) {
    auto writer = LeaseWriter::open(path_);
    writer->publish(running(12, at(1000)));
    const auto reader = LeaseReader::open(path_);
    EXPECT_EQ(reader->check(at(1000)).state, LeaseState::kStalled);
    EXPECT_EQ(reader->check(at(1000)).reason, StallReason::kWriterSilent);
    writer->publish(running(12, kLeaseForEver));
    EXPECT_TRUE(reader->check(at(2'000'000'000)).running());
}

TEST_F(SharedLease, OfAnotherLifeTheReaderIsExpelledForEver) {
    auto writer = LeaseWriter::open(path_);
    writer->publish(running(12, at(1000)));
    const auto reader = LeaseReader::open(path_);
    auto successor = LeaseWriter::open(path_);
    auto page = running(13, at(5000));
    page.incarnation = Incarnation(8);
    successor->publish(page);
    EXPECT_EQ(reader->check(at(0)).state, LeaseState::kExpelled);
    EXPECT_EQ(reader->check(at(0)).reason, StallReason::kAnotherLife);
    EXPECT_TRUE(LeaseReader::open(path_)->check(at(0)).running());
}

TEST_F(SharedLease, WithoutAPageThereIsNoReader) {
    const auto missing = LeaseReader::open(path_);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, std::errc::no_such_file_or_directory);
    std::ofstream(path_) << "short";
    EXPECT_EQ(LeaseReader::open(path_).error().code, make_error_code(errc::damaged));
    std::ofstream(path_) << std::string(4096, 'x');
    EXPECT_EQ(LeaseReader::open(path_).error().code, make_error_code(errc::damaged));
    auto writer = LeaseWriter::open(path_);
    ASSERT_TRUE(writer);
    writer->publish(running(1, at(10)));
    EXPECT_TRUE(LeaseReader::open(path_)) << "the writer makes it one";
}

// Of the mapped words, as a writer that died or an earlier start of the machine left them.
class Words {
public:
    explicit Words(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDWR);
        memory_ = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
    }
    ~Words() { ::munmap(memory_, 4096); }
    std::uint64_t& operator[](std::size_t i) { return static_cast<std::uint64_t*>(memory_)[i]; }

private:
    void* memory_;
};

TEST_F(SharedLease, AWriterThatDiedWithinStallsAndTheNextGoesOn) {
    auto writer = LeaseWriter::open(path_);
    writer->publish(running(12, at(1000)));
    const auto reader = LeaseReader::open(path_);
    Words words(path_);
    ++words[kLeaseSequence];
    EXPECT_EQ(reader->check(at(0)).reason, StallReason::kWriterSilent);
    EXPECT_FALSE(LeaseReader::open(path_));
    writer->publish(running(13, at(1000)));
    EXPECT_TRUE(reader->check(at(0)).running());
}

TEST_F(SharedLease, AnotherStartOfTheMachineDoesNotCount) {
    auto writer = LeaseWriter::open(path_);
    writer->publish(running(12, at(1000)));
    const auto reader = LeaseReader::open(path_);
    Words words(path_);
    words[6] ^= 1;
    EXPECT_EQ(reader->check(at(0)).state, LeaseState::kStalled);
}

TEST_F(SharedLease, AReaderNeverSeesHalfOfAPage) {
    auto writer = LeaseWriter::open(path_);
    writer->publish(running(1, at(1)));
    const auto reader = LeaseReader::open(path_);
    std::atomic<bool> done = false;
    // The lease of an odd epoch has ended at time 2, that of an even one has not.
    std::thread writing([&] {
        for (std::uint64_t i = 1; i < 200'000; ++i) {
            writer->publish(running(i, at(i % 2 == 0 ? 3 : 1)));
        }
        done = true;
    });
    std::size_t torn = 0;
    while (!done) {
        const auto lease = reader->check(at(2));
        if (lease.epoch != Epoch(0) && lease.running() != (lease.epoch.value() % 2 == 0)) {
            ++torn;
        }
    }
    writing.join();
    EXPECT_EQ(torn, 0U);
}

}  // namespace
}  // namespace quorate::cluster
