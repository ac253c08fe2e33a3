#include "connection.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/time.hpp"
#include "io/tls.hpp"

namespace quorate::bench {
namespace {

io::TlsContext& client_tls() {
    static auto context =
        io::TlsContext::client({.verify = false, .ca_file = {}, .server_name = {}});
    if (!context) {
        throw LoadFailure("TLS: " + context.error().to_string());
    }
    return *context;
}

}  // namespace

io::awaitable<Connection> Connection::open(io::io_context& context, Server server) {
    auto stream = co_await io::Stream::connect(context, server.address, io::after(kPatience));
    if (!stream) {
        throw LoadFailure("connect: " + stream.error().to_string());
    }
    if (server.tls) {
        const auto started = co_await stream->start_tls(client_tls(), io::after(kPatience));
        if (!started) {
            throw LoadFailure("TLS: " + started.error().to_string());
        }
    }
    co_return Connection(std::move(*stream));
}

io::awaitable<void> Connection::write(std::string_view bytes) {
    const auto written = co_await stream_.write(bytes, io::after(kPatience));
    if (!written) {
        throw LoadFailure("write: " + written.error().to_string() + "; last line: " + last_line_);
    }
}

io::awaitable<void> Connection::fill() {
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - end_ < kChunk / 2) {
        buffer_.resize(end_ + kChunk);
    }
    const std::span<char> room(buffer_.data() + end_, buffer_.size() - end_);
    const auto got = co_await stream_.read_some(room, io::after(kPatience));
    if (!got) {
        throw LoadFailure("read: " + got.error().to_string() + "; last line: " + last_line_);
    }
    if (*got == 0) {
        throw LoadFailure("the server closed the connection; last line: " + last_line_);
    }
    end_ += *got;
}

io::awaitable<std::string_view> Connection::line() {
    std::size_t searched = 0;
    while (true) {
        const std::string_view waiting(buffer_.data() + begin_, end_ - begin_);
        const std::size_t end = waiting.find('\n', searched);
        if (end != std::string_view::npos) {
            begin_ += end + 1;
            const bool cr = end > 0 && waiting[end - 1] == '\r';
            last_line_ = waiting.substr(0, cr ? end - 1 : end);
            co_return last_line_;
        }
        searched = waiting.size();
        co_await fill();
    }
}

io::awaitable<int> Connection::reply() {
    while (true) {
        const std::string_view text = co_await line();
        if (text.size() < 3) {
            throw LoadFailure("not a reply: " + last_line_);
        }
        if (text.size() == 3 || text[3] != '-') {
            co_return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
        }
    }
}

// Consumes what is before a line that begins with `start`, given that `start` does not begin here;
// without such a line, all but an end in which its line feed may be. Octets consumed.
std::size_t Connection::skip_before(std::string_view start, bool& found) {
    const std::string_view waiting(buffer_.data() + begin_, end_ - begin_);
    const std::string needle = "\n" + std::string(start);
    const std::size_t at = waiting.find(needle);
    found = at != std::string_view::npos;
    const std::size_t skipped =
        found ? at + 1 : waiting.size() - std::min(waiting.size(), needle.size() - 1);
    begin_ += skipped;
    return skipped;
}

io::awaitable<std::size_t> Connection::tagged(std::string tag) {
    const std::string start = tag + " ";
    while (end_ - begin_ < start.size()) {
        co_await fill();
    }
    std::size_t octets = 0;
    bool found = std::string_view(buffer_.data() + begin_, end_ - begin_).starts_with(start);
    while (!found) {
        octets += skip_before(start, found);
        if (!found) {
            co_await fill();
        }
    }
    const std::string_view text = co_await line();
    if (!text.substr(start.size()).starts_with("OK")) {
        throw LoadFailure("refused: " + last_line_);
    }
    co_return octets;
}

void Connection::shrink() {
    if (begin_ == end_) {
        std::string().swap(buffer_);
        begin_ = end_ = 0;
    }
}

}  // namespace quorate::bench
