#include "io/control_client.hpp"

#include <array>

#include <fmt/format.h>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "io/errc.hpp"

namespace quorate::io {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

std::string ControlClient::encode(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                           c == '@';
        if (plain) {
            result.push_back(c);
        } else {
            result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return result;
}

namespace {

using Socket = asio::local::stream_protocol::socket;

// Steps of one conversation, each to its end or the deadline. A frozen daemon accepts and never
// answers: that is why a blocking read would not do.
class Conversation {
public:
    Conversation(const std::string& path, std::chrono::milliseconds limit)
        : path_(path), limit_(limit), end_(std::chrono::steady_clock::now() + limit) {}

    Status connect() {
        const auto error = run([&](auto done) {
            socket_.async_connect(asio::local::stream_protocol::endpoint(path_), done);
        });
        if (error == boost::system::errc::permission_denied) {
            return fail_errno(EACCES, path_);
        }
        return error ? failed(Errc::kClosed, error.message(), error) : Status();
    }

    Status write(const http::request<http::string_body>& request) {
        const auto error = run([&](auto done) {
            http::async_write(socket_, request, [done](auto result, std::size_t) { done(result); });
        });
        return error ? failed(Errc::kHttp, error.message(), error) : Status();
    }

    template <class Parser>
    Status read(Parser& parser) {
        const auto error = run([&](auto done) {
            http::async_read(socket_, buffer_, parser,
                             [done](auto result, std::size_t) { done(result); });
        });
        return answered(error);
    }

    template <class Parser>
    Status read_header(Parser& parser) {
        const auto error = run([&](auto done) {
            http::async_read_header(socket_, buffer_, parser,
                                    [done](auto result, std::size_t) { done(result); });
        });
        return answered(error);
    }

    template <class Parser>
    Status read_some(Parser& parser) {
        const auto error = run([&](auto done) {
            http::async_read_some(socket_, buffer_, parser,
                                  [done](auto result, std::size_t) { done(result); });
        });
        return answered(error == http::error::need_buffer ? boost::system::error_code() : error);
    }

private:
    template <class Start>
    boost::system::error_code run(Start start) {
        boost::system::error_code result;
        start([&result](boost::system::error_code error) { result = error; });
        io_.restart();
        if (limit_.count() == 0) {
            io_.run();
            return result;
        }
        io_.run_until(end_);
        if (!io_.stopped()) {
            socket_.close(result);
            io_.run();
            result = asio::error::timed_out;
        }
        return result;
    }

    Status answered(boost::system::error_code error) const {
        return error ? failed(Errc::kHttp,
                              "the daemon closed without an answer: " + error.message(), error)
                     : Status();
    }

    Status failed(Errc code, const std::string& text, boost::system::error_code error) const {
        if (error == asio::error::timed_out) {
            return fail(Errc::kTimedOut, fmt::format("{}: no answer within {} s", path_,
                                                     static_cast<double>(limit_.count()) / 1000));
        }
        return fail(code, path_ + ": " + text);
    }

    const std::string& path_;
    std::chrono::milliseconds limit_;
    std::chrono::steady_clock::time_point end_;
    asio::io_context io_;
    Socket socket_{io_};
    boost::beast::flat_buffer buffer_;
};

http::request<http::string_body> to_http(const ControlClient::Request& asked) {
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(std::string(asked.method));
    request.target(std::string(asked.target));
    request.set(http::field::host, "localhost");
    request.keep_alive(false);
    if (!asked.body.is_null()) {
        request.set(http::field::content_type, "application/json");
        request.body() = json::serialize(asked.body);
    }
    request.prepare_payload();
    return request;
}

constexpr std::uint64_t kAnswerMax = 1ULL << 30;

template <class Message>
ControlClient::Answer to_answer(const Message& head, std::string text) {
    ControlClient::Answer answer;
    answer.status = head.result_int();
    answer.text = std::move(text);
    if (head[http::field::content_type] == "application/json") {
        boost::system::error_code error;
        answer.body = json::parse(answer.text, error);
    }
    return answer;
}

// Calls `line` for the complete lines and removes them; false when it wants no more.
bool take_lines(std::string& text, const std::function<bool(std::string_view)>& line) {
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        if (!line(std::string_view(text).substr(0, end))) {
            return false;
        }
        text.erase(0, end + 1);
    }
    return true;
}

}  // namespace

Result<ControlClient::Answer> ControlClient::request(const Request& asked) const {
    Conversation conversation(path_, asked.limit);
    QUORATE_CHECK(conversation.connect());
    const auto request = to_http(asked);
    QUORATE_CHECK(conversation.write(request));
    http::response_parser<http::string_body> parser;
    parser.body_limit(kAnswerMax);
    QUORATE_CHECK(conversation.read(parser));
    return to_answer(parser.get(), std::move(parser.get().body()));
}

Result<ControlClient::Answer> ControlClient::lines(
    std::string_view target, const std::function<bool(std::string_view)>& line) const {
    Conversation conversation(path_, std::chrono::milliseconds(0));
    QUORATE_CHECK(conversation.connect());
    const auto request = to_http({"GET", target, nullptr, {}});
    QUORATE_CHECK(conversation.write(request));
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    QUORATE_CHECK(conversation.read_header(parser));
    const bool good = parser.get().result_int() < 400;
    std::string text;
    std::array<char, 16384> chunk{};
    while (!parser.is_done()) {
        parser.get().body().data = chunk.data();
        parser.get().body().size = chunk.size();
        QUORATE_CHECK(conversation.read_some(parser));
        text.append(chunk.data(), chunk.size() - parser.get().body().size);
        if (good && !take_lines(text, line)) {
            break;
        }
    }
    return to_answer(parser.get(), std::move(text));
}

}  // namespace quorate::io
