#pragma once

#include <boost/asio/awaitable.hpp>

#include "server_context.hpp"

namespace quorate::mail {

// What keeps the store in order while sessions come and go, each at a rate that leaves the machine
// to them. All return when the daemon stops. Thread rule: io thread.

// Settles accounts whose changes are durable.
boost::asio::awaitable<void> run_settling(ServerContext& server);
// Frees what nothing in the store refers to any more.
boost::asio::awaitable<void> run_compaction(ServerContext& server);
// Gives memory that is free back to the system.
boost::asio::awaitable<void> run_trimming(ServerContext& server);

}  // namespace quorate::mail
