#include "shadowing/io/ring_server.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "ring_client.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/solo_set.hpp"

namespace quorate::shadowing {
namespace {

// A set of two files, its ring server on a thread of its own, and clients on the test's.
class RingServerTest : public ::testing::Test {
protected:
    static constexpr std::uint64_t kOctets = 8u << 20;

    void SetUp() override {
        std::string name = "/tmp/quorate-ring-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        for (const auto* disk : {"a", "b"}) {
            disks_.push_back(folder_ + '/' + disk);
            std::ofstream(disks_.back(), std::ios::binary) << std::string(kOctets, '\0');
        }
        const auto made = create_set({.unit = "DSA1", .disks = disks_, .force = true});
        ASSERT_TRUE(made) << made.error().to_string();
        auto set = open_solo_set(io_, {"DSA1", disks_, folder_ + "/witness"});
        ASSERT_TRUE(set) << set.error().to_string();
        set_ = std::move(*set);
        set_->when_mounted([this] { io_.stop(); });
        io_.run_for(std::chrono::seconds(60));
        ASSERT_TRUE(set_->status().set.mounted);
        server_.emplace(io_, *set_, socket_path());
        const auto started = server_->start();
        ASSERT_TRUE(started) << started.error().to_string();
        io_.restart();
        thread_ = std::thread([this] { io_.run(); });
    }
    void TearDown() override {
        stop();
        server_.reset();
        io_.restart();
        set_->retire([this] { io_.stop(); });
        io_.run_for(std::chrono::seconds(60));
        set_.reset();
        std::filesystem::remove_all(folder_);
    }

    void stop() {
        if (thread_.joinable()) {
            io_.stop();
            thread_.join();
        }
    }

    std::string socket_path() const { return folder_ + "/unit.ring"; }
    std::unique_ptr<RingClient> connect() {
        std::string error;
        auto client = RingClient::connect(socket_path(), error);
        EXPECT_TRUE(client) << error;
        return client;
    }

    std::string folder_;
    std::vector<std::string> disks_;
    boost::asio::io_context io_{1};
    std::unique_ptr<MountedSet> set_;
    std::optional<RingServer> server_;
    std::thread thread_;
};

std::string pattern(std::size_t octets, unsigned seed) {
    std::string text(octets, '\0');
    for (std::size_t i = 0; i < octets; ++i) {
        text[i] = static_cast<char>(seed + i / 512 + i);
    }
    return text;
}

TEST_F(RingServerTest, WhatWasWrittenIsRead) {
    const auto client = connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(client->size(), set_->status().octets);
    EXPECT_EQ(client->block(), 4096u);
    const auto written = pattern(3 * kRingPart + 4096, 1);  // several parts, and a last short one
    const auto octets = static_cast<std::uint32_t>(written.size());
    ASSERT_EQ(client->write(written.data(), octets, 4096, false), 0);
    std::string read(written.size(), 'x');
    ASSERT_EQ(client->read(read.data(), octets, 4096), 0);
    EXPECT_EQ(read, written);
    EXPECT_EQ(client->flush(), 0);
    ASSERT_EQ(client->zero(8192, 4096, true), 0);
    ASSERT_EQ(client->read(read.data(), octets, 4096), 0);
    EXPECT_EQ(read, std::string(8192, '\0') + written.substr(8192));
}

TEST_F(RingServerTest, WhatIsOutOfRangeIsRefused) {
    const auto client = connect();
    ASSERT_TRUE(client);
    const std::string data(4096, 'x');
    EXPECT_EQ(client->write(data.data(), 4096, client->size(), false), EINVAL);
    std::vector<std::uint64_t> told;
    EXPECT_EQ(client->extents(4096, client->size(), told), EINVAL);
    EXPECT_EQ(client->write(data.data(), 4096, 0, false), 0);
}

TEST_F(RingServerTest, ExtentsAreTold) {
    const auto client = connect();
    ASSERT_TRUE(client);
    std::vector<std::uint64_t> told;
    ASSERT_EQ(client->extents(static_cast<std::uint32_t>(client->size()), 0, told), 0);
    std::uint64_t octets = 0;
    for (const auto word : told) {
        octets += word >> 1;
    }
    EXPECT_GT(octets, 0u);
    EXPECT_LE(octets, client->size());
}

// More threads than a ring has slots, and two rings.
TEST_F(RingServerTest, ManyAskTogether) {
    constexpr unsigned kThreads = 40;
    constexpr unsigned kRounds = 50;
    const auto clients = std::array{connect(), connect()};
    ASSERT_TRUE(clients[0] && clients[1]);
    std::vector<std::thread> threads;
    std::array<int, kThreads> wrong{};
    for (unsigned i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            auto& client = *clients[i % 2];
            std::string read(4096, '\0');
            for (unsigned round = 0; round < kRounds; ++round) {
                const auto block = pattern(4096, 7 * i + round);
                const auto offset = 4096ull * (i + kThreads * (round % 8));
                const bool sound = client.write(block.data(), 4096, offset, false) == 0 &&
                                   client.read(read.data(), 4096, offset) == 0 && read == block;
                wrong[i] += sound ? 0 : 1;
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, (std::array<int, kThreads>{}));
}

TEST_F(RingServerTest, WhoWaitsLearnsThatTheServerIsGone) {
    const auto client = connect();
    ASSERT_TRUE(client);
    stop();
    int error = 0;
    std::thread asks([&] { error = client->flush(); });
    server_.reset();
    asks.join();
    EXPECT_EQ(error, ESHUTDOWN);
    EXPECT_EQ(client->flush(), ESHUTDOWN);
}

// ---- a client that keeps to nothing

struct RawClient {
    explicit RawClient(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        hello.resize(kRingHello);
        iovec piece{hello.data(), hello.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(files))] = {};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        while (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0 && errno == EINTR) {
        }
        std::memcpy(files, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(files));
        void* at =
            ::mmap(nullptr, sizeof(RingMemory), PROT_READ | PROT_WRITE, MAP_SHARED, files[0], 0);
        EXPECT_NE(at, MAP_FAILED);
        ring = static_cast<RingMemory*>(at);
    }
    ~RawClient() {
        ::munmap(ring, sizeof(RingMemory));
        for (const int file : {socket, files[0], files[1]}) {
            ::close(file);
        }
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void ask(std::uint32_t slot, std::uint64_t what, std::uint32_t tail) {
        if (slot < kRingSlots) {
            ring->slots[slot].what = what;
        }
        ring->asked[0] = slot;
        ring->tail = tail;
        const std::uint64_t rung = 1;
        EXPECT_EQ(::write(files[1], &rung, sizeof(rung)), ssize_t(sizeof(rung)));
    }
    // Waits for it, a minute at most.
    bool is_dropped() const {
        timeval limit{60, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        char octet = 0;
        ssize_t got = -1;
        do {  // io_uring interrupts the thread that opened the set
            got = ::recv(socket, &octet, 1, 0);
        } while (got < 0 && errno == EINTR);
        return got == 0;
    }

    int socket = -1;
    int files[2] = {-1, -1};
    std::string hello;
    RingMemory* ring = nullptr;
};

TEST_F(RingServerTest, WhoOverstepsTheProtocolIsDropped) {
    const auto flush = what_of({});
    struct Case {
        const char* name;
        std::uint32_t slot;
        std::uint64_t what;
        std::uint32_t tail;
    };
    const Case cases[] = {
        {"a slot out of range", kRingSlots, flush, 1},
        {"a slot far out of range", UINT32_MAX, flush, 1},
        {"a tail too far ahead", 0, flush, kRingSlots + 1},
        {"a tail behind", 0, flush, UINT32_MAX},
        {"no kind", 0, 0, 1},
        {"a kind too many", 0, 6, 1},
        {"an unknown flag", 0, flush | 2u << 8, 1},
        {"a reserved bit", 0, flush | 1u << 16, 1},
        {"a write larger than a slot", 0, what_of({DataKind::kWrite, false, 0, kRingPart + 1}), 1},
        {"a read larger than a slot", 0, what_of({DataKind::kRead, false, 0, kRingPart + 1}), 1},
        {"a zero too large", 0, what_of({DataKind::kZero, false, 0, kMaxDataOctets + 1}), 1},
    };
    for (const auto& one : cases) {
        RawClient raw(socket_path());
        raw.ask(one.slot, one.what, one.tail);
        EXPECT_TRUE(raw.is_dropped()) << one.name;
    }
    RawClient talks(socket_path());
    ASSERT_EQ(::send(talks.socket, "x", 1, MSG_NOSIGNAL), 1);
    EXPECT_TRUE(talks.is_dropped());
    const auto client = connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(client->flush(), 0);
}

TEST_F(RingServerTest, NobodyCanShortenTheMemory) {
    const RawClient raw(socket_path());
    EXPECT_NE(::ftruncate(raw.files[0], 0), 0);
}

// The example of docs/protocols/shadow-ring.md, but for the size, which here is the set's.
TEST_F(RingServerTest, HelloIsAsDocumented) {
    const RawClient raw(socket_path());
    std::string expected(
        "\x51\x53\x48\x52\x01\x00\x00\x00\x00\x10\x00\x00\x20\x00\x00\x00"
        "\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        kRingHello);
    const auto octets = set_->status().octets;
    for (unsigned i = 0; i < 8; ++i) {
        expected[16 + i] = static_cast<char>(octets >> 8 * i);
    }
    EXPECT_EQ(raw.hello, expected);
}

}  // namespace
}  // namespace quorate::shadowing
