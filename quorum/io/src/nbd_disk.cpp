#include "nbd_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "nbd_library.hpp"
#include "quorum/errc.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {
namespace {

namespace asio = boost::asio;

// A virtual unit is served under its name (DSA1), and waits for quorum before it answers.
bool names_virtual_unit(const std::string& uri) {
    const auto path = uri.substr(0, uri.find('?'));
    const auto name = path.substr(path.rfind('/') + 1);
    return name.starts_with("DSA") && name.size() > 3 &&
           std::all_of(name.begin() + 3, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Shared with the waits for its socket and with what is under way, whose memory libnbd uses.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(asio::io_context& io, std::string uri, const NbdLibrary& library)
        : io_(io), uri_(std::move(uri)), lib_(library), nbd_(lib_.create()), socket_(io) {}
    ~Connection() {
        if (socket_.is_open()) {
            socket_.release();  // it is the library's
        }
        lib_.close(nbd_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Status open() {
        if (nbd_ == nullptr || lib_.connect_uri(nbd_, uri_.c_str()) != 0) {
            return fail_errno(error_number(), fmt::format("{}: {}", uri_, lib_.get_error()));
        }
        size_ = lib_.get_size(nbd_);
        fua_ = lib_.can_fua(nbd_) == 1;
        flush_ = lib_.can_flush(nbd_) == 1;
        if (lib_.is_read_only(nbd_) == 1) {
            return fail_errno(EROFS, uri_);
        }
        socket_.assign(lib_.aio_get_fd(nbd_));
        return {};
    }

    std::uint64_t size() const { return static_cast<std::uint64_t>(size_); }
    bool broken() const { return broken_; }
    void leave() { left_ = true; }

    void read(std::uint32_t first, std::uint32_t count, Disk::ReadDone done) {
        auto request = make_request(count * kPageBytes);
        request->read_done = std::move(done);
        const auto offset = std::uint64_t{first} * kPageBytes;
        submit(request, lib_.aio_pread(nbd_, request->bytes.data(), request->bytes.size(), offset,
                                       callback(request), 0));
    }
    void write(std::uint32_t first, std::string bytes, Disk::WriteDone done) {
        auto request = make_request(0);
        request->bytes = std::move(bytes);
        request->write_done = std::move(done);
        request->flushes = flush_ && !fua_;
        const auto offset = std::uint64_t{first} * kPageBytes;
        submit(request, lib_.aio_pwrite(nbd_, request->bytes.data(), request->bytes.size(), offset,
                                        callback(request), fua_ ? LIBNBD_CMD_FLAG_FUA : 0));
    }

private:
    int error_number() const {
        const int number = lib_.get_errno();
        return number == 0 ? EIO : number;
    }

    struct Request {
        std::shared_ptr<Connection> connection;
        std::string bytes;
        Disk::ReadDone read_done;
        Disk::WriteDone write_done;
        bool flushes = false;  // after it was written
    };

    Request* make_request(std::size_t size) {
        return new Request{shared_from_this(), std::string(size, '\0'), {}, {}};
    }
    // libnbd calls it once, from within one of ours.
    static nbd_completion_callback callback(Request* request) {
        return {[](void* data, int* error) {
                    auto* ended = static_cast<Request*>(data);
                    ended->connection->ended(ended, *error);
                    return 1;
                },
                request, nullptr};
    }

    void submit(Request* request, std::int64_t cookie) {
        ++under_way_;
        if (cookie < 0) {
            ended(request, error_number());
            return;
        }
        listen();
    }

    // The library may not be called from within its callback.
    void ended(Request* request, int error) {
        asio::post(io_, [owned = std::unique_ptr<Request>(request), error]() mutable {
            auto& connection = *owned->connection;
            if (error == 0 && std::exchange(owned->flushes, false)) {
                connection.flush(owned.release());
            } else {
                connection.answer(*owned, error);
            }
        });
    }

    // The write is done, its flush takes its place.
    void flush(Request* request) {
        --under_way_;
        submit(request, lib_.aio_flush(nbd_, callback(request), 0));
    }

    void answer(Request& request, int error) {
        --under_way_;
        broken_ = broken_ || lib_.aio_is_dead(nbd_) == 1 || lib_.aio_is_closed(nbd_) == 1;
        if (left_) {
            return;
        }
        if (request.read_done) {
            request.read_done(error == 0 ? Result<std::string>(std::move(request.bytes))
                                         : Result<std::string>(fail_errno(error, uri_)));
        } else {
            request.write_done(error == 0 ? Status() : Status(fail_errno(error, uri_)));
        }
    }

    // As long as there is something to hear.
    void listen() {
        if (broken_) {
            return;
        }
        const auto direction = lib_.aio_get_direction(nbd_);
        if ((direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 && !std::exchange(writing_, true)) {
            wait(asio::posix::descriptor_base::wait_write, &Connection::writing_,
                 lib_.aio_notify_write);
        }
        if (!std::exchange(reading_, true)) {
            wait(asio::posix::descriptor_base::wait_read, &Connection::reading_,
                 lib_.aio_notify_read);
        }
    }

    void wait(asio::posix::descriptor_base::wait_type type, bool Connection::*flag,
              int (*notify)(nbd_handle*)) {
        socket_.async_wait(type, [self = shared_from_this(), flag,
                                  notify](const boost::system::error_code& error) {
            (*self).*flag = false;
            if (error) {
                return;
            }
            notify(self->nbd_);
            self->broken_ = self->broken_ || self->lib_.aio_is_dead(self->nbd_) == 1 ||
                            self->lib_.aio_is_closed(self->nbd_) == 1;
            if (self->under_way_ > 0 && !(self->left_ && self->broken_)) {
                self->listen();
            }
        });
    }

    asio::io_context& io_;
    std::string uri_;
    const NbdLibrary& lib_;
    nbd_handle* nbd_;
    asio::posix::stream_descriptor socket_;
    std::int64_t size_ = 0;
    bool fua_ = false;
    bool flush_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool broken_ = false;
    bool left_ = false;
    std::size_t under_way_ = 0;
};

class NbdDisk final : public Disk {
public:
    explicit NbdDisk(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    ~NbdDisk() override { connection_->leave(); }
    NbdDisk(const NbdDisk&) = delete;
    NbdDisk& operator=(const NbdDisk&) = delete;

    void read(std::uint32_t first, std::uint32_t count, ReadDone done) override {
        connection_->read(first, count, std::move(done));
    }
    void write(std::uint32_t first, std::string bytes, WriteDone done) override {
        connection_->write(first, std::move(bytes), std::move(done));
    }
    std::uint64_t pages() const override { return connection_->size() / kPageBytes; }
    bool broken() const override { return connection_->broken(); }

private:
    std::shared_ptr<Connection> connection_;  // the other owners are what is under way
};

}  // namespace

bool is_nbd_uri(const std::string& path) {
    return path.starts_with("nbd://") || path.starts_with("nbds://") ||
           path.starts_with("nbd+unix://") || path.starts_with("nbds+unix://");
}

Result<std::unique_ptr<Disk>> open_nbd_disk(asio::io_context& io, const std::string& uri) {
    if (names_virtual_unit(uri)) {
        return fail(errc::unfit,
                    fmt::format("{} cannot be a quorum disk: it is a virtual unit of a "
                                "shadow set, which needs quorum before it can be used",
                                uri));
    }
    QUORATE_TRY(const auto* library, NbdLibrary::load());
    const auto connection = std::make_shared<Connection>(io, uri, *library);
    QUORATE_CHECK(connection->open());
    return std::make_unique<NbdDisk>(connection);
}

}  // namespace quorate::quorum
