#include "io/tls.hpp"

#include <array>

#include "io/stream.hpp"
#include "io_test.hpp"

namespace quorate::io {
namespace {

using std::chrono::milliseconds;

class TlsTest : public IoTest {
protected:
    void SetUp() override {
        write_certificate(folder_, "mail.example.test", "cert.pem", "key.pem");
        auto server = TlsContext::server({folder_.path("cert.pem"), folder_.path("key.pem")});
        ASSERT_TRUE(server) << server.error().to_string();
        server_.emplace(std::move(*server));
        auto client = TlsContext::client({true, folder_.path("cert.pem"), "mail.example.test"});
        ASSERT_TRUE(client) << client.error().to_string();
        client_.emplace(std::move(*client));
        connect();
    }

    void connect() {
        auto pair = Stream::pair(context_);
        ASSERT_TRUE(pair);
        left_.emplace(std::move(pair->first));
        right_.emplace(std::move(pair->second));
    }

    awaitable<void> serve_handshake() {
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(5000)));
        EXPECT_TRUE(done) << done.error().to_string();
    }
    awaitable<void> client_handshake() {
        const auto done = co_await right_->start_tls(*client_, after(milliseconds(5000)));
        EXPECT_TRUE(done) << done.error().to_string();
    }
    void handshake() {
        spawn_test(serve_handshake());
        run(client_handshake());
    }

    // Reads `size` bytes.
    static awaitable<std::string> read_bytes(Stream& stream, std::size_t size) {
        std::string all;
        std::array<char, 1000> buffer;
        while (all.size() < size) {
            const auto ready = co_await stream.wait_readable(after(milliseconds(20000)));
            EXPECT_TRUE(ready);
            const auto got = co_await stream.read_some(buffer);
            if (!got || *got == 0) {
                break;
            }
            all.append(buffer.data(), *got);
        }
        co_return all;
    }

    TemporaryFolder folder_;
    std::optional<TlsContext> server_;
    std::optional<TlsContext> client_;
    std::optional<Stream> left_;   // the server's end
    std::optional<Stream> right_;  // the client's
};

TEST_F(TlsTest, TheHandshakeAgreesOnTls13AndReportsTheServerName) {
    handshake();
    const auto info = left_->tls_info();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->protocol, "TLSv1.3");
    EXPECT_TRUE(info->cipher.starts_with("TLS_")) << info->cipher;
    EXPECT_EQ(info->server_name, "mail.example.test");
    EXPECT_FALSE(info->resumed);
}

TEST_F(TlsTest, TheSameConnectionGoesFromPlainToTls) {
    auto server = [this]() -> awaitable<void> {
        const auto greeting = co_await left_->write("220 ready\r\n");
        EXPECT_TRUE(greeting);
        const auto command = co_await read_bytes(*left_, 10);
        EXPECT_EQ(command, "STARTTLS\r\n");
        const auto go = co_await left_->write("220 go\r\n");
        EXPECT_TRUE(go);
        const auto done = co_await left_->start_tls(*server_);
        EXPECT_TRUE(done);
        const auto secret = co_await read_bytes(*left_, 6);
        EXPECT_EQ(secret, "secret");
        const auto reply = co_await left_->write("ok");
        EXPECT_TRUE(reply);
        co_await left_->shutdown(after(milliseconds(5000)));
    };
    auto client = [this]() -> awaitable<void> {
        const auto greeting = co_await read_bytes(*right_, 11);
        EXPECT_EQ(greeting, "220 ready\r\n");
        const auto asked = co_await right_->write("STARTTLS\r\n");
        EXPECT_TRUE(asked);
        const auto go = co_await read_bytes(*right_, 8);
        EXPECT_EQ(go, "220 go\r\n");
        const auto done = co_await right_->start_tls(*client_);
        EXPECT_TRUE(done);
        const auto sent = co_await right_->write("secret");
        EXPECT_TRUE(sent);
        const auto reply = co_await read_bytes(*right_, 2);
        EXPECT_EQ(reply, "ok");
        std::array<char, 8> buffer;
        const auto end = co_await right_->read_some(buffer, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(end);
        EXPECT_EQ(*end, 0U);
        right_->close();
    };
    spawn_test(server());
    run(client());
}

TEST_F(TlsTest, BytesReadTooEarlyBelongToTheHandshake) {
    auto server = [this]() -> awaitable<void> {
        // The client's hello arrives behind a header and is read with it.
        std::array<char, 4096> buffer;
        const auto ready = co_await left_->wait_readable();
        EXPECT_TRUE(ready);
        const auto slept = co_await sleep_until(mono_now() + milliseconds(50));
        EXPECT_TRUE(slept);
        const auto got = co_await left_->read_some(buffer);
        QUORATE_CO_ASSERT(got);
        QUORATE_CO_ASSERT(*got > 7);
        const std::string_view bytes(buffer.data(), *got);
        EXPECT_EQ(bytes.substr(0, 7), "PROXY\r\n");
        left_->unread(bytes.substr(7));
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(5000)));
        EXPECT_TRUE(done);
    };
    auto client = [this]() -> awaitable<void> {
        const auto sent = co_await right_->write("PROXY\r\n");
        EXPECT_TRUE(sent);
        const auto done = co_await right_->start_tls(*client_, after(milliseconds(5000)));
        EXPECT_TRUE(done);
    };
    spawn_test(server());
    run(client());
}

TEST_F(TlsTest, LargeTransfersInBothDirectionsAtOnce) {
    handshake();
    const std::string big(3 << 20, 'q');
    auto sender = [&](Stream& stream) -> awaitable<void> {
        const auto sent = co_await stream.write(big, after(milliseconds(50000)));
        EXPECT_TRUE(sent);
    };
    auto receiver = [&](Stream& stream) -> awaitable<void> {
        const auto all = co_await read_bytes(stream, big.size());
        EXPECT_TRUE(all == big);
    };
    spawn_test(sender(*left_));
    spawn_test(sender(*right_));
    spawn_test(receiver(*left_));
    run(receiver(*right_));
}

TEST_F(TlsTest, WaitReadableIsNotFooledBySessionTickets) {
    handshake();
    auto body = [this]() -> awaitable<void> {
        // The server has sent its tickets, and nothing for the client to read.
        const auto quiet = co_await right_->wait_readable(after(milliseconds(50)));
        QUORATE_CO_ASSERT(!quiet);
        EXPECT_EQ(quiet.error().code, Errc::kTimedOut);
        const auto sent = co_await left_->write("x");
        EXPECT_TRUE(sent);
        const auto ready = co_await right_->wait_readable(after(milliseconds(5000)));
        EXPECT_TRUE(ready);
        std::array<char, 8> buffer;
        const auto got = co_await right_->read_some(buffer, mono_now());
        QUORATE_CO_ASSERT(got);
        EXPECT_EQ(*got, 1U);
    };
    run(body());
}

TEST_F(TlsTest, AnInterruptReachesATlsWait) {
    handshake();
    auto body = [this]() -> awaitable<void> {
        const auto woken = co_await left_->wait_readable();
        QUORATE_CO_ASSERT(!woken);
        EXPECT_EQ(woken.error().code, Errc::kInterrupted);
    };
    auto waker = [this]() -> awaitable<void> {
        co_await yield();
        left_->interrupt();
    };
    spawn_test(body());
    run(waker());
}

TEST_F(TlsTest, AHandshakeWithSilenceTimesOut) {
    auto body = [this]() -> awaitable<void> {
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(30)));
        QUORATE_CO_ASSERT(!done);
        EXPECT_EQ(done.error().code, Errc::kTimedOut);
    };
    run(body());
}

TEST_F(TlsTest, AHandshakeWithGarbageFailsWithAReason) {
    auto body = [this]() -> awaitable<void> {
        const auto sent = co_await right_->write("EHLO not.tls.example\r\n");
        EXPECT_TRUE(sent);
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(!done);
        EXPECT_EQ(done.error().code, Errc::kTls);
        EXPECT_FALSE(done.error().detail.empty());
    };
    run(body());
}

TEST_F(TlsTest, APeerThatVanishesDuringTheHandshakeIsAnError) {
    auto body = [this]() -> awaitable<void> {
        right_->close();
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(5000)));
        EXPECT_FALSE(done);
    };
    run(body());
}

TEST_F(TlsTest, AClientThatExpectsAnotherNameRefusesTheServer) {
    auto other = TlsContext::client({true, folder_.path("cert.pem"), "other.example.test"});
    ASSERT_TRUE(other);
    client_.emplace(std::move(*other));
    auto server = [this]() -> awaitable<void> {
        const auto done = co_await left_->start_tls(*server_, after(milliseconds(5000)));
        if (done) {
            // In TLS 1.3 the client's refusal arrives after the server's part is over.
            std::array<char, 8> buffer;
            const auto got = co_await left_->read_some(buffer, after(milliseconds(5000)));
            EXPECT_FALSE(got && *got > 0);
        }
    };
    auto client = [this]() -> awaitable<void> {
        const auto done = co_await right_->start_tls(*client_, after(milliseconds(5000)));
        QUORATE_CO_ASSERT(!done);
        EXPECT_EQ(done.error().code, Errc::kTls);
        right_->close();
    };
    spawn_test(server());
    run(client());
}

TEST_F(TlsTest, ReloadServesTheNewCertificateToNewConnectionsOnly) {
    handshake();
    const auto before = server_->expires();
    write_certificate(folder_, "mail.example.test", "cert.pem", "key.pem");
    ASSERT_TRUE(server_->reload());
    EXPECT_GE(server_->expires(), before);

    // The old connection goes on.
    auto body = [this]() -> awaitable<void> {
        const auto sent = co_await left_->write("still here");
        EXPECT_TRUE(sent);
        const auto got = co_await read_bytes(*right_, 10);
        EXPECT_EQ(got, "still here");
    };
    run(body());

    // A client that trusts only the new certificate is content with a new connection.
    auto fresh = TlsContext::client({true, folder_.path("cert.pem"), "mail.example.test"});
    ASSERT_TRUE(fresh);
    client_.emplace(std::move(*fresh));
    connect();
    handshake();
}

TEST_F(TlsTest, ABadNewCertificateKeepsTheOldAndNamesTheFile) {
    folder_.write("cert.pem", "this is no certificate\n");
    const auto broken = server_->reload();
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Errc::kTls);
    EXPECT_NE(broken.error().detail.find("cert.pem: no usable certificate: "), std::string::npos)
        << broken.error().detail;
    handshake();  // the client still trusts the old certificate
}

TEST_F(TlsTest, AKeyOfAnotherCertificateIsRefused) {
    write_certificate(folder_, "mail.example.test", "other.pem", "other.key");
    const auto wrong = TlsContext::server({folder_.path("cert.pem"), folder_.path("other.key")});
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().detail.find("other.key"), std::string::npos) << wrong.error().detail;
}

TEST_F(TlsTest, AMissingFileIsNamedWithTheReason) {
    const auto missing = TlsContext::server({folder_.path("none.pem"), folder_.path("key.pem")});
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().detail.find("none.pem"), std::string::npos);
    EXPECT_NE(missing.error().detail.find("No such file"), std::string::npos)
        << missing.error().detail;
}

}  // namespace
}  // namespace quorate::io
