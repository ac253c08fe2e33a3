#include "lockmgr/client/lock_client.hpp"

#include <utility>

#include "connection.hpp"
#include "io/address.hpp"

namespace quorate::lockmgr {

using boost::asio::awaitable;

LockClient::LockClient(std::shared_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

LockClient::~LockClient() { connection_->close(); }

awaitable<Result<std::unique_ptr<LockClient>>> LockClient::connect(boost::asio::io_context& io,
                                                                   Options options,
                                                                   io::Deadline deadline) {
    io::Address address;
    address.kind = io::Address::Kind::kUnix;
    address.host = options.socket;
    auto stream = co_await io::Stream::connect(io, std::move(address), deadline);
    if (!stream) {
        co_return tl::unexpected<Error>(std::move(stream).error());
    }
    const auto connection =
        std::make_shared<Connection>(io, std::move(*stream), std::move(options));
    auto greeted = co_await connection->greet(deadline);
    if (!greeted) {
        co_return tl::unexpected<Error>(std::move(greeted).error());
    }
    connection->start();
    co_return std::unique_ptr<LockClient>(new LockClient(connection));
}

LockDomain LockClient::domain(std::string name) const {
    return LockDomain(connection_, std::move(name));
}

std::uint64_t LockClient::new_owner() { return connection_->new_owner(); }
NodeId LockClient::node() const { return connection_->welcome().node; }
const std::string& LockClient::node_name() const { return connection_->welcome().node_name; }

awaitable<Result<LockStatus>> LockClient::define(Domain domain) {
    const auto connection = connection_;
    wire::DefineDomain define;
    define.uid = domain.uid;
    define.gid = domain.gid;
    define.mode = domain.mode;
    define.name = domain.name;
    auto operation = connection->ask(nullptr, define);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    co_return status;
}

awaitable<Result<LockStatus>> LockClient::purge(std::uint32_t pid) {
    const auto connection = connection_;
    wire::Purge purge;
    purge.pid = pid;
    auto operation = connection->ask(nullptr, purge);
    if (!operation) {
        co_return tl::unexpected<Error>(std::move(operation).error());
    }
    auto status = co_await connection->wait(std::move(*operation));
    co_return status;
}

awaitable<Result<Lock>> LockDomain::lock(std::string name, LockMode mode, LockOptions options) {
    return Lock::take(connection_, name_, 0, std::move(name), mode, std::move(options));
}

awaitable<Result<Lock>> LockDomain::lock(std::string name, LockMode mode) {
    return lock(std::move(name), mode, LockOptions());
}

}  // namespace quorate::lockmgr
