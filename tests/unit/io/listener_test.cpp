#include "io/listener.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "base/log.hpp"
#include "io_test.hpp"

namespace quorate::io {
namespace {

using std::chrono::milliseconds;

class ListenerTest : public IoTest {
protected:
    void listen(const std::string& address) {
        auto listener = Listener::open(context_, address);
        ASSERT_TRUE(listener) << listener.error().to_string();
        listener_.emplace(std::move(*listener));
        spawn_test(
            listener_->run([this](Stream stream) { accepted_.push_back(std::move(stream)); }));
    }
    awaitable<Result<Stream>> connect() {
        auto address = Address::parse(listener_->address());
        EXPECT_TRUE(address);
        return Stream::connect(context_, *address, after(milliseconds(5000)));
    }
    // Connects `count` times, waits for as many acceptances, closes the listener.
    awaitable<void> connect_and_close(std::size_t count) {
        std::vector<Stream> clients;
        for (std::size_t i = 0; i < count; ++i) {
            auto stream = co_await connect();
            QUORATE_CO_ASSERT(stream);
            clients.push_back(std::move(*stream));
        }
        for (int i = 0; i < 1000 && accepted_.size() < count; ++i) {
            const auto slept = co_await sleep_until(mono_now() + milliseconds(2));
            EXPECT_TRUE(slept);
        }
        EXPECT_EQ(accepted_.size(), count);
        listener_->close();
    }

    std::optional<Listener> listener_;
    std::vector<Stream> accepted_;
};

TEST_F(ListenerTest, AcceptsOverIpv4AndKnowsBothAddresses) {
    listen("127.0.0.1:0");
    run(connect_and_close(100));
    EXPECT_EQ(accepted_[0].peer().host, "127.0.0.1");
    EXPECT_TRUE(accepted_[0].peer().loopback());
    EXPECT_NE(accepted_[0].local().port, 0);
}

TEST_F(ListenerTest, AcceptsOverIpv6) {
    listen("[::1]:0");
    run(connect_and_close(1));
    EXPECT_EQ(accepted_[0].peer().host, "::1");
}

TEST_F(ListenerTest, AUnixSocketHasItsModeAndGoesWithTheListener) {
    const TemporaryFolder folder;
    const auto path = folder.path("s.sock");
    listen("unix:" + path);
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660U);
    run(connect_and_close(2));
    EXPECT_NE(stat(path.c_str(), &info), 0);
}

TEST_F(ListenerTest, AStaleSocketFileIsReplacedButNotALiveOneNorAnythingElse) {
    const TemporaryFolder folder;
    const auto path = folder.path("s.sock");
    {
        listen("unix:" + path);
        ASSERT_EQ(link(path.c_str(), folder.path("stale.sock").c_str()), 0);
        const auto second = Listener::open(context_, "unix:" + path);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, std::errc::address_in_use);
        listener_->close();
        run_all();
    }
    const auto replaced = Listener::open(context_, "unix:" + folder.path("stale.sock"));
    EXPECT_TRUE(replaced);
    folder.write("file", "precious");
    const auto file = Listener::open(context_, "unix:" + folder.path("file"));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, std::errc::file_exists);
}

TEST_F(ListenerTest, APortInUseIsNamed) {
    listen("127.0.0.1:0");
    const auto second = Listener::open(context_, listener_->address());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, std::errc::address_in_use);
    EXPECT_NE(second.error().detail.find(listener_->address()), std::string::npos);
    listener_->close();
    run_all();
}

TEST_F(ListenerTest, ConnectionsAfterCloseAreRefused) {
    listen("127.0.0.1:0");
    const auto address = Address::parse(listener_->address());
    auto body = [&]() -> awaitable<void> {
        listener_->close();
        listener_->close();
        auto stream = co_await Stream::connect(context_, *address, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(!stream);
        EXPECT_EQ(stream.error().code, std::errc::connection_refused);
    };
    run(body());
}

TEST_F(ListenerTest, OutOfDescriptorsItPausesAndGoesOn) {
    std::vector<std::string> lines;
    Logger::set_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
    listen("127.0.0.1:0");
    auto body = [&]() -> awaitable<void> {
        auto client = co_await connect();
        QUORATE_CO_ASSERT(client);
        // Nothing left for the server's end of it.
        std::vector<int> hoard;
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        const auto before = limit;
        limit.rlim_cur = 64;
        setrlimit(RLIMIT_NOFILE, &limit);
        for (int fd = dup(0); fd >= 0; fd = dup(0)) {
            hoard.push_back(fd);
        }
        auto slept = co_await sleep_until(mono_now() + milliseconds(250));
        EXPECT_TRUE(slept);
        EXPECT_TRUE(accepted_.empty());
        EXPECT_EQ(lines.size(), 1U) << "complains once, not each time";
        for (const int fd : hoard) {
            close(fd);
        }
        setrlimit(RLIMIT_NOFILE, &before);
        slept = co_await sleep_until(mono_now() + milliseconds(250));
        EXPECT_TRUE(slept);
        EXPECT_EQ(accepted_.size(), 1U);
        listener_->close();
    };
    run(body());
    Logger::set_sink(nullptr);
}

TEST_F(ListenerTest, TakesOverTheSocketThatTheServiceManagerPassed) {
    // As systemd does it: the socket is descriptor 3 of the process named in LISTEN_PID.
    const int saved = dup(3);
    const int passed = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ASSERT_EQ(bind(passed, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(passed, 5), 0);
    ASSERT_EQ(getsockname(passed, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(dup2(passed, 3), 3);
    if (passed != 3) {
        close(passed);
    }
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
    listen("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    run(connect_and_close(1));
    EXPECT_EQ(fcntl(3, F_GETFD), -1) << "another socket than the passed one was used";
    if (saved >= 0) {
        dup2(saved, 3);
        close(saved);
    }
}

TEST(AddressTest, ParsesWhatItPrints) {
    for (const auto* text : {"192.0.2.1:25", "[2001:db8::1]:25", "unix:run/x.sock"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
    for (const auto* text : {"", "25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "host:25",
                             "::1:25", "[127.0.0.1]:25", "unix:", "[::1]", "127.0.0.1:+5"}) {
        const auto address = Address::parse(text);
        EXPECT_FALSE(address) << text;
    }
}

TEST(AddressTest, KnowsLoopback) {
    for (const auto* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
        EXPECT_TRUE(Address::parse(text)->loopback()) << text;
    }
    for (const auto* text : {"192.0.2.1:1", "[2001:db8::1]:1", "[::ffff:192.0.2.1]:1"}) {
        EXPECT_FALSE(Address::parse(text)->loopback()) << text;
    }
}

}  // namespace
}  // namespace quorate::io
