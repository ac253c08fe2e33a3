#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "io/control_server.hpp"
#include "io/metrics.hpp"
#include "server_context.hpp"

namespace quorate::mail {

// maild's part of the control API; docs/protocols/control.md has paths and shapes. Each function
// adds its routes.
void add_account_routes(io::ControlServer& control, ServerContext& server);
void add_address_routes(io::ControlServer& control, ServerContext& server);  // domains and aliases
void add_mail_routes(io::ControlServer& control, ServerContext& server);
void add_status_routes(io::ControlServer& control, ServerContext& server,
                       const io::Metrics& metrics);

// ---- what they share

// Adds one route; the daemon waits at its end for requests under way.
void add_route(io::ControlServer& control, ServerContext& server, std::string method,
               std::string pattern, io::ControlHandler handler);

// The same for routes that are members of one object, which they own together:
//
//     RouteAdder add(control, server, std::make_shared<Routes>(server));
//     add("GET", "/v1/things", &Routes::list);
template <class Routes>
class RouteAdder {
public:
    using Call = boost::asio::awaitable<io::ControlResponse> (Routes::*)(io::ControlRequest);

    RouteAdder(io::ControlServer& control, ServerContext& server, std::shared_ptr<Routes> routes)
        : control_(control), server_(server), routes_(std::move(routes)) {}

    void operator()(const char* method, const char* path, Call call) const {
        add_route(control_, server_, method, path,
                  [routes = routes_, call](io::ControlRequest request) {
                      return ((*routes).*call)(std::move(request));
                  });
    }

private:
    io::ControlServer& control_;
    ServerContext& server_;
    std::shared_ptr<Routes> routes_;
};

// An error of the directory or the store as the API tells it, and its text alone.
std::string message_of(const Error& error);
io::ControlResponse to_response(const Error& error);

// An address of a request, whose domain may be left out when there is a default one.
Result<std::string> full_address(const ServerContext& server, std::string_view name);
// The account of that address, or an error that says what is wrong with it.
Result<auth::AccountRecord> find_account(const ServerContext& server, std::string_view name);

// A page of a list: `pattern`, `after` and `limit` of the request, which has no other parameters.
Result<auth::Directory::Page> page_of(const io::ControlRequest& request);
// An error unless the request's parameters are among these.
Status check_parameters(const io::ControlRequest& request,
                        std::initializer_list<std::string_view> known);

}  // namespace quorate::mail
