#include <array>
#include <optional>
#include <string>

#include "io/stream.hpp"
#include "io/tls.hpp"
#include "io_test.hpp"

namespace quorate::io {
namespace {

using std::chrono::milliseconds;

const std::string kKey(48, 'k');

class TlsPskTest : public IoTest {
protected:
    struct Outcome {
        Status server;
        Status client;
        std::optional<TlsInfo> info;
    };

    static awaitable<void> shake(Stream& stream, TlsContext& context, Status& outcome) {
        outcome = co_await stream.start_tls(context, after(milliseconds(5000)));
        if (!outcome) {
            stream.close();
        }
    }

    // TLS 1.3 lets the client finish before the server has judged it: the first read tells.
    static awaitable<void> shake_and_read(Stream& stream, TlsContext& context, Status& outcome) {
        outcome = co_await stream.start_tls(context, after(milliseconds(5000)));
        if (outcome) {
            std::array<char, 16> buffer;
            auto got = co_await stream.read_some(buffer, after(milliseconds(5000)));
            if (!got) {
                outcome = tl::unexpected<Error>(got.error());
            } else if (*got == 0) {
                outcome = fail(Errc::kClosed, "closed");
            }
        }
    }

    static awaitable<void> shake_and_write(Stream& stream, TlsContext& context, Status& outcome) {
        co_await shake(stream, context, outcome);
        if (outcome) {
            outcome = co_await stream.write("hello", after(milliseconds(5000)));
        }
    }

    Outcome handshake(TlsContext& server, TlsContext& client) {
        auto pair = Stream::pair(context_);
        Outcome outcome;
        spawn_test(shake_and_write(pair->first, server, outcome.server));
        spawn_test(shake_and_read(pair->second, client, outcome.client));
        run_all();
        outcome.info = pair->first.is_open() ? pair->first.tls_info() : std::nullopt;
        return outcome;
    }

    static TlsContext server(std::string identity, std::string key) {
        return std::move(*TlsContext::psk_server({std::move(identity), std::move(key)}));
    }
    static TlsContext client(std::string identity, std::string key) {
        return std::move(*TlsContext::psk_client({std::move(identity), std::move(key)}));
    }
};

TEST_F(TlsPskTest, EndsThatShareTheKeyTalkTls13) {
    auto left = server("lab", kKey);
    auto right = client("lab", kKey);
    const auto outcome = handshake(left, right);
    EXPECT_TRUE(outcome.server) << outcome.server.error().to_string();
    EXPECT_TRUE(outcome.client) << outcome.client.error().to_string();
    ASSERT_TRUE(outcome.info);
    EXPECT_EQ(outcome.info->protocol, "TLSv1.3");
    EXPECT_EQ(outcome.info->cipher, "TLS_AES_256_GCM_SHA384");
}

TEST_F(TlsPskTest, AnotherKeyIsRefusedByBothEnds) {
    auto left = server("lab", kKey);
    auto right = client("lab", std::string(48, 'x'));
    const auto outcome = handshake(left, right);
    ASSERT_FALSE(outcome.server);
    EXPECT_EQ(outcome.server.error().code, Errc::kTls);
    EXPECT_NE(outcome.server.error().detail.find("binder"), std::string::npos)
        << outcome.server.error().detail;
    EXPECT_FALSE(outcome.client);
}

TEST_F(TlsPskTest, AnotherIdentityIsRefusedByBothEnds) {
    auto left = server("lab", kKey);
    auto right = client("other", kKey);
    const auto outcome = handshake(left, right);
    EXPECT_FALSE(outcome.server);
    EXPECT_FALSE(outcome.client);
}

TEST_F(TlsPskTest, AServerWithACertificateInPlaceOfTheKeyIsRefused) {
    TemporaryFolder folder;
    write_certificate(folder, "n1", "cert.pem", "key.pem");
    auto left = TlsContext::server({folder.path("cert.pem"), folder.path("key.pem")});
    ASSERT_TRUE(left);
    auto right = client("lab", kKey);
    EXPECT_FALSE(handshake(*left, right).client);
}

TEST_F(TlsPskTest, AClientWithoutTheKeyIsRefused) {
    auto left = server("lab", kKey);
    auto right = TlsContext::client({/*verify=*/false, "", ""});
    ASSERT_TRUE(right);
    const auto outcome = handshake(left, *right);
    EXPECT_FALSE(outcome.server);
    EXPECT_FALSE(outcome.client);
}

TEST_F(TlsPskTest, AShortKeyAndAnEmptyIdentityAreRefused) {
    EXPECT_FALSE(TlsContext::psk_server({"lab", std::string(31, 'k')}));
    EXPECT_FALSE(TlsContext::psk_client({"lab", std::string(257, 'k')}));
    EXPECT_FALSE(TlsContext::psk_client({"", kKey}));
}

}  // namespace
}  // namespace quorate::io
