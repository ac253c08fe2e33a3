#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "shadowing/io/disk_server.hpp"
#include "shadowing/io/served_member.hpp"

namespace quorate::shadowing {

inline std::string block(char fill) { return std::string(4096, fill); }

// A disk of 4 MiB, its server with a real nbdkit, and openers of it, on one io_context.
class ServedWorld : public ::testing::Test {
protected:
    static constexpr std::uint64_t kOctets = 4 << 20;

    void SetUp() override {
        std::string name = "/tmp/quorate-served-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        std::ofstream(disk_path(), std::ios::binary) << std::string(kOctets, '\0');
    }
    void TearDown() override {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    std::string disk_path() const { return folder_ + "/disk.img"; }
    std::string socket_path() const { return folder_ + "/disk.sock"; }

    // Stops the server's process: kill() comes back before all of its threads stand.
    void freeze_server() {
        ASSERT_EQ(::kill(server_->process(), SIGSTOP), 0);
        siginfo_t stopped = {};
        ASSERT_EQ(
            ::waitid(P_PID, static_cast<id_t>(server_->process()), &stopped, WSTOPPED | WNOWAIT),
            0);
        ASSERT_EQ(stopped.si_code, CLD_STOPPED);
    }

    // Runs what is to be run until it holds, at most a minute.
    template <class Holds>
    bool run_until(Holds holds) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > limit) {
                return false;
            }
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(20));
        }
        return true;
    }

    void serve(std::uint64_t floor = 0, std::string psk_file = {}, std::string address = {}) {
        auto disk = disks_.open(disk_path());
        ASSERT_TRUE(disk) << disk.error().to_string();
        ServeOptions options{"disk1", address.empty() ? "unix:" + socket_path() : address,
                             std::move(psk_file), floor};
        auto server = DiskServer::start(io_, *disk, std::move(options));
        ASSERT_TRUE(server) << server.error().to_string();
        server_ = std::move(*server);
        ASSERT_TRUE(run_until([&] { return server_->is_ready(); }));
    }

    ServedDisk served() {
        ServedDisk disk;
        disk.address = "unix:" + socket_path();
        disk.disk = "disk1";
        disk.opener = opener_;
        disk.epoch = [this] { return epoch_; };
        disk.retry_after = std::chrono::milliseconds(20);
        return disk;
    }

    Result<std::unique_ptr<Member>> open(ServedDisk disk) {
        std::optional<Result<std::unique_ptr<Member>>> opened;
        open_served_member(io_, std::move(disk), [&](Result<std::unique_ptr<Member>> member) {
            opened.emplace(std::move(member));
        });
        EXPECT_TRUE(run_until([&] { return opened.has_value(); }));
        return std::move(*opened);
    }
    std::unique_ptr<Member> open() {
        auto member = open(served());
        EXPECT_TRUE(member) << member.error().to_string();
        return member ? std::move(*member) : nullptr;
    }

    // How an operation ended.
    template <class Ask>
    Outcome outcome_of(Ask ask) {
        std::optional<Outcome> outcome;
        ask([&](Outcome ended) { outcome = ended; });
        EXPECT_FALSE(outcome) << "it ended before the call returned";
        EXPECT_TRUE(run_until([&] { return outcome.has_value(); }));
        return *outcome;
    }
    Outcome write(Member& member, std::uint64_t offset, std::string_view bytes, bool fua = false) {
        const io::AlignedBuffer buffer(bytes);
        return outcome_of(
            [&](Member::Done done) { member.write(offset, buffer.span(), fua, std::move(done)); });
    }
    std::string read(Member& member, std::uint64_t offset, std::size_t size) {
        io::AlignedBuffer buffer(size);
        const auto outcome = outcome_of(
            [&](Member::Done done) { member.read(offset, buffer.span(), std::move(done)); });
        return outcome == Outcome::kOk ? std::string(buffer.text()) : std::string();
    }
    Outcome flush(Member& member) {
        return outcome_of([&](Member::Done done) { member.flush(std::move(done)); });
    }

    std::string on_disk(std::uint64_t offset, std::size_t size) const {
        std::ifstream file(disk_path(), std::ios::binary);
        file.seekg(static_cast<std::streamoff>(offset));
        std::string bytes(size, '\0');
        file.read(bytes.data(), static_cast<std::streamsize>(size));
        return bytes;
    }

    std::string folder_;
    boost::asio::io_context io_{1};
    LocalDisks disks_;
    std::unique_ptr<DiskServer> server_;
    ServedOpener opener_{{cluster::NodeId(2), cluster::Incarnation(0xa1)}, 0xb07};
    std::uint64_t epoch_ = 5;
};

}  // namespace quorate::shadowing
