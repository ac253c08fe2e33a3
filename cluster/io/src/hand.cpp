#include "cluster/io/hand.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/log.hpp"
#include "hand_protocol.hpp"
#include "hand_worker.hpp"
#include "io/event.hpp"

namespace quorate::cluster {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kCommandsMax = 16;
constexpr std::size_t kChangesMax = 4;
constexpr std::size_t kOutputMax = 1 << 20;

tl::unexpected<Error> hand_gone() {
    return fail(std::make_error_code(std::errc::broken_pipe),
                "the privileged half of clusterd has ended; restart clusterd");
}

}  // namespace

class Hand::Impl {
public:
    Impl(asio::io_context& io, int socket)
        : io_(io), socket_(io, socket), buffer_(kHandPacketMax, '\0') {
        wait();
    }

    asio::awaitable<Result<Outcome>> ask(HandRequest request) {
        if (!socket_.is_open()) {
            co_return hand_gone();
        }
        // Commands never keep a change of corosync.conf waiting.
        const bool command = std::holds_alternative<HandRun>(request);
        if (command ? running_ >= kCommandsMax : pending_.size() >= kCommandsMax + kChangesMax) {
            co_return fail(std::make_error_code(std::errc::resource_unavailable_try_again),
                           "16 commands run already; try again when one has ended");
        }
        const auto id = next_id_++;
        std::visit([&](auto& alternative) { alternative.id = id; }, request);
        Pending pending(io_);
        pending_.emplace(id, &pending);
        const Counted counted(running_, command ? 1 : 0);
        const auto bytes = encode(request);
        if (::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
            pending_.erase(id);
            co_return fail_errno(errno, "cannot reach the privileged half of clusterd");
        }
        auto finished = co_await pending.done.wait();
        pending_.erase(id);
        if (!finished) {
            co_return tl::unexpected<Error>(std::move(finished).error());
        }
        if (!pending.ended) {
            co_return hand_gone();
        }
        if (!pending.problem.empty()) {
            pending.outcome.output += pending.problem + "\n";
        }
        co_return std::move(pending.outcome);
    }

private:
    class Counted {
    public:
        Counted(std::size_t& count, std::size_t by) : count_(count), by_(by) { count_ += by_; }
        ~Counted() { count_ -= by_; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;

    private:
        std::size_t& count_;
        std::size_t by_;
    };

    // Lives in the frame of ask().
    struct Pending {
        explicit Pending(asio::io_context& io) : done(io) {}
        io::Event done;
        bool ended = false;
        Outcome outcome;
        std::string problem;
    };

    void wait() {
        socket_.async_wait(asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                               if (!error && receive()) {
                                   wait();
                               }
                           });
    }

    bool receive() {
        const auto size =
            ::recv(socket_.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (size <= 0) {
            Logger().error("hand_lost", "what", "the privileged half of clusterd has ended");
            socket_.close();
            for (auto& [id, pending] : pending_) {
                pending->done.set();
            }
            return false;
        }
        if (auto reply = decode_hand_reply({buffer_.data(), static_cast<std::size_t>(size)})) {
            std::visit([this](auto& message) { take(message); }, *reply);
        }
        return true;
    }

    void take(HandOutput& output) {
        const auto found = pending_.find(output.id);
        if (found == pending_.end()) {
            return;
        }
        auto& outcome = found->second->outcome;
        const auto room = kOutputMax - outcome.output.size();
        outcome.truncated = outcome.truncated || output.bytes.size() > room;
        outcome.output.append(output.bytes, 0, room);
    }

    void take(HandDone& done) {
        const auto found = pending_.find(done.id);
        if (found == pending_.end()) {
            return;
        }
        auto& pending = *found->second;
        pending.outcome.exit_code = done.exit_code;
        pending.problem = std::move(done.problem);
        pending.ended = true;
        pending.done.set();
    }

    asio::io_context& io_;
    asio::posix::stream_descriptor socket_;
    std::string buffer_;
    std::map<std::uint64_t, Pending*> pending_;
    std::size_t running_ = 0;  // commands among them
    std::uint64_t next_id_ = 1;
};

Result<std::unique_ptr<Hand>> Hand::start(asio::io_context& io, std::string conf_path) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_errno(errno, "no socket for the privileged half of clusterd");
    }
    const auto parent = ::getpid();
    const auto child = ::fork();
    if (child < 0) {
        return fail_errno(errno, "cannot start the privileged half of clusterd");
    }
    if (child == 0) {
        ::close(ends[0]);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(0);
        }
        serve_as_hand(ends[1], conf_path);
    }
    ::close(ends[1]);
    return std::unique_ptr<Hand>(new Hand(std::make_unique<Impl>(io, ends[0])));
}

Hand::Hand(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hand::~Hand() = default;

asio::awaitable<Result<Hand::Outcome>> Hand::run(std::vector<std::string> words,
                                                 std::chrono::milliseconds timeout) {
    HandRun request;
    request.words = std::move(words);
    request.timeout_ms = static_cast<std::uint32_t>(timeout.count());
    auto outcome = co_await impl_->ask(std::move(request));
    co_return outcome;
}

asio::awaitable<Status> Hand::replace_conf(std::string text) {
    HandReplaceConf request;
    request.text = std::move(text);
    auto outcome = co_await impl_->ask(std::move(request));
    if (!outcome) {
        co_return tl::unexpected<Error>(std::move(outcome).error());
    }
    if (outcome->exit_code != 0) {
        co_return fail(std::make_error_code(std::errc::io_error), std::move(outcome->output));
    }
    co_return Status();
}

}  // namespace quorate::cluster
