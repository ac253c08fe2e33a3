#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "io/address.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"

namespace quorate::bench {

// The server did something that a measurement cannot go on with: the whole run fails.
class LoadFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Server {
    io::Address address;
    bool tls = false;
};

// One client connection that reads lines. Every call waits at most kPatience and throws LoadFailure
// with what the server said last. One caller, the context's thread.
class Connection {
public:
    static io::awaitable<Connection> open(io::io_context& context, Server server);

    io::awaitable<void> write(std::string_view bytes);
    // Without its line end; valid until the next call.
    io::awaitable<std::string_view> line();
    // An SMTP or LMTP reply of one or more lines; its code.
    io::awaitable<int> reply();
    // Reads IMAP responses until the line that begins with `tag` and a space, which must say OK.
    // Returns how many octets came before it.
    io::awaitable<std::size_t> tagged(std::string tag);
    const std::string& last_line() const { return last_line_; }
    // Nothing is waiting to be read any more: gives the buffer back.
    void shrink();
    void close() { stream_.close(); }

private:
    static constexpr std::chrono::seconds kPatience{300};
    static constexpr std::size_t kChunk = 64 * 1024;

    explicit Connection(io::Stream stream) : stream_(std::move(stream)) {}
    io::awaitable<void> fill();
    std::size_t skip_before(std::string_view start, bool& found);

    io::Stream stream_;
    std::string buffer_;
    std::size_t begin_ = 0;  // of what is not consumed
    std::size_t end_ = 0;
    std::string last_line_;
};

}  // namespace quorate::bench
