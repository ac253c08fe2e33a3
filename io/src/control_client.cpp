#include "io/control_client.hpp"

#include <fmt/format.h>
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

Result<ControlClient::Answer> ControlClient::request(std::string_view method,
                                                     std::string_view target,
                                                     const json::value& body) const {
    asio::io_context io;
    asio::local::stream_protocol::socket socket(io);
    boost::system::error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(path_), error);
    if (error == boost::system::errc::permission_denied) {
        return fail_errno(EACCES, path_);
    }
    if (error) {
        return fail(Errc::kClosed, path_ + ": " + error.message());
    }
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(std::string(method));
    request.target(std::string(target));
    request.set(http::field::host, "localhost");
    request.keep_alive(false);
    if (!body.is_null()) {
        request.set(http::field::content_type, "application/json");
        request.body() = json::serialize(body);
    }
    request.prepare_payload();
    http::write(socket, request, error);
    if (error) {
        return fail(Errc::kHttp, path_ + ": " + error.message());
    }
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(1ULL << 30);
    http::read(socket, buffer, parser, error);
    if (error) {
        return fail(Errc::kHttp,
                    path_ + ": the daemon closed without an answer: " + error.message());
    }
    Answer answer;
    answer.status = parser.get().result_int();
    answer.text = std::move(parser.get().body());
    if (parser.get()[http::field::content_type] == "application/json") {
        answer.body = json::parse(answer.text, error);
    }
    return answer;
}

}  // namespace quorate::io
