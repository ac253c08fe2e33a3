#pragma once

#include <array>

#include "config.hpp"
#include "io/metrics.hpp"

namespace quorate::mail {

// What the mail service counts, for /metrics. Thread rule: io thread, as sessions are.
struct MailMetrics {
    explicit MailMetrics(io::Metrics& metrics);

    std::array<io::Counter*, kProtocols> connections;  // by Protocol
    io::Counter& refused_connections;
    io::Counter& logins;
    io::Counter& login_failures;
    io::Counter& delivered;  // copies: one for each account
    io::Counter& delivered_bytes;
    io::Counter& delivery_failures;
    io::Histogram& delivery_seconds;
    io::Histogram& command_seconds;
};

struct ServerContext;

// What is read when somebody asks.
void add_gauges(io::Metrics& metrics, const ServerContext& server);

}  // namespace quorate::mail
