#include "shadowing/io/data_server.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>
#include <utility>

#include "base/bytes.hpp"
#include "io/listener.hpp"
#include "io/stream.hpp"
#include "io/task.hpp"
#include "unit_data.hpp"

namespace quorate::shadowing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

constexpr std::size_t kConnections = 64;
constexpr std::size_t kRequestsAtOnce = 256;
constexpr std::size_t kReadAhead = 64 * 1024;
constexpr std::size_t kSmall = 16 * 1024;
constexpr std::size_t kTogether = 128 * 1024;

struct DataRequest {
    DataKind kind = DataKind::kFlush;
    std::uint8_t flags = 0;
    std::uint64_t cookie = 0;
    std::uint64_t offset = 0;
    std::uint32_t octets = 0;
};

std::optional<DataRequest> decode_request(std::string_view header) {
    ByteReader in(header);
    const bool magic = in.u32() == kDataMagic;
    DataRequest request;
    const auto kind = in.u8();
    request.kind = static_cast<DataKind>(kind);
    request.flags = in.u8();
    const bool zero = in.u16() == 0;
    request.cookie = in.u64();
    request.offset = in.u64();
    request.octets = in.u32();
    const bool sound = magic && zero && in.u32() == 0 && in.complete() && kind >= 1 && kind <= 5 &&
                       request.flags <= 1 &&
                       (request.kind == DataKind::kExtents || request.octets <= kMaxDataOctets);
    return sound ? std::optional(request) : std::nullopt;
}

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(asio::io_context& io, io::Stream stream, MountedSet& set)
        : io_(io), stream_(std::move(stream)), set_(set) {}

    void close() { stream_.close(); }

    awaitable<void> serve() {
        const auto self = shared_from_this();
        const auto hello = hello_text();
        auto sent = co_await stream_.write(hello);
        while (sent) {
            auto header = co_await next(kDataHeader);
            if (!header) {
                break;
            }
            const auto request = decode_request(header->text());
            if (!request || under_way_ >= kRequestsAtOnce) {
                break;
            }
            std::shared_ptr<const io::AlignedBuffer> data;
            if (unit_kind(request->kind) == RequestKind::kWrite) {
                auto bytes = co_await next(request->octets);
                if (!bytes) {
                    break;
                }
                data = std::move(bytes);
            }
            submit(*request, std::move(data));
        }
        stream_.close();
    }

private:
    std::string hello_text() const {
        std::string text;
        ByteWriter out(text);
        const auto status = set_.status();
        out.u32(kDataMagic);
        out.u32(kDataVersion);
        out.u32(status.block_octets);
        out.u32(0);
        out.u64(status.octets);
        out.u64(0);
        return text;
    }

    // That many octets of the stream; nothing when it has ended.
    awaitable<std::shared_ptr<io::AlignedBuffer>> next(std::size_t size) {
        auto buffer = std::make_shared<io::AlignedBuffer>(size);
        std::size_t have = std::min(size, ahead_end_ - ahead_begin_);
        std::memcpy(buffer->data(), ahead_.data() + ahead_begin_, have);
        ahead_begin_ += have;
        while (have < size) {
            if (size - have >= kReadAhead) {
                auto got = co_await stream_.read_some(buffer->span().subspan(have));
                if (!got || *got == 0) {
                    co_return nullptr;
                }
                have += *got;
                continue;
            }
            auto got = co_await stream_.read_some(ahead_.span());
            if (!got || *got == 0) {
                co_return nullptr;
            }
            ahead_end_ = *got;
            ahead_begin_ = std::min(size - have, *got);
            std::memcpy(buffer->data() + have, ahead_.data(), ahead_begin_);
            have += ahead_begin_;
        }
        co_return buffer;
    }

    void submit(const DataRequest& request, std::shared_ptr<const io::AlignedBuffer> data) {
        if (request.kind == DataKind::kExtents) {
            reply(request, told_extents(set_, request.offset, request.octets));
            return;
        }
        ++under_way_;
        UnitRequest unit{unit_kind(request.kind), request.offset, request.octets,
                         request.flags == 1, std::move(data)};
        set_.submit(std::move(unit), [self = shared_from_this(), request](UnitReply reply) {
            --self->under_way_;
            self->reply(request, std::move(reply));
        });
    }

    void reply(const DataRequest& request, UnitReply reply) {
        std::string header;
        ByteWriter out(header);
        out.u32(kDataMagic);
        out.u32(static_cast<std::uint32_t>(reply.status));
        out.u64(request.cookie);
        out.u32(reply.data ? static_cast<std::uint32_t>(reply.data->size()) : 0);
        out.u32(0);
        out.u64(0);
        replies_.push_back({std::move(header), std::move(reply.data)});
        if (!std::exchange(writing_, true)) {
            asio::post(io_, [self = shared_from_this()] { self->write_replies(); });
        }
    }

    // Replies that are ready together go out together; data that are large by themselves. As long
    // as the client takes them at once it costs no coroutine.
    void write_replies() {
        while (!replies_.empty() && stream_.is_open()) {
            take_together();
            auto sent = stream_.write_now(together_);
            const bool all = sent && *sent == together_.size();
            if (!sent) {
                stream_.close();
            } else if (!all || large_) {
                io::spawn(io_, write_rest(*sent));
                return;
            }
        }
        writing_ = false;
    }

    void take_together() {
        together_.clear();
        while (!replies_.empty() && !large_ && together_.size() < kTogether) {
            auto& one = replies_.front();
            together_ += one.header;
            if (one.data && one.data->size() <= kSmall) {
                together_ += one.data->text();
            } else {
                large_ = std::move(one.data);
            }
            replies_.pop_front();
        }
    }

    awaitable<void> write_rest(std::size_t sent_already) {
        const auto self = shared_from_this();
        const auto rest = std::string_view(together_).substr(sent_already);
        auto sent = co_await stream_.write(rest);
        if (sent && large_) {
            sent = co_await stream_.write(large_->text());
        }
        large_.reset();
        if (!sent) {
            stream_.close();
        }
        write_replies();
    }

    struct Answer {
        std::string header;
        std::shared_ptr<const io::AlignedBuffer> data;
    };
    asio::io_context& io_;
    io::Stream stream_;
    MountedSet& set_;
    io::AlignedBuffer ahead_{kReadAhead};
    std::size_t ahead_begin_ = 0;
    std::size_t ahead_end_ = 0;
    std::size_t under_way_ = 0;
    std::deque<Answer> replies_;
    bool writing_ = false;
    std::string together_;
    std::shared_ptr<const io::AlignedBuffer> large_;
};

}  // namespace

struct DataServer::Impl : std::enable_shared_from_this<DataServer::Impl> {
    Impl(asio::io_context& context, MountedSet& mounted, std::string socket)
        : io(context), set(mounted), path(std::move(socket)) {}

    void accepted(io::Stream stream) {
        if (connections.size() < kConnections) {
            auto connection = std::make_shared<Connection>(io, std::move(stream), set);
            connections.insert(connection);
            io::spawn(io, serve(std::move(connection)));
        }
    }
    awaitable<void> serve(std::shared_ptr<Connection> connection) {
        const auto self = shared_from_this();
        co_await connection->serve();
        connections.erase(connection);
    }

    asio::io_context& io;
    MountedSet& set;
    std::string path;
    std::optional<io::Listener> listener;
    std::set<std::shared_ptr<Connection>> connections;
};

DataServer::DataServer(asio::io_context& io, MountedSet& set, std::string socket_path)
    : impl_(std::make_shared<Impl>(io, set, std::move(socket_path))) {}

DataServer::~DataServer() {
    if (impl_->listener) {
        impl_->listener->close();
    }
    for (const auto& connection : impl_->connections) {
        connection->close();
    }
}

Status DataServer::start() {
    QUORATE_TRY(auto listener, io::Listener::open(impl_->io, "unix:" + impl_->path));
    impl_->listener.emplace(std::move(listener));
    io::spawn(impl_->io, impl_->listener->run([impl = impl_.get()](io::Stream stream) {
        impl->accepted(std::move(stream));
    }));
    return {};
}

}  // namespace quorate::shadowing
