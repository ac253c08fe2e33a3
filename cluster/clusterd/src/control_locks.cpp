#include <memory>
#include <optional>

#include <boost/json/object.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "control_routes.hpp"
#include "lock_report.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

class LockRoutes {
public:
    LockRoutes(const LockShell& shell, const LockClients& clients)
        : shell_(shell), report_(shell, clients) {}

    awaitable<ControlResponse> resources(ControlRequest request) {
        LockReport::Filter filter;
        filter.name = request.parameter("name");
        filter.waiting = request.parameter("waiting") == "true";
        const auto pid = request.parameter("pid");
        const auto number = parse_u64(pid);
        if (!pid.empty() && (!number || *number == 0 || *number > UINT32_MAX)) {
            co_return ControlResponse::error(400, "bad_request", "pid: a process's number");
        }
        filter.pid = static_cast<std::uint32_t>(number.value_or(0));
        ControlResponse response;
        auto body = co_await report_.resources(std::move(filter));
        response.body = std::move(body);
        co_return response;
    }

    awaitable<ControlResponse> domains(ControlRequest) {
        ControlResponse response;
        auto body = co_await report_.domains();
        response.body = std::move(body);
        co_return response;
    }

    awaitable<ControlResponse> clients(ControlRequest) {
        ControlResponse response;
        response.body = report_.clients();
        co_return response;
    }

    awaitable<ControlResponse> trace(ControlRequest) {
        if (!shell_.trace().on()) {
            co_return ControlResponse::error(409, "refused", "trace_bytes in quorate.toml is 0");
        }
        ControlResponse response;
        response.content_type = "application/octet-stream";
        response.text = shell_.trace().bytes();
        co_return response;
    }

    // Octets in a JSON object, of a size that a peer's answer may have.
    awaitable<ControlResponse> trace_piece(ControlRequest request) {
        constexpr std::size_t kPiece = 1 << 20;
        const auto from = parse_u64(request.parameter("from"));
        const auto end = parse_u64(request.parameter("end"));
        if (!shell_.trace().on()) {
            co_return ControlResponse::error(409, "refused", "trace_bytes in quorate.toml is 0");
        }
        const auto piece = shell_.trace().piece(from.value_or(0), end.value_or(0), kPiece);
        if (!piece) {
            co_return ControlResponse::error(
                409, "overtaken",
                "the trace has gone on too fast; raise trace_bytes, or ask again");
        }
        ControlResponse response;
        response.body = boost::json::object{
            {"bytes", base64_encode(piece->bytes)}, {"next", piece->next}, {"end", piece->end}};
        co_return response;
    }

private:
    const LockShell& shell_;
    LockReport report_;
};

}  // namespace

void add_lock_routes(ControlRoutes& routes, const LockShell& shell, const LockClients& clients) {
    // Owned by all its routes.
    const auto locks = std::make_shared<LockRoutes>(shell, clients);
    using Audience = ControlRoutes::Audience;
    const auto add = [&](const char* path,
                         awaitable<ControlResponse> (LockRoutes::*call)(ControlRequest),
                         Audience audience = Audience::kBoth) {
        routes.add(audience, "GET", path, [locks, call](ControlRequest request) {
            return ((*locks).*call)(std::move(request));
        });
    };
    add("/v1/locks", &LockRoutes::resources);
    add("/v1/locks/domains", &LockRoutes::domains);
    add("/v1/locks/clients", &LockRoutes::clients);
    add("/v1/locks/trace", &LockRoutes::trace, Audience::kLocal);
    add("/v1/locks/trace/piece", &LockRoutes::trace_piece);
}

}  // namespace quorate::cluster
