#include "control_routes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/auth/address.hpp"
#include "mail/auth/errc.hpp"

namespace quorate::mail {
namespace {

using boost::asio::awaitable;
using io::ControlRequest;
using io::ControlResponse;

constexpr std::uint64_t kPageMax = 10'000;
constexpr std::uint64_t kPageDefault = 1000;

tl::unexpected<Error> bad_request(std::string message) {
    return fail(std::make_error_code(std::errc::invalid_argument), std::move(message));
}

class UnderWay {
public:
    explicit UnderWay(std::size_t& count) : count_(count) { ++count_; }
    ~UnderWay() { --count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

private:
    std::size_t& count_;
};

awaitable<ControlResponse> handle(ServerContext& server, const io::ControlHandler& handler,
                                  ControlRequest request) {
    const UnderWay under_way(server.requests);
    if ((request.method == "GET" || request.method == "DELETE") && !request.body.empty()) {
        co_return to_response(
            Error{std::make_error_code(std::errc::invalid_argument), "this request has no fields"});
    }
    auto response = co_await handler(std::move(request));
    co_return response;
}

}  // namespace

void add_route(io::ControlServer& control, ServerContext& server, std::string method,
               std::string pattern, io::ControlHandler handler) {
    control.route(std::move(method), std::move(pattern),
                  [&server, handler = std::move(handler)](ControlRequest request) {
                      return handle(server, handler, std::move(request));
                  });
}

std::string message_of(const Error& error) {
    if (error.code == std::errc::invalid_argument) {
        return error.detail;
    }
    return error.detail.empty() ? error.code.message() : error.detail + ": " + error.code.message();
}

ControlResponse to_response(const Error& error) {
    const auto message = message_of(error);
    if (error.code == std::errc::invalid_argument) {
        return ControlResponse::error(400, "bad_request", message);
    }
    if (error.code == auth::errc::not_found || error.code == store::errc::no_such_account) {
        return ControlResponse::error(404, "not_found", message);
    }
    if (error.code == auth::errc::alias_loop) {
        return ControlResponse::error(409, "alias_loop", message);
    }
    if (error.code == auth::errc::exists) {
        return ControlResponse::error(409, "exists", message);
    }
    if (error.code == store::errc::account_busy || error.code == io::Errc::kQueueFull) {
        return ControlResponse::error(503, "busy", message + "; try again");
    }
    if (error.code == auth::errc::storage || error.code == auth::errc::unsupported_version) {
        return ControlResponse::error(500, "failed", message);
    }
    if (error.code.category() == auth::auth_category()) {
        return ControlResponse::error(400, "refused", message);
    }
    return ControlResponse::error(500, "failed", message);
}

Result<std::string> full_address(const ServerContext& server, std::string_view name) {
    auto address = auth::full_address(name, server.config.default_domain);
    if (!address) {
        return fail(auth::errc::incomplete_address, printable(name, 80));
    }
    return *address;
}

Result<auth::AccountRecord> find_account(const ServerContext& server, std::string_view name) {
    QUORATE_TRY(const auto address, full_address(server, name));
    auto record = server.directory.account(address);
    if (!record) {
        return fail(auth::errc::not_found, "account " + printable(address, 80));
    }
    return std::move(*record);
}

Status check_parameters(const ControlRequest& request,
                        std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : request.parameters) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            return bad_request(printable(name, 40) + ": unknown parameter");
        }
    }
    return {};
}

Result<auth::Directory::Page> page_of(const ControlRequest& request) {
    QUORATE_CHECK(check_parameters(request, {"pattern", "after", "limit"}));
    auth::Directory::Page page;
    page.pattern = request.parameter("pattern");
    page.after = request.parameter("after");
    const auto limit = request.parameter("limit");
    const auto number = limit.empty() ? std::optional(kPageDefault) : parse_u64(limit);
    if (!number || *number < 1 || *number > kPageMax) {
        return bad_request("limit: wants a whole number from 1 to 10000");
    }
    page.limit = *number;
    return page;
}

}  // namespace quorate::mail
