#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "io/control_client.hpp"
#include "io/control_server.hpp"
#include "io_test.hpp"

namespace quorate::io {
namespace {

namespace json = boost::json;

class ControlTest : public IoTest {
protected:
    void SetUp() override {
        server_.route("GET", "/v1/things/{name}", [](ControlRequest request) {
            return answer(json::object{{"name", request.parameter("name")},
                                       {"colour", request.parameter("colour")},
                                       {"path", request.path}});
        });
        server_.route("POST", "/v1/things", [](ControlRequest request) {
            return answer(json::object{{"size", json::value_to<int>(request.body.at("size"))}});
        });
        server_.route("*", "/v1/others/{name}/{...}", [](ControlRequest request) {
            return answer(json::object{{"name", request.parameter("name")},
                                       {"method", request.method},
                                       {"target", request.target}});
        });
        server_.route("GET", "/text", [](ControlRequest) { return text("plain\n"); });
        server_.route("GET", "/events", [](ControlRequest) { return three_events(); });
        server_.route("GET", "/flood", [this](ControlRequest) { return flood(); });
        ASSERT_TRUE(server_.start());
    }
    void TearDown() override { server_.stop(); }

    static awaitable<ControlResponse> answer(json::object body) {
        ControlResponse response;
        response.body = std::move(body);
        co_return response;
    }
    static awaitable<ControlResponse> text(std::string body) {
        ControlResponse response;
        response.text = std::move(body);
        response.content_type = "text/plain";
        co_return response;
    }
    static awaitable<std::string> next_event(int& count) {
        ++count;
        co_return count <= 3 ? "event " + std::to_string(count) + "\n" : "";
    }
    static awaitable<ControlResponse> three_events() {
        ControlResponse response;
        response.content_type = "text/plain";
        response.stream = [count = 0]() mutable { return next_event(count); };
        co_return response;
    }

    static awaitable<std::string> next_wave(std::size_t& waves) {
        ++waves;
        co_return std::string(kWave, 'w');
    }
    awaitable<ControlResponse> flood() {
        ControlResponse response;
        response.content_type = "text/plain";
        response.stream = [this] { return next_wave(waves_); };
        co_return response;
    }

    using RawClient = boost::asio::local::stream_protocol::socket;
    // What octets that are no request are answered until the server closes.
    awaitable<void> tell(std::string octets, std::string& answer) {
        RawClient client(context_);
        client.connect(folder_.path("s"));
        // The server may have refused before it has read all of it.
        auto written = co_await boost::asio::async_write(
            client, boost::asio::buffer(octets), boost::asio::as_tuple(boost::asio::use_awaitable));
        static_cast<void>(written);
        auto read =
            co_await boost::asio::async_read(client, boost::asio::dynamic_buffer(answer),
                                             boost::asio::as_tuple(boost::asio::use_awaitable));
        static_cast<void>(read);
    }

    // The client blocks, so it gets a thread.
    Result<ControlClient::Answer> talk(
        const std::function<Result<ControlClient::Answer>(const ControlClient&)>& talk_to) {
        std::optional<Result<ControlClient::Answer>> got;
        std::thread client([&] {
            got = talk_to(ControlClient(folder_.path("s")));
            context_.stop();
        });
        context_.restart();
        context_.run_for(kTestLimit);
        client.join();
        return *got;
    }
    ControlClient::Answer ask(std::string method, std::string target,
                              const json::value& body = nullptr) {
        const auto got = talk([&](const ControlClient& client) {
            return client.request({method, target, body, {}});
        });
        EXPECT_TRUE(got) << got.error().to_string();
        return got ? *got : ControlClient::Answer();
    }
    static std::string error_code(const ControlClient::Answer& answer) {
        return json::value_to<std::string>(answer.body.at("error").at("code"));
    }

    static constexpr std::size_t kWave = 64 << 10;
    std::size_t waves_ = 0;
    TemporaryFolder folder_;
    ControlServer server_{context_, folder_.path("s")};
};

TEST_F(ControlTest, APathAndAQueryGiveParameters) {
    const auto got = ask("GET", "/v1/things/a%20b%2Fc?colour=dark%20red&other");
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(json::serialize(got.body),
              R"({"name":"a b/c","colour":"dark red","path":"/v1/things/a b/c"})");
}

TEST_F(ControlTest, ABodyReachesItsHandler) {
    const auto got = ask("POST", "/v1/things", json::object{{"size", 7}});
    EXPECT_EQ(json::serialize(got.body), R"({"size":7})");
}

TEST_F(ControlTest, WhatIsWrongWithARequestIsSaid) {
    EXPECT_EQ(error_code(ask("GET", "/v1/nothing")), "no_such_path");
    EXPECT_EQ(error_code(ask("DELETE", "/v1/things")), "method_not_allowed");
    EXPECT_EQ(error_code(ask("POST", "/v1/things", json::array{1})), "bad_json");
    const auto missing = ask("POST", "/v1/things", json::object{{"other", 1}});
    EXPECT_EQ(missing.status, 400U);
    EXPECT_EQ(error_code(missing), "bad_request");
    EXPECT_EQ(ask("POST", "/v1/things", json::object{{"size", 7}}).status, 200U)
        << "a handler that threw disturbs nobody";
}

TEST_F(ControlTest, WhatIsNoRequestIsAnsweredAndTheConnectionClosed) {
    const std::pair<std::string, std::string> kRubbish[] = {
        {"rubbish\r\n\r\n", "HTTP/1.1 400 "},
        {std::string(100, '\xff') + "\r\n\r\n", "HTTP/1.1 400 "},
        {std::string("\x16\x03\x01\x02\x00\x01", 6), "HTTP/1.1 400 "},
        {"GET /text HTTP/9.9\r\n\r\n", "HTTP/1.1 400 "},
        {"POST /v1/things HTTP/1.1\r\nContent-Length: many\r\n\r\n", "HTTP/1.1 400 "},
        {"POST /v1/things HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", "HTTP/1.1 413 "},
        {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n", "HTTP/1.1 431 "},
    };
    for (const auto& [octets, wanted] : kRubbish) {
        std::string answer;
        run(tell(octets, answer));
        EXPECT_EQ(answer.substr(0, wanted.size()), wanted) << octets.substr(0, 60);
        EXPECT_NE(answer.find("the request cannot be read"), std::string::npos);
        EXPECT_EQ(ask("GET", "/text").status, 200U) << "nobody else is disturbed";
    }
}

TEST_F(ControlTest, WhoNeverReadsGetsNoMoreThanTheKernelHoldsAndDisturbsNobody) {
    std::vector<RawClient> deaf;
    for (int i = 0; i < 3; ++i) {
        deaf.emplace_back(context_).connect(folder_.path("s"));
        const std::string request = "GET /flood HTTP/1.1\r\n\r\n";
        boost::asio::write(deaf.back(), boost::asio::buffer(request));
    }
    std::size_t before = 0;
    do {
        before = waves_;
        EXPECT_EQ(ask("GET", "/text").status, 200U);
        ASSERT_LT(waves_ * kWave, 64U << 20) << "somebody keeps what nobody reads";
    } while (waves_ == 0 || waves_ != before);
}

TEST_F(ControlTest, AnOpenEndTakesEveryMethodAndWhatFollowsAsItCame) {
    const auto got = ask("DELETE", "/v1/others/n2/v1/a%20b/c?x=%20");
    EXPECT_EQ(json::serialize(got.body),
              R"({"name":"n2","method":"DELETE","target":"/v1/others/n2/v1/a%20b/c?x=%20"})");
    EXPECT_EQ(error_code(ask("GET", "/v1/others/n2")), "no_such_path");
}

TEST_F(ControlTest, TextIsSentAsItIs) { EXPECT_EQ(ask("GET", "/text").text, "plain\n"); }

TEST_F(ControlTest, AStreamIsSentPieceByPieceUntilItEnds) {
    EXPECT_EQ(ask("GET", "/events").text, "event 1\nevent 2\nevent 3\n");
}

TEST_F(ControlTest, AStreamIsReadLineByLineUntilItEnds) {
    std::vector<std::string> seen;
    const auto got = talk([&](const ControlClient& client) {
        return client.lines("/events", [&](std::string_view line) {
            seen.emplace_back(line);
            return true;
        });
    });
    EXPECT_TRUE(got) << got.error().to_string();
    EXPECT_EQ(seen, (std::vector<std::string>{"event 1", "event 2", "event 3"}));
}

TEST_F(ControlTest, TheReaderOfAStreamMayStop) {
    int seen = 0;
    const auto got = talk([&](const ControlClient& client) {
        return client.lines("/events", [&](std::string_view) { return ++seen < 2; });
    });
    EXPECT_TRUE(got) << got.error().to_string();
    EXPECT_EQ(seen, 2);
}

TEST_F(ControlTest, ARefusedStreamIsAnAnswerAndNoLines) {
    int seen = 0;
    const auto got = talk([&](const ControlClient& client) {
        return client.lines("/v1/nothing", [&](std::string_view) { return ++seen > 0; });
    });
    ASSERT_TRUE(got) << got.error().to_string();
    EXPECT_EQ(error_code(*got), "no_such_path");
    EXPECT_EQ(seen, 0);
}

TEST_F(ControlTest, AFrozenServerIsNotWaitedForBeyondTheLimit) {
    const auto got = ControlClient(folder_.path("s"))
                         .request({"GET", "/text", nullptr, std::chrono::milliseconds(20)});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kTimedOut);
}

TEST_F(ControlTest, WithoutAServerTheClientSaysWhere) {
    const auto got = ControlClient(folder_.path("nobody")).request({"GET", "/", nullptr, {}});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kClosed);
    EXPECT_NE(got.error().detail.find("nobody"), std::string::npos);
}

}  // namespace
}  // namespace quorate::io
