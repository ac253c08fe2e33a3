#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/time.hpp"
#include "lockmgr/client/lock.hpp"

namespace quorate::lockmgr {

// A name space of resources, with rights of its own.
class LockDomain {
public:
    boost::asio::awaitable<Result<Lock>> lock(std::string name, LockMode mode, LockOptions options);
    boost::asio::awaitable<Result<Lock>> lock(std::string name, LockMode mode);

private:
    friend class LockClient;
    LockDomain(std::shared_ptr<Connection> connection, std::string name)
        : connection_(std::move(connection)), name_(std::move(name)) {}

    std::shared_ptr<Connection> connection_;
    std::string name_;
};

// What happens to all locks of a client at once.
struct LockClientEvent {
    enum class Kind {
        kSuspended,  // no quorum: others may take over what is held after the deadline
        kResumed,    // everything is held still
        kRevoked,    // nothing is held any more
        kClosed,     // the lock manager is gone, and every lock with it
    } kind = Kind::kClosed;
    std::optional<std::chrono::milliseconds> remaining;  // kSuspended, if it is known
};

// A connection to the lock manager of this node. It does not come back: whoever hears kRevoked or
// kClosed drops what the locks protected and connects anew.
//
//     auto client = co_await LockClient::connect(io, options, io::after(5s));
//     auto domain = (*client)->domain("mail");
//     auto lock = co_await domain.lock("u/ann", LockMode::EX);
//     if (!lock || !lock->held()) ...
//
// Locks may outlive it; they are lost when it goes. Thread rule: io thread.
class LockClient {
public:
    struct Options {
        std::string socket = "run/quorate/lock.sock";
        std::uint32_t priority = 0;  // DLCKPRI: of a deadlock's locks the lowest is the victim
        std::function<void(const LockClientEvent&)> on_event;
    };
    // Errors: errno's values (nobody listens, no permission), io::Errc::kTimedOut, kClosed with the
    // lock manager's reason.
    static boost::asio::awaitable<Result<std::unique_ptr<LockClient>>> connect(
        boost::asio::io_context& io, Options options, io::Deadline deadline);
    ~LockClient();
    LockClient(const LockClient&) = delete;
    LockClient& operator=(const LockClient&) = delete;

    LockDomain domain(std::string name) const;
    // For LockOptions::owner.
    std::uint64_t new_owner();
    // Creates a domain on this node or changes its protection. The status may be kNoRights.
    boost::asio::awaitable<Result<LockStatus>> define(Domain domain);
    // Ends the orphans that a process of this node left. Root only: else kNoRights.
    boost::asio::awaitable<Result<LockStatus>> purge(std::uint32_t pid);
    NodeId node() const;
    const std::string& node_name() const;

private:
    explicit LockClient(std::shared_ptr<Connection> connection);

    std::shared_ptr<Connection> connection_;
};

}  // namespace quorate::lockmgr
