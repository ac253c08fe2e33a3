#include "cluster/io/peer.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>

#include "io/errc.hpp"
#include "io/listener.hpp"
#include "peer_wire.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
namespace json = boost::json;

PeerKeys keys_of(const ClusterKey& key) { return std::move(*PeerKeys::make(key)); }

// A node that answers requests on loopback, and one that asks.
class PeerTest : public ::testing::Test {
protected:
    PeerTest() {
        router_.route("POST", "/v1/echo/{word}",
                      [](io::ControlRequest request) { return echo(std::move(request)); });
        auto opened = io::Listener::open(io_, "127.0.0.1:0");
        EXPECT_TRUE(opened) << opened.error().to_string();
        listener_.emplace(std::move(*opened));
        boost::asio::co_spawn(io_, listener_->run([this](io::Stream stream) {
            boost::asio::co_spawn(io_, serve(std::move(stream)), [](const std::exception_ptr&) {});
        }),
                              [](const std::exception_ptr&) {});
    }

    static awaitable<io::ControlResponse> echo(io::ControlRequest request) {
        io::ControlResponse response;
        response.body = json::object{{"word", request.parameter("word")},
                                     {"uid", request.uid},
                                     {"body", std::move(request.body)}};
        co_return response;
    }
    awaitable<void> serve(io::Stream stream) {
        auto purpose =
            co_await accept_peer(stream, server_keys_, io::mono_now() + milliseconds(5000));
        if (!purpose) {
            refusal_ = purpose.error().to_string();
            co_return;
        }
        purpose_ = *purpose;
        if (hang_up_) {
            ++asked_;
            stream.close();
            co_return;
        }
        co_await answer_peer(std::move(stream), router_);
    }
    template <class Value>
    Value wait(awaitable<Value> task) {
        std::optional<Value> result;
        boost::asio::co_spawn(io_, std::move(task),
                              [&](const std::exception_ptr& error, Value value) {
                                  EXPECT_FALSE(error);
                                  result.emplace(std::move(value));
                                  io_.stop();
                              });
        io_.restart();
        io_.run_for(std::chrono::seconds(30));
        return std::move(*result);
    }
    Result<io::ControlResponse> ask(PeerKeys& keys, std::vector<std::string> addresses,
                                    std::string target, milliseconds limit = milliseconds(5000)) {
        PeerRequest request{"POST", std::move(target), json::object{{"size", 3}}};
        return wait(ask_peer(io_, keys, std::move(addresses), std::move(request), limit));
    }
    awaitable<std::string> send_and_read(std::string bytes) {
        auto stream =
            co_await connect_peer(io_, server_keys_, listener_->address(), PeerPurpose::kRequest,
                                  io::mono_now() + milliseconds(3000));
        EXPECT_TRUE(stream);
        auto written = co_await stream->write(bytes);
        EXPECT_TRUE(written);
        std::string got(1000, '\0');
        auto size = co_await stream->read_some(got, io::mono_now() + milliseconds(8000));
        got.resize(size ? *size : 0);
        co_return got;
    }

    boost::asio::io_context io_{1};
    ClusterKey key_ = *ClusterKey::generate();
    PeerKeys server_keys_ = keys_of(key_);
    io::ControlRouter router_;
    std::optional<io::Listener> listener_;
    std::optional<PeerPurpose> purpose_;
    bool hang_up_ = false;  // when asked
    int asked_ = 0;
    std::string refusal_;
};

TEST_F(PeerTest, ARequestIsAnsweredByTheNodesRouter) {
    auto keys = keys_of(key_);
    const auto answer = ask(keys, {listener_->address()}, "/v1/echo/a%20b");
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(json::serialize(answer->body), R"({"word":"a b","uid":0,"body":{"size":3}})");
    EXPECT_EQ(purpose_, PeerPurpose::kRequest);
}

TEST_F(PeerTest, WhenOneRingIsCutTheNextIsTried) {
    auto keys = keys_of(key_);
    const auto answer = ask(keys, {"127.0.0.1:1", listener_->address()}, "/v1/echo/x");
    EXPECT_TRUE(answer);
    const auto none = ask(keys, {"127.0.0.1:1"}, "/v1/echo/x");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().detail.find("127.0.0.1:1"), std::string::npos);
}

TEST_F(PeerTest, WhatChangesSomethingIsAskedOnce) {
    auto keys = keys_of(key_);
    hang_up_ = true;
    const auto change = ask(keys, {listener_->address(), listener_->address()}, "/v1/echo/x");
    ASSERT_FALSE(change);
    EXPECT_NE(change.error().detail.find("may have done it"), std::string::npos);
    EXPECT_EQ(asked_, 1);
    PeerRequest look{"GET", "/v1/echo/x", nullptr};
    EXPECT_FALSE(wait(ask_peer(io_, keys, {listener_->address(), listener_->address()},
                               std::move(look), milliseconds(5000))));
    EXPECT_EQ(asked_, 3);
}

TEST_F(PeerTest, ARefusalOfTheRouterIsAnAnswer) {
    auto keys = keys_of(key_);
    const auto answer = ask(keys, {listener_->address()}, "/v1/nothing");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 404U);
}

TEST_F(PeerTest, AnotherClusterKeyIsRefused) {
    auto keys = keys_of(*ClusterKey::generate());
    EXPECT_FALSE(ask(keys, {listener_->address()}, "/v1/echo/x"));
    EXPECT_NE(refusal_, "");
    EXPECT_FALSE(purpose_);
}

TEST_F(PeerTest, GarbageAndOversizedMessagesEndTheConnectionOnly) {
    EXPECT_EQ(wait(send_and_read(std::string("\xff\xff\xff\x7f garbage"))), "");
    const auto answer = wait(send_and_read(std::string("\x02\0\0\0{]", 6)));
    EXPECT_NE(answer.find("bad_request"), std::string::npos);
    auto keys = keys_of(key_);
    EXPECT_TRUE(ask(keys, {listener_->address()}, "/v1/echo/x"));
}

TEST(PeerWire, ThePrefaceOfTheManualIsRead) {
    // docs/protocols/peer.md
    EXPECT_EQ(encode_preface(PeerPurpose::kRequest), std::string("QRTP\x01\x02\0\0", 8));
    EXPECT_EQ(decode_preface(std::string("QRTP\x01\x01\0\0", 8)), PeerPurpose::kCircuit);
    EXPECT_FALSE(decode_preface(std::string("QRTP\x02\x01\0\0", 8)));
    EXPECT_FALSE(decode_preface(std::string("QRTP\x01\x03\0\0", 8)));
    EXPECT_FALSE(decode_preface(std::string("QRTP\x01\x01\0\x01", 8)));
    EXPECT_FALSE(decode_preface("GET / HT"));
    EXPECT_FALSE(decode_preface("QRTP"));
    EXPECT_EQ(encode_peer_message(json::object{{"a", 1}}), std::string("\x07\0\0\0{\"a\":1}", 11));
}

}  // namespace
}  // namespace quorate::cluster
