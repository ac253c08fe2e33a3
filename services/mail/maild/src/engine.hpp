#pragma once

#include <memory>
#include <optional>

#include "account_desk.hpp"
#include "durable_gate.hpp"
#include "maild.hpp"

namespace quorate::mail {

// The store with what works on it. Members in the order in which they need each other: threads end
// before what they use goes.
struct Maild::Engine {
    Engine(boost::asio::io_context& io, const Config& config)
        : gate(io), sessions(config.connections), failures(config.failure_delay) {}

    DurableGate gate;
    std::unique_ptr<store::Volume> volume;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<auth::Directory> directory;
    std::unique_ptr<auth::Credentials> credentials;
    SessionTable sessions;
    auth::FailureMeter failures;
    std::optional<MailMetrics> metrics;
    std::optional<io::ThreadPool> workers;
    std::optional<io::ThreadPool> hashers;
    std::optional<AccountDesk> desk;
    std::unique_ptr<ServerContext> server;
};

}  // namespace quorate::mail
