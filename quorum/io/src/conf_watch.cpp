#include <corosync/cmap.h>

#include <optional>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "cmap.hpp"
#include "corosync_error.hpp"
#include "quorum/io/live_conf.hpp"

namespace quorate::quorum {

namespace asio = boost::asio;

class ConfWatch::Impl {
public:
    explicit Impl(asio::io_context& io) : socket_(io) {}
    ~Impl() {
        if (socket_.is_open()) {
            socket_.release();  // it is the library's
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status open() {
        auto error = cmap_.opened();
        for (const char* prefix : {"nodelist.", "quorum."}) {
            cmap_track_handle_t track = 0;
            if (error == CS_OK) {
                error = cmap_track_add(
                    cmap_.get(), prefix,
                    CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY | CMAP_TRACK_PREFIX,
                    on_change, this, &track);
            }
        }
        int descriptor = -1;
        if (error == CS_OK) {
            error = cmap_fd_get(cmap_.get(), &descriptor);
        }
        if (error != CS_OK) {
            return corosync_error("cannot follow Corosync's configuration", error);
        }
        socket_.assign(descriptor);
        return {};
    }

    void start(std::function<void()> changed, std::function<void()> lost) {
        changed_ = std::move(changed);
        lost_ = std::move(lost);
        wait();
    }

private:
    static void on_change(cmap_handle_t, cmap_track_handle_t, std::int32_t, const char*,
                          cmap_notify_value, cmap_notify_value, void* self) {
        static_cast<Impl*>(self)->seen_ = true;
    }

    void wait() {
        socket_.async_wait(asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                               if (!error) {
                                   dispatch();
                               }
                           });
    }

    void dispatch() {
        const auto error = cmap_dispatch(cmap_.get(), CS_DISPATCH_ALL);
        if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
            lost_();
            return;
        }
        wait();
        if (std::exchange(seen_, false)) {
            changed_();
        }
    }

    Cmap cmap_;
    asio::posix::stream_descriptor socket_;
    bool seen_ = false;
    std::function<void()> changed_;
    std::function<void()> lost_;
};

ConfWatch::ConfWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfWatch::~ConfWatch() = default;

Result<std::unique_ptr<ConfWatch>> ConfWatch::open(asio::io_context& io) {
    auto impl = std::make_unique<Impl>(io);
    QUORATE_CHECK(impl->open());
    return std::unique_ptr<ConfWatch>(new ConfWatch(std::move(impl)));
}

void ConfWatch::start(std::function<void()> changed, std::function<void()> lost) {
    impl_->start(std::move(changed), std::move(lost));
}

}  // namespace quorate::quorum
