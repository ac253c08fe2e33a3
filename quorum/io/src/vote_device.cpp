#include "quorum/io/vote_device.hpp"

#include <corosync/votequorum.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "corosync_error.hpp"
#include "io/time.hpp"
#include "quorum/errc.hpp"
#include "quorum/io/device_settings.hpp"

namespace quorate::quorum {
namespace {

namespace asio = boost::asio;

const std::string kName(kModel);

class Votequorum {
public:
    explicit Votequorum(votequorum_callbacks_t callbacks = {})
        : callbacks_(callbacks), opened_(votequorum_initialize(&handle_, &callbacks_)) {}
    ~Votequorum() {
        if (opened_ == CS_OK) {
            votequorum_finalize(handle_);
        }
    }
    Votequorum(const Votequorum&) = delete;
    Votequorum& operator=(const Votequorum&) = delete;

    cs_error_t opened() const { return opened_; }
    votequorum_handle_t get() const { return handle_; }

private:
    votequorum_callbacks_t callbacks_;
    votequorum_handle_t handle_ = 0;
    cs_error_t opened_;
};

// Of the device that any node of this cluster registered.
std::string name_in_the_way(const Votequorum& votequorum) {
    votequorum_info info{};
    const bool known = votequorum_getinfo(votequorum.get(), 0, &info) == CS_OK;
    return known && info.qdevice_name[0] != '\0' ? info.qdevice_name : "of some node";
}

Result<VoteCount> count(const Votequorum& votequorum) {
    votequorum_info info{};
    auto error = votequorum.opened();
    if (error == CS_OK) {
        error = votequorum_getinfo(votequorum.get(), 0, &info);
    }
    if (error != CS_OK) {
        return corosync_error("cannot read the votes", error);
    }
    VoteCount votes;
    votes.expected = info.highest_expected;
    votes.total = info.total_votes;
    votes.quorum = info.quorum;
    votes.device = info.qdevice_votes;
    if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0) {
        votes.device_name = info.qdevice_name;
    }
    votes.alive = (info.flags & VOTEQUORUM_INFO_QDEVICE_ALIVE) != 0;
    votes.casts = (info.flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
    votes.quorate = (info.flags & VOTEQUORUM_INFO_QUORATE) != 0;
    return votes;
}

}  // namespace

Result<bool> are_members(std::span<const std::uint32_t> nodes) {
    const Votequorum votequorum;
    if (votequorum.opened() != CS_OK) {
        return corosync_error("cannot read the members", votequorum.opened());
    }
    return std::ranges::all_of(nodes, [&](std::uint32_t node) {
        votequorum_info info{};
        return votequorum_getinfo(votequorum.get(), node, &info) == CS_OK &&
               info.node_state == VOTEQUORUM_NODESTATE_MEMBER;
    });
}

Result<VoteCount> count_votes() { return count(Votequorum()); }

// Two connections: what comes by itself is read on the io thread, what is asked for on another.
class VoteDevice::Impl {
public:
    explicit Impl(asio::io_context& io) : news_(callbacks()), socket_(io) {}
    ~Impl() {
        if (socket_.is_open()) {
            socket_.release();  // it is the library's
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status open() {
        auto error = news_.opened() == CS_OK ? orders_.opened() : news_.opened();
        if (error == CS_OK) {
            error = votequorum_qdevice_register(orders_.get(), kName.c_str());
        }
        if (error == CS_ERR_EXIST) {
            const auto other = name_in_the_way(orders_);
            return fail(
                errc::refused,
                fmt::format("the quorum device {} is registered in this cluster already{}", other,
                            other == "Qdevice" ? ": that is corosync-qdevice; stop and "
                                                 "disable it on all nodes"
                                               : ": stop its program on all nodes"));
        }
        if (error == CS_OK) {
            error = votequorum_trackstart(news_.get(), reinterpret_cast<std::uint64_t>(this),
                                          CS_TRACK_CHANGES);
        }
        int descriptor = -1;
        if (error == CS_OK) {
            error = votequorum_fd_get(news_.get(), &descriptor);
        }
        if (error == CS_ERR_ACCESS && ::geteuid() == 0) {
            return fail(std::make_error_code(std::errc::permission_denied),
                        "votequorum takes no device since it met an option that does not go with "
                        "one (Corosync's log names it): take that out of corosync.conf, and start "
                        "Corosync anew on this node");
        }
        if (error != CS_OK) {
            return corosync_error("cannot be votequorum's device", error);
        }
        socket_.assign(descriptor);
        return {};
    }

    void start(Handlers handlers) {
        handlers_ = std::move(handlers);
        wait();
    }

    Status poll(RingId ring, bool cast, BootTime before) {
        const votequorum_ring_id_t id{ring.node.value(), ring.sequence};
        if (cast && io::exact_boot_now() >= before) {
            return fail(errc::refused, "too late to vote");
        }
        const auto error = votequorum_qdevice_poll(orders_.get(), kName.c_str(), cast ? 1 : 0, id);
        return error == CS_OK ? Status() : Status(corosync_error("votequorum's poll", error));
    }

    Status leave() {
        const auto error = votequorum_qdevice_unregister(orders_.get(), kName.c_str());
        return error == CS_OK ? Status() : Status(corosync_error("votequorum", error));
    }

private:
    static Impl& of(std::uint64_t context) { return *reinterpret_cast<Impl*>(context); }
    static void on_nodes(votequorum_handle_t, std::uint64_t context, votequorum_ring_id_t ring,
                         std::uint32_t size, std::uint32_t* nodes) {
        of(context).handlers_.ring_changed({NodeId(ring.nodeid), ring.seq}, {nodes, size});
    }
    static void on_quorum(votequorum_handle_t, std::uint64_t context, std::uint32_t, std::uint32_t,
                          votequorum_node_t*) {
        of(context).handlers_.votes_changed();
    }
    static void on_expected(votequorum_handle_t, std::uint64_t context, std::uint32_t) {
        of(context).handlers_.votes_changed();
    }
    static votequorum_callbacks_t callbacks() { return {on_quorum, on_expected, on_nodes}; }

    void wait() {
        socket_.async_wait(asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                               if (!error) {
                                   dispatch();
                               }
                           });
    }
    void dispatch() {
        const auto error = votequorum_dispatch(news_.get(), CS_DISPATCH_ALL);
        if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
            handlers_.lost();
            return;
        }
        wait();
    }

    Votequorum news_;
    Votequorum orders_;
    asio::posix::stream_descriptor socket_;
    Handlers handlers_;
};

VoteDevice::VoteDevice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VoteDevice::~VoteDevice() = default;

Result<std::unique_ptr<VoteDevice>> VoteDevice::open(asio::io_context& io) {
    auto impl = std::make_unique<Impl>(io);
    QUORATE_CHECK(impl->open());
    return std::unique_ptr<VoteDevice>(new VoteDevice(std::move(impl)));
}

void VoteDevice::start(Handlers handlers) { impl_->start(std::move(handlers)); }
Status VoteDevice::poll(RingId ring, bool cast, BootTime before) {
    return impl_->poll(ring, cast, before);
}
Status VoteDevice::leave() { return impl_->leave(); }

}  // namespace quorate::quorum
