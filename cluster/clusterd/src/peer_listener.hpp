#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/log.hpp"
#include "cluster/io/peer.hpp"
#include "io/control_router.hpp"
#include "io/listener.hpp"
#include "io/scope.hpp"
#include "nodes.hpp"
#include "strangers.hpp"

namespace quorate::cluster {

// Where the other clusterds connect: one listener per ring. A connection proves the cluster key
// within 5 s and says what it is for; circuits go on to `circuit`, single requests are answered
// here. Limits: those of Strangers for connections that have not proven the key, 64 requests; more
// are closed. Thread rule: io thread.
class PeerListener {
public:
    using Circuit = std::function<void(io::Stream stream)>;
    PeerListener(std::vector<io::Listener> listeners, PeerKeys* keys,
                 const io::ControlRouter& router, const Nodes& nodes, Circuit circuit);

    void start(io::Scope& scope);
    void stop();
    std::uint64_t refused() const { return refused_; }

private:
    boost::asio::awaitable<void> serve(io::Stream stream, Strangers::Place place);
    void refuse(const io::Stream& stream, const std::string& why);

    std::vector<io::Listener> listeners_;
    PeerKeys* keys_;  // null when solo: then there is no listener either
    const io::ControlRouter& router_;
    const Nodes& nodes_;
    Circuit circuit_;
    io::Scope* scope_ = nullptr;
    Logger log_;
    Strangers strangers_;
    std::size_t requests_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t unsaid_ = 0;  // refusals since the last line of the log
    MonoTime next_line_;
};

}  // namespace quorate::cluster
