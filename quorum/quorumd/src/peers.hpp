#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "cluster/io/peer.hpp"
#include "io/event.hpp"
#include "io/listener.hpp"
#include "io/scope.hpp"
#include "io/stream.hpp"
#include "io/thread_pool.hpp"
#include "quorum/io/live_conf.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// The quorumds of the other nodes, over TLS under a key that all nodes have: what voters of one
// ring tell each other, and requests of the control API (docs/protocols/quorum.md). Each dials
// each, and speaks only on what it dialled.
//
// Thread rule: io thread. Limits: 64 messages wait for a node, the oldest goes; a message of 4 KiB.
class Peers {
public:
    struct Options {
        std::uint32_t self = 0;
        std::uint16_t port = 0;
    };
    using Heard = std::function<void(NodeId from, std::string bytes)>;
    Peers(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& resolvers,
          cluster::PeerKeys keys, Options options, const io::ControlRouter& requests, Heard heard);
    ~Peers();

    // Errors: the port is taken.
    Status listen();
    // These from now on; self may be among them.
    void use(const std::vector<ConfNode>& nodes);
    // Lost when the node cannot be reached just now.
    void say(NodeId to, std::string bytes);
    boost::asio::awaitable<Result<io::ControlResponse>> ask(ConfNode node,
                                                            cluster::PeerRequest request,
                                                            std::chrono::milliseconds limit);
    void stop();
    // Why a node is not connected; empty: it is.
    std::string problem(NodeId node) const;

private:
    struct Link;
    using LinkPtr = std::shared_ptr<Link>;

    boost::asio::awaitable<void> keep(LinkPtr link);
    boost::asio::awaitable<Status> speak(LinkPtr link, std::string address);
    boost::asio::awaitable<void> hear_acknowledgements(LinkPtr link);
    boost::asio::awaitable<std::vector<std::string>> resolve(std::vector<std::string> names);
    boost::asio::awaitable<void> serve(io::Stream stream);
    boost::asio::awaitable<void> listen_to(io::Stream& stream);
    bool used(const LinkPtr& link) const;

    boost::asio::io_context& io_;
    io::Scope& scope_;
    io::ThreadPool& resolvers_;
    cluster::PeerKeys keys_;
    Options options_;
    const io::ControlRouter& requests_;
    Heard heard_;
    std::vector<io::Listener> listeners_;
    std::map<NodeId, LinkPtr> links_;
    std::size_t strangers_ = 0;
    bool stopping_ = false;
    Logger log_;
};

}  // namespace quorate::quorum
