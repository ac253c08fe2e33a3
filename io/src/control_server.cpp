#include "io/control_server.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "base/text.hpp"

namespace quorate::io {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using UnixStream = beast::basic_stream<asio::local::stream_protocol>;

constexpr std::uint64_t kBodyMax = 4 << 20;
constexpr std::uint32_t kHeaderMax = 16 << 10;
constexpr std::size_t kConnectionsMax = 64;
constexpr std::chrono::seconds kRequestTime{30};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            result.push_back(
                static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            result.push_back(text[i]);
        }
    }
    return result;
}

// The parameters if the path has the pattern's shape.
bool match_route(std::string_view pattern, std::string_view raw_path,
                 std::unordered_map<std::string, std::string>& parameters) {
    const auto wanted = split(pattern, '/');
    const auto given = split(raw_path, '/');
    if (wanted.size() != given.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{')) {
            parameters[std::string(wanted[i].substr(1, wanted[i].size() - 2))] =
                percent_decode(given[i]);
        } else if (wanted[i] != given[i]) {
            return false;
        }
    }
    return true;
}

void parse_query(std::string_view query, std::unordered_map<std::string, std::string>& parameters) {
    for (const auto pair : split(query, '&')) {
        const auto equals = pair.find('=');
        if (!pair.empty()) {
            const auto value =
                equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
            parameters.emplace(percent_decode(pair.substr(0, equals)), percent_decode(value));
        }
    }
}

}  // namespace

std::string_view ControlRequest::parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

ControlResponse ControlResponse::error(unsigned status, std::string_view code,
                                       std::string_view message) {
    ControlResponse response;
    response.status = status;
    response.body = json::object{{"error", json::object{{"code", code}, {"message", message}}}};
    return response;
}

struct ControlServer::Impl : std::enable_shared_from_this<ControlServer::Impl> {
    struct Route {
        std::string method;
        std::string pattern;
        ControlHandler handler;
    };

    Impl(asio::io_context& io_in, std::string path_in)
        : io(io_in), path(std::move(path_in)), acceptor(io_in) {}

    bool allowed(const ucred& caller) const {
        if (caller.uid == 0 || caller.uid == ::geteuid()) {
            return true;
        }
        struct stat info {};
        const struct passwd* user = ::getpwuid(caller.uid);
        if (user == nullptr || ::stat(path.c_str(), &info) != 0) {
            return false;
        }
        std::vector<gid_t> groups(256);
        int count = static_cast<int>(groups.size());
        ::getgrouplist(user->pw_name, caller.gid, groups.data(), &count);
        groups.resize(static_cast<std::size_t>(std::max(count, 0)));
        return std::find(groups.begin(), groups.end(), info.st_gid) != groups.end();
    }

    asio::awaitable<void> accept_loop() {
        const auto self = shared_from_this();
        for (;;) {
            auto [error, socket] =
                co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
            if (error) {
                if (error == asio::error::operation_aborted || !acceptor.is_open()) {
                    co_return;
                }
                continue;
            }
            if (connections < kConnectionsMax) {
                ++connections;
                asio::co_spawn(io, serve(UnixStream(std::move(socket))),
                               [self](std::exception_ptr) { --self->connections; });
            }
        }
    }

    asio::awaitable<void> serve(UnixStream stream) {
        const auto self = shared_from_this();
        ucred caller{};
        socklen_t size = sizeof(caller);
        ::getsockopt(stream.socket().native_handle(), SOL_SOCKET, SO_PEERCRED, &caller, &size);
        beast::flat_buffer buffer(kBodyMax + kHeaderMax);
        for (bool keep = true; keep;) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(kBodyMax);
            parser.header_limit(kHeaderMax);
            stream.expires_after(kRequestTime);
            const auto [read_error, read] = co_await http::async_read(
                stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
            if (read_error) {
                co_return;
            }
            const auto& request = parser.get();
            ControlResponse answer;
            if (allowed(caller)) {
                answer = co_await dispatch(request, caller.uid);
            } else {
                answer = ControlResponse::error(
                    403, "forbidden",
                    "only root, the daemon's user and the socket's group may ask");
            }
            http::response<http::string_body> response(http::int_to_status(answer.status),
                                                       request.version());
            response.set(http::field::content_type, answer.content_type);
            response.body() =
                answer.text.empty() ? json::serialize(answer.body) : std::move(answer.text);
            response.keep_alive(request.keep_alive());
            response.prepare_payload();
            keep = response.keep_alive();
            stream.expires_after(kRequestTime);
            const auto [write_error, written] =
                co_await http::async_write(stream, response, asio::as_tuple(asio::use_awaitable));
            if (write_error) {
                co_return;
            }
        }
    }

    asio::awaitable<ControlResponse> dispatch(const http::request<http::string_body>& request,
                                              std::uint32_t uid) {
        ControlRequest asked;
        asked.method = std::string(request.method_string());
        asked.uid = uid;
        const std::string target(request.target());
        const auto question = target.find('?');
        const auto raw_path = std::string_view(target).substr(0, question);
        const Route* found = nullptr;
        bool other_method = false;
        for (const auto& route : routes) {
            std::unordered_map<std::string, std::string> parameters;
            if (!match_route(route.pattern, raw_path, parameters)) {
                continue;
            }
            if (route.method == asked.method) {
                found = &route;
                asked.parameters = std::move(parameters);
                break;
            }
            other_method = true;
        }
        if (found == nullptr) {
            co_return other_method
                ? ControlResponse::error(405, "method_not_allowed", "not with this method")
                : ControlResponse::error(404, "no_such_path", "nothing is at " + target);
        }
        if (question != std::string::npos) {
            parse_query(std::string_view(target).substr(question + 1), asked.parameters);
        }
        asked.path = percent_decode(raw_path);
        if (!request.body().empty()) {
            boost::system::error_code error;
            auto value = json::parse(request.body(), error);
            if (error || !value.is_object()) {
                co_return ControlResponse::error(400, "bad_json", "the body is not a JSON object");
            }
            asked.body = std::move(value.as_object());
        }
        auto answer = co_await guarded(found->handler, std::move(asked));
        co_return answer;
    }

    // A handler that throws (a JSON value of the wrong type, say) must not take the connection with
    // it.
    asio::awaitable<ControlResponse> guarded(const ControlHandler& handler,
                                             ControlRequest request) {
        std::string why;
        try {
            auto answer = co_await handler(std::move(request));
            co_return answer;
        } catch (const boost::system::system_error& error) {
            why = error.what();
        } catch (const std::exception& error) {
            why = error.what();
        }
        co_return ControlResponse::error(400, "bad_request", why);
    }

    asio::io_context& io;
    std::string path;
    asio::local::stream_protocol::acceptor acceptor;
    std::vector<Route> routes;
    std::size_t connections = 0;
};

ControlServer::ControlServer(asio::io_context& io, std::string socket_path)
    : impl_(std::make_shared<Impl>(io, std::move(socket_path))) {}

ControlServer::~ControlServer() { stop(); }

void ControlServer::route(std::string method, std::string pattern, ControlHandler handler) {
    impl_->routes.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

Status ControlServer::start() {
    ::unlink(impl_->path.c_str());
    boost::system::error_code error;
    impl_->acceptor.open(asio::local::stream_protocol(), error);
    if (!error) {
        impl_->acceptor.bind(impl_->path, error);
    }
    if (!error) {
        impl_->acceptor.listen(16, error);
    }
    if (error) {
        return fail(error, "control socket " + impl_->path);
    }
    ::chmod(impl_->path.c_str(), 0660);
    asio::co_spawn(impl_->io, impl_->accept_loop(), asio::detached);
    return {};
}

void ControlServer::stop() {
    if (impl_->acceptor.is_open()) {
        boost::system::error_code ignored;
        impl_->acceptor.close(ignored);
        ::unlink(impl_->path.c_str());
    }
}

}  // namespace quorate::io
