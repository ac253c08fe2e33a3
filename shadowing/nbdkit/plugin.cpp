#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.hpp"

// nbdkit's plugin "quorate": a virtual unit that shadowd has mounted, for any NBD client. It speaks
// docs/protocols/shadow-data.md; each NBD connection has one to shadowd.
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

namespace {

using quorate::ByteReader;
using quorate::ByteWriter;

constexpr std::uint32_t kMagic = 0x44485351;
constexpr std::size_t kHeader = 32;
constexpr std::uint32_t kMaxOctets = 32u << 20;
enum class Kind : std::uint8_t { kRead = 1, kWrite = 2, kZero = 3, kFlush = 4, kExtents = 5 };
constexpr std::size_t kMaxExtents = 256;

std::string socket_path;

int errno_of(std::uint32_t status) {
    constexpr std::uint32_t kOutOfRange = 4;
    return status == kOutOfRange ? EINVAL : EIO;
}

// A connection to shadowd. Of the threads that wait for a reply one receives for all: no thread of
// its own stands between shadowd and them.
class Unit {
public:
    ~Unit() {
        if (socket_ >= 0) {
            ::close(socket_);
        }
    }

    bool connect() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (socket_path.size() >= sizeof(address.sun_path)) {
            nbdkit_error("%s: the path is too long", socket_path.c_str());
            return false;
        }
        std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        std::string hello(kHeader, '\0');
        if (socket_ < 0 ||
            ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
            !receive(hello.data(), hello.size())) {
            nbdkit_error("%s: %s: does shadowd run?", socket_path.c_str(), std::strerror(errno));
            return false;
        }
        ByteReader in(hello);
        if (in.u32() != kMagic || in.u32() != 1) {
            nbdkit_error("%s: shadowd is of another version", socket_path.c_str());
            return false;
        }
        block_ = in.u32();
        in.u32();
        size_ = in.u64();
        return true;
    }

    std::uint64_t size() const { return size_; }
    std::uint32_t block() const { return block_; }

    struct Request {
        Kind kind = Kind::kFlush;
        bool fua = false;
        std::uint64_t offset = 0;
        std::uint32_t octets = 0;
        const void* data = nullptr;   // of a write
        void* into = nullptr;         // of a read
        std::string* text = nullptr;  // of extents: what was told
    };
    // 0, or the errno.
    int call(const Request& request) {
        Pending pending;
        pending.into = request.into;
        pending.octets = request.octets;
        pending.text = request.text;
        const auto cookie = ++last_;
        {
            const std::lock_guard guard(mutex_);
            if (gone_) {
                return ESHUTDOWN;
            }
            pending_[cookie] = &pending;
        }
        if (!send(header_of(request, cookie), request)) {
            ::shutdown(socket_, SHUT_RDWR);  // who receives ends all that wait
        }
        std::unique_lock lock(mutex_);
        while (!pending.done) {
            if (receiving_) {
                pending.wake.wait(lock);
                continue;
            }
            receiving_ = true;
            lock.unlock();
            const bool received = receive_replies();
            lock.lock();
            receiving_ = false;
            if (!received) {
                end_all();
            }
        }
        if (!receiving_ && !pending_.empty()) {
            pending_.begin()->second->wake.notify_one();  // it receives from now on
        }
        return pending.error;
    }

private:
    struct Pending {
        std::condition_variable wake;
        void* into = nullptr;
        std::uint32_t octets = 0;
        std::string* text = nullptr;
        bool done = false;
        int error = 0;
    };

    static std::string header_of(const Request& request, std::uint64_t cookie) {
        std::string header;
        ByteWriter out(header);
        out.u32(kMagic);
        out.u8(static_cast<std::uint8_t>(request.kind));
        out.u8(request.fua ? 1 : 0);
        out.u16(0);
        out.u64(cookie);
        out.u64(request.offset);
        out.u32(request.octets);
        out.u32(0);
        return header;
    }

    bool send(std::string header, const Request& request) {
        iovec pieces[2] = {{header.data(), header.size()},
                           {const_cast<void*>(request.data), request.octets}};
        msghdr message{};
        message.msg_iov = pieces;
        message.msg_iovlen = request.data == nullptr ? 1 : 2;
        const std::lock_guard guard(send_mutex_);
        while (message.msg_iovlen > 0) {
            auto put = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
            if (put < 0 && errno == EINTR) {
                continue;
            }
            if (put <= 0) {
                return false;
            }
            for (; message.msg_iovlen > 0; ++message.msg_iov, --message.msg_iovlen) {
                auto& piece = *message.msg_iov;
                const auto part = std::min(static_cast<std::size_t>(put), piece.iov_len);
                piece = {static_cast<char*>(piece.iov_base) + part, piece.iov_len - part};
                put -= static_cast<ssize_t>(part);
                if (piece.iov_len > 0) {
                    break;
                }
            }
        }
        return true;
    }

    // What has come already is taken from `ahead_`.
    bool receive(void* data, std::size_t size) {
        auto* at = static_cast<char*>(data);
        while (size > 0) {
            if (ahead_begin_ == ahead_end_) {
                const bool large = size >= sizeof(ahead_);
                const auto got = large ? ::recv(socket_, at, size, 0)
                                       : ::recv(socket_, ahead_, sizeof(ahead_), 0);
                if (got < 0 && errno == EINTR) {
                    continue;
                }
                if (got <= 0) {
                    return false;
                }
                if (large) {
                    at += got;
                    size -= static_cast<std::size_t>(got);
                    continue;
                }
                ahead_begin_ = 0;
                ahead_end_ = static_cast<std::size_t>(got);
            }
            const auto part = std::min(size, ahead_end_ - ahead_begin_);
            std::memcpy(at, ahead_ + ahead_begin_, part);
            ahead_begin_ += part;
            at += part;
            size -= part;
        }
        return true;
    }

    // At least one, and those that have come with it. False: the connection is of no use any more.
    bool receive_replies() {
        do {
            if (!receive_reply()) {
                return false;
            }
        } while (ahead_end_ - ahead_begin_ >= kHeader);
        return true;
    }

    bool receive_reply() {
        std::string header(kHeader, '\0');
        if (!receive(header.data(), header.size())) {
            return false;
        }
        ByteReader in(header);
        const bool magic = in.u32() == kMagic;
        const auto status = in.u32();
        const auto cookie = in.u64();
        const auto octets = in.u32();
        Pending* pending = nullptr;
        {
            const std::lock_guard guard(mutex_);
            const auto it = pending_.find(cookie);
            pending = it == pending_.end() ? nullptr : it->second;
        }
        if (!magic || pending == nullptr) {
            return false;
        }
        if (pending->text != nullptr && octets <= kMaxExtents * sizeof(std::uint64_t)) {
            pending->text->resize(octets);
            pending->into = pending->text->data();
            pending->octets = octets;
        }
        const bool fits = octets == 0 || (pending->into && octets == pending->octets);
        if (!fits || !receive(pending->into, octets)) {
            return false;
        }
        const bool lacks_data = status == 0 && pending->into && octets == 0;
        const std::lock_guard guard(mutex_);
        pending_.erase(cookie);
        end(*pending, lacks_data ? EIO : status == 0 ? 0 : errno_of(status));
        return true;
    }

    void end_all() {
        gone_ = true;
        for (const auto& [cookie, pending] : pending_) {
            end(*pending, ESHUTDOWN);
        }
        pending_.clear();
    }

    static void end(Pending& pending, int error) {
        pending.error = error;
        pending.done = true;
        pending.wake.notify_one();
    }

    int socket_ = -1;
    std::uint64_t size_ = 0;
    std::uint32_t block_ = 0;
    std::atomic<std::uint64_t> last_{0};
    std::mutex send_mutex_;
    // Of who receives.
    char ahead_[64 * 1024];
    std::size_t ahead_begin_ = 0;
    std::size_t ahead_end_ = 0;

    std::mutex mutex_;
    std::map<std::uint64_t, Pending*> pending_;
    bool receiving_ = false;
    bool gone_ = false;
};

int answer(int error) {
    if (error == 0) {
        return 0;
    }
    nbdkit_set_error(error);
    nbdkit_error("shadowd: %s", std::strerror(error));
    return -1;
}

Unit& unit_of(void* handle) { return *static_cast<Unit*>(handle); }

int config(const char* key, const char* value) {
    if (std::strcmp(key, "socket") != 0) {
        nbdkit_error("unknown parameter %s", key);
        return -1;
    }
    socket_path = value;
    return 0;
}

int config_complete() {
    if (socket_path.empty()) {
        nbdkit_error("socket=PATH is needed: shadowd's socket of the unit");
        return -1;
    }
    return 0;
}

void* open_unit(int) {
    auto unit = std::make_unique<Unit>();
    return unit->connect() ? unit.release() : nullptr;
}

void close_unit(void* handle) { delete &unit_of(handle); }

std::int64_t get_size(void* handle) { return static_cast<std::int64_t>(unit_of(handle).size()); }

int block_size(void* handle, std::uint32_t* minimum, std::uint32_t* preferred,
               std::uint32_t* maximum) {
    *minimum = unit_of(handle).block();
    *preferred = 64 * 1024;
    *maximum = kMaxOctets;
    return 0;
}

int yes(void*) { return 1; }
int can_fua(void*) { return NBDKIT_FUA_NATIVE; }

int pread(void* handle, void* into, std::uint32_t count, std::uint64_t offset, std::uint32_t) {
    return answer(unit_of(handle).call({Kind::kRead, false, offset, count, nullptr, into}));
}

int pwrite(void* handle, const void* data, std::uint32_t count, std::uint64_t offset,
           std::uint32_t flags) {
    const bool fua = (flags & NBDKIT_FLAG_FUA) != 0;
    return answer(unit_of(handle).call({Kind::kWrite, fua, offset, count, data, nullptr}));
}

// What is trimmed reads as zeros, on every member alike.
int zero(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t flags) {
    if ((flags & NBDKIT_FLAG_FAST_ZERO) != 0) {
        nbdkit_set_error(EOPNOTSUPP);  // some members may have to write the zeros
        return -1;
    }
    const bool fua = (flags & NBDKIT_FLAG_FUA) != 0;
    while (count > 0) {
        const auto now = count < kMaxOctets ? count : kMaxOctets;
        if (answer(unit_of(handle).call({Kind::kZero, fua, offset, now, nullptr, nullptr})) != 0) {
            return -1;
        }
        offset += now;
        count -= now;
    }
    return 0;
}

int extents(void* handle, std::uint32_t count, std::uint64_t offset, std::uint32_t,
            nbdkit_extents* told) {
    std::string text;
    Unit::Request request{Kind::kExtents, false, offset, count, nullptr, nullptr};
    request.text = &text;
    if (answer(unit_of(handle).call(request)) != 0) {
        return -1;
    }
    ByteReader in(text);
    for (std::size_t left = text.size() / sizeof(std::uint64_t); left > 0; --left) {
        const auto word = in.u64();
        const auto type = (word & 1) != 0 ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;
        if (nbdkit_add_extent(told, offset, word >> 1, static_cast<std::uint32_t>(type)) != 0) {
            return -1;
        }
        offset += word >> 1;
    }
    return 0;
}

int flush(void* handle, std::uint32_t) { return answer(unit_of(handle).call({})); }

nbdkit_plugin make_plugin() {
    nbdkit_plugin plugin{};
    plugin.name = "quorate";
    plugin.longname = "Quorate virtual unit";
    plugin.description = "reads and writes a shadow set that shadowd has mounted";
    plugin.config = config;
    plugin.config_complete = config_complete;
    plugin.config_help = "socket=<PATH>     shadowd's socket of the unit";
    plugin.magic_config_key = "socket";
    plugin.open = open_unit;
    plugin.close = close_unit;
    plugin.get_size = get_size;
    plugin.block_size = block_size;
    plugin.can_write = yes;
    plugin.can_flush = yes;
    plugin.can_trim = yes;
    plugin.can_zero = yes;
    plugin.can_multi_conn = yes;
    plugin.can_fua = can_fua;
    plugin.can_fast_zero = yes;  // else nbdkit ends over a client that asks for it nevertheless
    plugin.pread = pread;
    plugin.pwrite = pwrite;
    plugin.zero = zero;
    plugin.trim = zero;
    plugin.can_extents = yes;
    plugin.extents = extents;
    plugin.flush = flush;
    return plugin;
}

nbdkit_plugin plugin = make_plugin();

}  // namespace

NBDKIT_REGISTER_PLUGIN(plugin)
