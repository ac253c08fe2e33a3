#include "shadowing/io/disk_server.hpp"

#include <signal.h>

#include "served_world.hpp"

namespace quorate::shadowing {
namespace {

class DiskServerTest : public ServedWorld {};

TEST_F(DiskServerTest, IsNotForANetworkWithoutTls) {
    auto disk = disks_.open(disk_path());
    ASSERT_TRUE(disk);
    EXPECT_FALSE(DiskServer::start(io_, *disk, {"disk1", "127.0.0.1:10809", {}, 0}));
    EXPECT_FALSE(DiskServer::start(io_, *disk, {"disk/1", "unix:" + socket_path(), {}, 0}));
}

TEST_F(DiskServerTest, TheDiskIsLockedWhileItIsServed) {
    serve();
    EXPECT_FALSE(LocalDisk::open(disk_path()));
    // This process has it open already, and shares it.
    EXPECT_TRUE(disks_.open(disk_path()));
    bool ended = false;
    server_->stop([&] { ended = true; });
    EXPECT_FALSE(ended);
    ASSERT_TRUE(run_until([&] { return ended; }));
    EXPECT_TRUE(LocalDisk::open(disk_path()));
}

TEST_F(DiskServerTest, WhoWasDroppedGetsNothingInAnyMore) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    ASSERT_EQ(write(*member, 0, block('a')), Outcome::kOk);
    bool dropped = false;
    server_->drop({opener_.member, 0}, 6, [&] { dropped = true; });
    ASSERT_TRUE(run_until([&] { return dropped; }));
    EXPECT_EQ(write(*member, 0, block('b')), Outcome::kRefused);
    EXPECT_EQ(on_disk(0, 4096), block('a'));
    epoch_ = 6;  // the same life of that node, whatever it claims
    EXPECT_FALSE(open(served()));
    opener_.member.incarnation = cluster::Incarnation(0xa2);
    EXPECT_TRUE(open(served()));
}

TEST_F(DiskServerTest, WhoStaysIsNotDisturbedByADrop) {
    serve();
    const auto stays = open();
    auto other = served();
    other.opener.member.node = cluster::NodeId(3);
    auto goes = open(other);
    ASSERT_TRUE(stays && goes);
    bool dropped = false;
    server_->drop(other.opener, 6, [&] { dropped = true; });
    ASSERT_TRUE(run_until([&] { return dropped; }));
    EXPECT_EQ(write(*stays, 0, block('a')), Outcome::kOk);
}

// A drop is answered for a server that has died, and the next one knows the floor.
TEST_F(DiskServerTest, ADropOutlivesTheServersProcess) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    ASSERT_NO_FATAL_FAILURE(freeze_server());
    bool dropped = false;
    server_->drop({opener_.member, 0}, 6, [&] { dropped = true; });
    io_.restart();
    io_.poll();
    EXPECT_FALSE(dropped);
    ASSERT_EQ(::kill(server_->process(), SIGKILL), 0);
    ASSERT_TRUE(run_until([&] { return dropped; }));
    EXPECT_EQ(write(*member, 0, block('b')), Outcome::kRefused);
    EXPECT_EQ(on_disk(0, 4096), block('\0'));
}

// Frozen with a write before it, the server carries it out before it confirms the drop or never.
TEST_F(DiskServerTest, NothingLandsAfterTheDropIsConfirmed) {
    serve();
    for (char round = 'a'; round < 'k'; ++round) {
        opener_.process = static_cast<std::uint64_t>(round);
        auto member = open();
        ASSERT_NE(member, nullptr);
        ASSERT_NO_FATAL_FAILURE(freeze_server());
        const io::AlignedBuffer data(block(round));
        member->write(0, data.span(), false, [](Outcome) {});
        bool dropped = false;
        server_->drop(opener_, 0, [&] { dropped = true; });
        io_.restart();
        io_.poll();
        ASSERT_EQ(::kill(server_->process(), SIGCONT), 0);
        ASSERT_TRUE(run_until([&] { return dropped; }));
        const auto successor = block('S');
        std::ofstream(disk_path(), std::ios::binary | std::ios::in | std::ios::out) << successor;
        bool fenced = false;
        member->fence([&] { fenced = true; });
        ASSERT_TRUE(run_until([&] { return fenced; }));
        EXPECT_EQ(on_disk(0, 4096), successor);
    }
}

TEST_F(DiskServerTest, ListsWhoUsesIt) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    ASSERT_EQ(write(*member, 0, block('a')), Outcome::kOk);
    std::optional<std::vector<ServedConnection>> listed;
    server_->list(
        [&](std::vector<ServedConnection> connections) { listed = std::move(connections); });
    ASSERT_TRUE(run_until([&] { return listed.has_value(); }));
    ASSERT_EQ(listed->size(), 1u);
    EXPECT_EQ(listed->front().name.opener, opener_);
    EXPECT_EQ(listed->front().name.epoch, 5u);
    EXPECT_FALSE(listed->front().refused);
    EXPECT_EQ(listed->front().requests, 1u);
}

}  // namespace
}  // namespace quorate::shadowing
