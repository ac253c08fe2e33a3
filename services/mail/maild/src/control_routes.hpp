#pragma once

#include <initializer_list>
#include <string_view>

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
