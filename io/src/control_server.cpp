#include "io/control_server.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "io/time.hpp"

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
// A client that knows no better must not fill the log.
constexpr std::chrono::seconds kLinePause{1};

ucred caller_of(asio::local::stream_protocol::socket& socket) {
    ucred caller{};
    socklen_t size = sizeof(caller);
    ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &caller, &size);
    return caller;
}

// What is no request; nothing when there is nobody any more to be told.
std::optional<ControlResponse> objection(const boost::system::error_code& error) {
    if (error.category() != http::make_error_code(http::error::bad_method).category() ||
        error == http::error::end_of_stream || error == http::error::partial_message) {
        return std::nullopt;
    }
    const auto text = "the request cannot be read: " + error.message();
    if (error == http::error::body_limit) {
        return ControlResponse::error(413, "too_large", text);
    }
    const bool header = error == http::error::header_limit || error == http::error::buffer_overflow;
    return ControlResponse::error(header ? 431 : 400, header ? "too_large" : "bad_request", text);
}

}  // namespace

struct ControlServer::Impl : std::enable_shared_from_this<ControlServer::Impl> {
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
            if (connections >= kConnectionsMax) {
                complain(caller_of(socket), "too many connections");
                continue;
            }
            ++connections;
            asio::co_spawn(io, serve(UnixStream(std::move(socket))),
                           [self](std::exception_ptr) { --self->connections; });
        }
    }

    void complain(const ucred& caller, std::string_view why) {
        ++unsaid;
        if (mono_now() < next_line) {
            return;
        }
        next_line = mono_now() + kLinePause;
        log.warn("control_client_dropped", "pid", caller.pid, "uid", caller.uid, "why", why,
                 "count", std::exchange(unsaid, 0));
    }
    // A write that failed; one who has gone is nothing to speak of.
    void complain_of_write(const ucred& caller, const boost::system::error_code& error) {
        if (error == beast::error::timeout) {
            complain(caller, "it does not read what it asked for");
        }
    }

    asio::awaitable<bool> send(UnixStream& stream, const ucred& caller, ControlResponse answer,
                               unsigned version, bool keep) {
        http::response<http::string_body> response(http::int_to_status(answer.status), version);
        response.set(http::field::content_type, answer.content_type);
        response.body() =
            answer.text.empty() ? json::serialize(answer.body) : std::move(answer.text);
        response.keep_alive(keep);
        response.prepare_payload();
        stream.expires_after(kRequestTime);
        const auto [error, size] =
            co_await http::async_write(stream, response, asio::as_tuple(asio::use_awaitable));
        complain_of_write(caller, error);
        co_return !error && response.keep_alive();
    }

    asio::awaitable<void> serve(UnixStream stream) {
        const auto self = shared_from_this();
        const auto caller = caller_of(stream.socket());
        beast::flat_buffer buffer(kBodyMax + kHeaderMax);
        for (bool keep = true; keep;) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(kBodyMax);
            parser.header_limit(kHeaderMax);
            stream.expires_after(kRequestTime);
            const auto [read_error, read] = co_await http::async_read(
                stream, buffer, parser, asio::as_tuple(asio::use_awaitable));
            if (read_error) {
                if (auto refusal = objection(read_error)) {
                    complain(caller, read_error.message());
                    co_await send(stream, caller, std::move(*refusal), 11, /*keep=*/false);
                }
                co_return;
            }
            auto& request = parser.get();
            ControlResponse answer;
            if (allowed(caller)) {
                RawRequest raw{std::string(request.method_string()), std::string(request.target()),
                               std::move(request.body()), caller.uid,
                               static_cast<std::uint32_t>(caller.pid)};
                answer = co_await router.dispatch(std::move(raw));
            } else {
                answer = ControlResponse::error(
                    403, "forbidden",
                    "only root, the daemon's user and the socket's group may ask");
            }
            if (answer.stream) {
                co_await send_stream(stream, caller, std::move(answer), request.version());
                co_return;
            }
            keep = co_await send(stream, caller, std::move(answer), request.version(),
                                 request.keep_alive());
        }
    }

    // Piece by piece until the source or the client ends; then the connection is closed.
    asio::awaitable<void> send_stream(UnixStream& stream, const ucred& caller,
                                      ControlResponse answer, unsigned version) {
        http::response<http::empty_body> head(http::int_to_status(answer.status), version);
        head.set(http::field::content_type, answer.content_type);
        head.keep_alive(false);
        http::response_serializer<http::empty_body> serializer(head);
        stream.expires_after(kRequestTime);
        const auto [head_error, head_size] = co_await http::async_write_header(
            stream, serializer, asio::as_tuple(asio::use_awaitable));
        for (bool failed = bool(head_error); !failed;) {
            const std::string piece = co_await answer.stream();
            if (piece.empty()) {
                co_return;
            }
            stream.expires_after(kRequestTime);
            const auto [error, size] = co_await asio::async_write(
                stream, asio::buffer(piece), asio::as_tuple(asio::use_awaitable));
            complain_of_write(caller, error);
            failed = bool(error);
        }
    }

    asio::io_context& io;
    std::string path;
    asio::local::stream_protocol::acceptor acceptor;
    ControlRouter router;
    Logger log{};
    std::size_t connections = 0;
    std::uint64_t unsaid = 0;  // dropped since the last line of the log
    MonoTime next_line;
};

ControlServer::ControlServer(asio::io_context& io, std::string socket_path)
    : impl_(std::make_shared<Impl>(io, std::move(socket_path))) {}

ControlServer::~ControlServer() { stop(); }

void ControlServer::route(std::string method, std::string pattern, ControlHandler handler) {
    impl_->router.route(std::move(method), std::move(pattern), std::move(handler));
}

const ControlRouter& ControlServer::router() const { return impl_->router; }

Status ControlServer::start() {
    ::unlink(impl_->path.c_str());
    boost::system::error_code error;
    impl_->acceptor.open(asio::local::stream_protocol(), error);
    if (!error) {
        impl_->acceptor.bind(impl_->path, error);
    }
    if (!error) {
        impl_->acceptor.listen(static_cast<int>(kConnectionsMax), error);
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
