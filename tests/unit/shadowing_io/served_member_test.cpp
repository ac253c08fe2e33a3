#include "shadowing/io/served_member.hpp"

#include <signal.h>

#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "served_world.hpp"
#include "shadowing/io/disk_tools.hpp"
#include "shadowing/io/member_meta.hpp"
#include "shadowing/io/psk_file.hpp"

namespace quorate::shadowing {
namespace {

class ServedMemberTest : public ServedWorld {};

TEST_F(ServedMemberTest, ReadsWritesZeroesAndFlushes) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    EXPECT_EQ(member->octets(), kOctets);
    EXPECT_EQ(member->life(), machine_life());
    EXPECT_EQ(write(*member, 8192, block('a')), Outcome::kOk);
    EXPECT_EQ(write(*member, 12288, block('b'), /*fua=*/true), Outcome::kOk);
    EXPECT_EQ(flush(*member), Outcome::kOk);
    EXPECT_EQ(on_disk(8192, 8192), block('a') + block('b'));
    EXPECT_EQ(read(*member, 8192, 8192), block('a') + block('b'));
    EXPECT_EQ(outcome_of([&](Member::Done done) { member->zero(8192, 4096, true, done); }),
              Outcome::kOk);
    EXPECT_EQ(read(*member, 8192, 8192), block('\0') + block('b'));
}

TEST_F(ServedMemberTest, ComparesByDigests) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    ASSERT_EQ(write(*member, 4096, block('a') + block('b')), Outcome::kOk);
    const auto compare = [&](const std::string& with) {
        const io::AlignedBuffer buffer(with);
        return outcome_of(
            [&](Member::Done done) { member->compare(4096, buffer.span(), std::move(done)); });
    };
    EXPECT_EQ(compare(block('a') + block('b')), Outcome::kOk);
    auto other = block('a') + block('b');
    other.back() = 'c';
    EXPECT_EQ(compare(other), Outcome::kDiffers);
    EXPECT_EQ(compare(block('a').substr(0, 512)), Outcome::kOk);  // no whole block: by reading
    EXPECT_EQ(compare(block('x').substr(0, 512)), Outcome::kDiffers);
}

TEST_F(ServedMemberTest, CarriesLabelsAndLogs) {
    const auto made = create_set({.unit = "DSA1", .disks = {disk_path()}, .openers = 4});
    ASSERT_TRUE(made) << made.error().to_string();
    serve();
    auto options = served();
    options.set = made->set;
    auto opened = open(options);
    ASSERT_TRUE(opened) << opened.error().to_string();
    auto& member = **opened;
    std::optional<Result<FoundLabel>> found;
    read_label(member, [&](Result<FoundLabel> label) { found.emplace(std::move(label)); });
    ASSERT_TRUE(run_until([&] { return found.has_value(); }));
    ASSERT_TRUE(*found) << found->error().to_string();
    auto label = (*found)->label;
    EXPECT_EQ(label.set, made->set);
    ++label.sequence;
    EXPECT_EQ(outcome_of([&](Member::Done done) { write_label(member, label, done); }),
              Outcome::kOk);
    EXPECT_EQ(outcome_of([&](Member::Done done) { clear_log(member, label.layout, done); }),
              Outcome::kOk);
    const auto again = inspect_label(disk_path());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->label.sequence, label.sequence);
    EXPECT_TRUE(again->both);
}

TEST_F(ServedMemberTest, IsRefusedWithAnOldEpochAnotherNameOrAnotherSet) {
    ASSERT_TRUE(create_set({.unit = "DSA1", .disks = {disk_path()}, .openers = 4}));
    serve(/*floor=*/6);
    auto old = open(served());
    ASSERT_FALSE(old);
    EXPECT_NE(old.error().detail.find("epochs from 6"), std::string::npos) << old.error().detail;
    epoch_ = 6;
    auto named = served();
    named.disk = "disk2";
    EXPECT_FALSE(open(named));
    auto of_another = served();
    of_another.set = {1, 2};
    EXPECT_FALSE(open(of_another));
    EXPECT_TRUE(open(served()));
}

TEST_F(ServedMemberTest, NobodyListens) {
    const auto member = open(served());
    ASSERT_FALSE(member);
    EXPECT_EQ(member.error().code, std::errc::no_such_file_or_directory);
}

// Each write is acknowledged although the server was killed over it, and is there.
TEST_F(ServedMemberTest, AsksAgainWhenTheServerHasDied) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    std::size_t ended = 0;
    std::vector<io::AlignedBuffer> blocks;
    for (std::uint64_t i = 0; i < 64; ++i) {
        blocks.emplace_back(block(static_cast<char>('0' + i)));
    }
    for (std::uint64_t i = 0; i < 64; ++i) {
        member->write(i * 4096, blocks[i].span(), false, [&](Outcome outcome) {
            EXPECT_EQ(outcome, Outcome::kOk);
            ++ended;
        });
        if (i % 16 == 8) {
            ASSERT_TRUE(run_until([&] { return ended > i / 2; }));
            ASSERT_TRUE(run_until([&] { return server_->process() > 0; }));
            ::kill(server_->process(), SIGKILL);
        }
    }
    ASSERT_TRUE(run_until([&] { return ended == 64; }));
    for (std::uint64_t i = 0; i < 64; ++i) {
        EXPECT_EQ(on_disk(i * 4096, 4096), block(static_cast<char>('0' + i))) << i;
    }
}

// While nobody can tell what became of a write, it is not over.
TEST_F(ServedMemberTest, AFenceWaitsUntilTheServerAnswersForWhatWasAsked) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    const auto process = server_->process();
    ASSERT_NO_FATAL_FAILURE(freeze_server());
    const io::AlignedBuffer data(block('a'));
    std::optional<Outcome> outcome;
    member->write(0, data.span(), false, [&](Outcome ended) { outcome = ended; });
    bool fenced = false;
    member->fence([&] { fenced = true; });
    io_.restart();
    io_.poll();
    EXPECT_FALSE(outcome || fenced);
    ASSERT_EQ(::kill(process, SIGCONT), 0);
    ASSERT_TRUE(run_until([&] { return fenced; }));
    EXPECT_TRUE(outcome);
    EXPECT_EQ(on_disk(0, 4096), block('a'));
}

TEST_F(ServedMemberTest, AFenceEndsWhatANewConnectionHasOvertaken) {
    serve();
    const auto member = open();
    ASSERT_NE(member, nullptr);
    const auto process = server_->process();
    ASSERT_NO_FATAL_FAILURE(freeze_server());
    const io::AlignedBuffer data(block('a'));
    std::optional<Outcome> outcome;
    member->write(0, data.span(), false, [&](Outcome ended) { outcome = ended; });
    bool fenced = false;
    member->fence([&] {
        EXPECT_TRUE(outcome);
        fenced = true;
    });
    ::kill(process, SIGKILL);
    ASSERT_TRUE(run_until([&] { return fenced; }));
    EXPECT_EQ(outcome, Outcome::kFailed);
    EXPECT_EQ(write(*member, 0, block('b')), Outcome::kOk);
    EXPECT_EQ(on_disk(0, 4096), block('b'));
}

// Nobody will ever answer for what it had before it; who opens its disk waits for that.
TEST_F(ServedMemberTest, AFenceEndsWithAServerThatHasEndedForGood) {
    serve();
    bool for_good = false;
    auto options = served();
    options.has_ended = [&](const std::function<void(bool)>& answer) { answer(for_good); };
    auto opened = open(options);
    ASSERT_TRUE(opened) << opened.error().to_string();
    auto& member = **opened;
    ASSERT_NO_FATAL_FAILURE(freeze_server());
    const io::AlignedBuffer data(block('a'));
    std::optional<Outcome> outcome;
    member.write(0, data.span(), false, [&](Outcome ended) { outcome = ended; });
    bool fenced = false;
    member.fence([&] { fenced = true; });
    io_.restart();
    io_.poll();
    EXPECT_FALSE(outcome || fenced);
    for_good = true;
    ASSERT_TRUE(run_until([&] { return fenced; }));
    EXPECT_EQ(outcome, Outcome::kFailed);
    EXPECT_EQ(write(member, 0, block('b')), Outcome::kFailed);
}

// Nobody listened there a moment ago.
std::string free_address() {
    boost::asio::io_context io;
    namespace ip = boost::asio::ip;
    const ip::tcp::acceptor acceptor(io, ip::tcp::endpoint(ip::address_v4::loopback(), 0));
    return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

TEST_F(ServedMemberTest, IsServedOverTlsToWhoHasTheKey) {
    const auto key_file = folder_ + "/key";
    const auto wrong_file = folder_ + "/wrong";
    ASSERT_TRUE(write_psk_file(key_file, std::string(32, 'k')));
    ASSERT_TRUE(write_psk_file(wrong_file, std::string(32, 'x')));
    EXPECT_EQ(std::filesystem::status(key_file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto address = free_address();
    serve(0, key_file, address);
    auto with_key = served();
    with_key.address = address;
    with_key.psk_file = key_file;
    auto member = open(with_key);
    ASSERT_TRUE(member) << member.error().to_string();
    EXPECT_EQ(write(**member, 4096, block('t')), Outcome::kOk);
    EXPECT_EQ(read(**member, 4096, 4096), block('t'));
    auto wrong = with_key;
    wrong.psk_file = wrong_file;
    EXPECT_FALSE(open(wrong));
    auto plain = with_key;
    plain.psk_file.clear();
    EXPECT_FALSE(open(plain));
}

}  // namespace
}  // namespace quorate::shadowing
