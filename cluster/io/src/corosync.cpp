#include "cluster/io/corosync.hpp"

#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <sys/uio.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "corosync_error.hpp"

namespace quorate::cluster {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kWaitingMax = 1024;
// While Corosync's flow control or a change of its ring holds messages back.
constexpr std::chrono::milliseconds kRetry{5};

std::vector<GroupMember> to_members(const cpg_address* list, std::size_t size) {
    std::vector<GroupMember> members(size);
    std::transform(list, list + size, members.begin(), [](const cpg_address& address) {
        return GroupMember{NodeId(address.nodeid), address.pid};
    });
    return members;
}

}  // namespace

class Corosync::Impl {
public:
    Impl(asio::io_context& io, CorosyncHandlers handlers)
        : handlers_(std::move(handlers)), cpg_socket_(io), quorum_socket_(io), retry_(io) {}

    ~Impl() {
        // The descriptors are the libraries' own.
        if (cpg_socket_.is_open()) {
            cpg_socket_.release();
        }
        if (quorum_socket_.is_open()) {
            quorum_socket_.release();
        }
        if (quorum_) {
            quorum_finalize(*quorum_);
        }
        if (cpg_) {
            cpg_finalize(*cpg_);
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status join(std::string_view group) {
        QUORATE_CHECK(open_cpg());
        QUORATE_CHECK(open_quorum());
        cpg_name name{};
        name.length =
            static_cast<std::uint32_t>(std::min<std::size_t>(group.size(), CPG_MAX_NAME_LENGTH));
        group.copy(name.value, name.length);
        if (const auto error = cpg_join(*cpg_, &name); error != CS_OK) {
            return corosync_error("cannot join the process group", error);
        }
        wait_for_cpg();
        wait_for_quorum();
        return {};
    }

    Status multicast(std::string message) {
        if (waiting_.size() >= kWaitingMax) {
            return fail(std::make_error_code(std::errc::no_buffer_space),
                        "too many messages wait for corosync");
        }
        waiting_.push_back(std::move(message));
        if (waiting_.size() == 1) {
            send_waiting();
        }
        return {};
    }

    std::uint32_t local_node() const { return local_node_; }

private:
    static Impl& of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<Impl*>(context);
    }
    static Impl& of_quorum(quorum_handle_t handle) {
        const void* context = nullptr;
        quorum_context_get(handle, &context);
        return *static_cast<Impl*>(const_cast<void*>(context));
    }

    static void on_message(cpg_handle_t handle, const cpg_name*, std::uint32_t node,
                           std::uint32_t pid, void* message, std::size_t size) {
        of(handle).handlers_.message({NodeId(node), pid},
                                     {static_cast<const char*>(message), size});
    }
    static void on_group(cpg_handle_t handle, const cpg_name*, const cpg_address* members,
                         std::size_t members_size, const cpg_address* left, std::size_t left_size,
                         const cpg_address* joined, std::size_t joined_size) {
        const auto all = to_members(members, members_size);
        const auto gone = to_members(left, left_size);
        const auto came = to_members(joined, joined_size);
        of(handle).handlers_.group_changed({all, came, gone});
    }
    static void on_ring(cpg_handle_t handle, cpg_ring_id ring, std::uint32_t size,
                        const std::uint32_t* nodes) {
        of(handle).handlers_.ring_changed({NodeId(ring.nodeid), ring.seq}, {nodes, size});
    }
    static void on_quorum(quorum_handle_t handle, std::uint32_t quorate, quorum_ring_id ring,
                          std::uint32_t size, const std::uint32_t* nodes) {
        of_quorum(handle).handlers_.quorum_changed(quorate != 0, {NodeId(ring.nodeid), ring.seq},
                                                   {nodes, size});
    }

    Status open_cpg() {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_deliver_fn = on_message;
        model.cpg_confchg_fn = on_group;
        model.cpg_totem_confchg_fn = on_ring;
        model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF;
        cpg_handle_t handle = 0;
        if (const auto error = cpg_model_initialize(
                &handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this);
            error != CS_OK) {
            return corosync_error("cannot reach corosync's process groups", error);
        }
        cpg_ = handle;
        int descriptor = -1;
        cpg_fd_get(handle, &descriptor);
        cpg_socket_.assign(descriptor);
        if (const auto error = cpg_local_get(handle, &local_node_); error != CS_OK) {
            return corosync_error("corosync does not tell this node's id", error);
        }
        return {};
    }

    Status open_quorum() {
        quorum_model_v1_data_t model{};
        model.model = QUORUM_MODEL_V1;
        model.quorum_notify_fn = on_quorum;
        std::uint32_t type = 0;
        quorum_handle_t handle = 0;
        if (const auto error = quorum_model_initialize(
                &handle, QUORUM_MODEL_V1, reinterpret_cast<quorum_model_data_t*>(&model), &type,
                this);
            error != CS_OK) {
            return corosync_error("cannot reach corosync's quorum service", error);
        }
        quorum_ = handle;
        if (type != QUORUM_SET) {
            return fail(std::make_error_code(std::errc::not_supported),
                        "corosync runs without votequorum: set quorum { provider: "
                        "corosync_votequorum } in corosync.conf");
        }
        int descriptor = -1;
        quorum_fd_get(handle, &descriptor);
        quorum_socket_.assign(descriptor);
        if (const auto error = quorum_trackstart(handle, CS_TRACK_CURRENT | CS_TRACK_CHANGES);
            error != CS_OK) {
            return corosync_error("cannot follow corosync's quorum", error);
        }
        return {};
    }

    void wait_for_cpg() {
        cpg_socket_.async_wait(
            asio::posix::descriptor_base::wait_read,
            [this](const boost::system::error_code& error) {
                if (!error && dispatched("process groups", cpg_dispatch(*cpg_, CS_DISPATCH_ALL))) {
                    wait_for_cpg();
                }
            });
    }

    void wait_for_quorum() {
        quorum_socket_.async_wait(
            asio::posix::descriptor_base::wait_read,
            [this](const boost::system::error_code& error) {
                if (!error && dispatched("quorum", quorum_dispatch(*quorum_, CS_DISPATCH_ALL))) {
                    wait_for_quorum();
                }
            });
    }

    // False, and the handlers know, when the connection is over.
    bool dispatched(std::string_view what, cs_error_t error) {
        if (error == CS_OK || error == CS_ERR_TRY_AGAIN || error == CS_ERR_INTERRUPT) {
            return !lost_;
        }
        lose(corosync_error(fmt::format("lost corosync's {}", what), error).value());
        return false;
    }

    void lose(Error error) {
        if (std::exchange(lost_, true)) {
            return;
        }
        retry_.expires_after(std::chrono::milliseconds(0));
        retry_.async_wait(
            [this, cause = std::move(error)](const boost::system::error_code& cancelled) {
                if (!cancelled) {
                    handlers_.lost(cause);
                }
            });
    }

    void send_waiting() {
        while (!waiting_.empty() && !lost_) {
            auto& message = waiting_.front();
            iovec piece{message.data(), message.size()};
            const auto error = cpg_mcast_joined(*cpg_, CPG_TYPE_AGREED, &piece, 1);
            if (error == CS_ERR_TRY_AGAIN) {
                retry_.expires_after(kRetry);
                retry_.async_wait([this](const boost::system::error_code& cancelled) {
                    if (!cancelled) {
                        send_waiting();
                    }
                });
                return;
            }
            if (error != CS_OK) {
                lose(corosync_error("cannot send to the process group", error).value());
                return;
            }
            waiting_.pop_front();
        }
    }

    CorosyncHandlers handlers_;
    std::optional<cpg_handle_t> cpg_;
    std::optional<quorum_handle_t> quorum_;
    asio::posix::stream_descriptor cpg_socket_;
    asio::posix::stream_descriptor quorum_socket_;
    asio::steady_timer retry_;
    std::deque<std::string> waiting_;
    unsigned local_node_ = 0;
    bool lost_ = false;
};

Result<std::unique_ptr<Corosync>> Corosync::join(asio::io_context& io, std::string_view group,
                                                 CorosyncHandlers handlers) {
    auto impl = std::make_unique<Impl>(io, std::move(handlers));
    QUORATE_CHECK(impl->join(group));
    return std::unique_ptr<Corosync>(new Corosync(std::move(impl)));
}

Corosync::Corosync(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Corosync::~Corosync() = default;

std::uint32_t Corosync::local_node() const { return impl_->local_node(); }

Status Corosync::multicast(std::string message) { return impl_->multicast(std::move(message)); }

}  // namespace quorate::cluster
