#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>

#include <boost/json/array.hpp>

#include "control_routes.hpp"
#include "io/control_client.hpp"

// What the shadowds of other nodes ask of this node's, which has no port of its own
// (docs/protocols/shadow-cluster.md).
namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

constexpr const char* kShadowdSocket = "run/quorate/shadowd.sock";
constexpr std::chrono::milliseconds kRelayTime{4000};
// It may be stopped or frozen; nothing else waits for it.
constexpr std::size_t kRelaysAtOnce = 2;
constexpr std::size_t kRelaysWaiting = 64;

// Whether no process listens there. One that is frozen, or has too much to do, does.
bool nobody_listens(std::string_view path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool refused =
        socket >= 0 &&
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
        (errno == ECONNREFUSED || errno == ENOENT);
    ::close(socket);
    return refused;
}

class Relay {
public:
    explicit Relay(boost::asio::io_context& io)
        : threads_(io, {"relay", kRelaysAtOnce, kRelaysWaiting}) {}

    awaitable<ControlResponse> ask(ControlRequest request) {
        using Answer = Result<io::ControlClient::Answer>;
        auto asked = [&request]() -> Answer {
            boost::json::value body = nullptr;
            if (!request.body.empty()) {
                body = request.body;
            }
            return io::ControlClient(kShadowdSocket)
                .request({request.method, request.target, std::move(body), kRelayTime});
        };
        auto answer = co_await threads_.run(std::move(asked));
        if (!answer) {
            co_return ControlResponse::error(
                502, nobody_listens(kShadowdSocket) ? "no_shadowd" : "unreachable",
                "shadowd: " + answer.error().to_string());
        }
        ControlResponse response;
        response.status = answer->status;
        response.body = std::move(answer->body);
        co_return response;
    }

private:
    io::ThreadPool threads_;
};

}  // namespace

void add_relay_routes(ControlRoutes& routes) {
    // Owned by its route.
    const auto relay = std::make_shared<Relay>(routes.context().io);
    routes.add(ControlRoutes::Audience::kPeers, "*", "/v1/shadow/{...}",
               [relay](ControlRequest request) { return relay->ask(std::move(request)); });
    routes.add(ControlRoutes::Audience::kPeers, "GET", "/v1/shadow",
               [relay](ControlRequest request) { return relay->ask(std::move(request)); });
}

}  // namespace quorate::cluster
