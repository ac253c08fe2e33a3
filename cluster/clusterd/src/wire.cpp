#include "wire.hpp"

#include <utility>

#include "base/assert.hpp"
#include "io/task.hpp"
#include "io/time.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kWriteTime{10'000};
constexpr milliseconds kPartingTime{100};
constexpr milliseconds kGoodByeTime{1000};
// A TLS record: more is not worth a copy.
constexpr std::size_t kGather = 16 * 1024;

}  // namespace

Wire::Wire(io::Scope& scope, io::Stream stream, std::span<char> buffer, Handlers handlers)
    : scope_(scope),
      stream_(std::move(stream)),
      peer_(stream_.peer().to_string()),
      buffer_(buffer),
      handlers_(std::move(handlers)) {}

// Owned by whoever uses it and by its coroutines, which may be suspended when that one lets go.
std::shared_ptr<Wire> Wire::make(io::Scope& scope, io::Stream stream, std::span<char> buffer,
                                 Handlers handlers) {
    return std::shared_ptr<Wire>(new Wire(scope, std::move(stream), buffer, std::move(handlers)));
}

void Wire::read_on() { scope_.spawn(read(shared_from_this())); }

void Wire::write(std::vector<Piece> pieces) {
    QUORATE_ASSERT(!writing_);
    if (over_) {
        return;
    }
    std::size_t size = 0;
    for (const auto& piece : pieces) {
        size += piece.view().size();
    }
    if (size > kGather) {
        writing_ = true;
        scope_.spawn(write_all(shared_from_this(), std::move(pieces)));
        return;
    }
    for (const auto& piece : pieces) {
        gathered_ += piece.view();
    }
    write_gathered();
}

// A short message is on its way before anything else is looked at.
void Wire::write_gathered() {
    const auto written = stream_.write_now(gathered_);
    if (!written) {
        end(written.error().to_string());
    } else if (*written == gathered_.size()) {
        gathered_.clear();
        handlers_.written();
    } else {
        gathered_.erase(0, *written);
        writing_ = true;
        scope_.spawn(write_all(shared_from_this(), {}));
    }
}

void Wire::close(std::string parting) {
    if (std::exchange(over_, true)) {
        return;
    }
    if (parting.empty() || writing_) {
        stream_.close();
    } else {
        parting_ = true;
        scope_.spawn(part(shared_from_this(), std::move(parting)));
    }
}

void Wire::end(const std::string& why) {
    if (std::exchange(over_, true)) {
        return;
    }
    stream_.close();
    handlers_.ended(why);
}

awaitable<void> Wire::read(std::shared_ptr<Wire> self) {
    while (!self->over_ || self->parting_) {
        auto size = self->stream_.read_now(self->buffer_);
        if (size && !*size) {
            auto ready = co_await self->stream_.wait_input();
            if (!ready) {
                self->end(ready.error().to_string());
                break;
            }
        } else if (!size || **size == 0) {
            self->end(size ? "the peer closed the connection" : size.error().to_string());
            break;
        } else if (!self->over_) {
            self->handlers_.bytes({self->buffer_.data(), **size});
        }
    }
    self->stream_.close();
}

// Small pieces go out together, large ones as they are.
awaitable<Status> Wire::write_pieces(const std::vector<Piece>& pieces) {
    const auto deadline = io::after(kWriteTime);
    for (const auto& piece : pieces) {
        const auto bytes = piece.view();
        if (gathered_.size() + bytes.size() <= kGather) {
            gathered_ += bytes;
            continue;
        }
        auto written = co_await stream_.write(gathered_, deadline);
        gathered_.clear();
        if (written && bytes.size() <= kGather) {
            gathered_ += bytes;
        } else if (written) {
            written = co_await stream_.write(bytes, deadline);
        }
        if (!written) {
            co_return written;
        }
    }
    auto written = co_await stream_.write(gathered_, deadline);
    gathered_.clear();
    co_return written;
}

awaitable<void> Wire::write_all(std::shared_ptr<Wire> self, std::vector<Piece> pieces) {
    auto written = co_await self->write_pieces(pieces);
    self->writing_ = false;
    if (self->over_) {
        co_return;
    }
    if (written) {
        self->handlers_.written();
    } else {
        self->end(written.error().to_string());
    }
}

// The peer closes when it has read it; if we closed first, what it sent meanwhile might make the
// kernel throw our words away.
awaitable<void> Wire::part(std::shared_ptr<Wire> self, std::string parting) {
    auto written = co_await self->stream_.write(parting, io::after(kPartingTime));
    if (written && self->stream_.is_open()) {
        auto slept = co_await io::sleep_until(io::mono_now() + kGoodByeTime);
        static_cast<void>(slept);
    }
    self->parting_ = false;
    self->stream_.close();
}

}  // namespace quorate::cluster
