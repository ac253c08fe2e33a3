#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "cluster/corosync_conf.hpp"
#include "cluster/io/peer.hpp"
#include "cluster/view.hpp"
#include "io/control_router.hpp"

namespace quorate::cluster {

// The clusterds of the other nodes, by name: where they are, and single requests to them, member or
// not. Requests to this node are answered here. Thread rule: io thread.
class Nodes {
public:
    struct Self {
        std::string name;
        std::string port;  // of our first listener: what a node that is no member is assumed to use
    };
    Nodes(boost::asio::io_context& io, PeerKeys* keys, const io::ControlRouter& router, Self self)
        : io_(io), keys_(keys), router_(router), self_(std::move(self)) {}

    // As corosync.conf has them now.
    void set_configured(std::vector<CorosyncConf::Node> nodes) { configured_ = std::move(nodes); }
    // What the members of the newest view said of themselves, kept when they have gone.
    void learn(const View& view);

    const std::vector<CorosyncConf::Node>& configured() const { return configured_; }
    const CorosyncConf::Node* find(std::string_view name) const;
    bool is_self(std::string_view name) const { return name == self_.name; }
    // Whether a ring of a configured node, or a member's interconnect, has this IP address.
    bool has_address(std::string_view host) const;
    // Empty: there is no such node.
    std::vector<std::string> addresses_of(std::string_view name) const;

    // Errors: none of its rings answers in time.
    boost::asio::awaitable<Result<io::ControlResponse>> ask(std::string name, PeerRequest request,
                                                            std::chrono::milliseconds limit);

private:
    boost::asio::io_context& io_;
    PeerKeys* keys_;  // null when solo
    const io::ControlRouter& router_;
    Self self_;
    std::vector<CorosyncConf::Node> configured_;
    std::map<std::string, std::vector<std::string>, std::less<>> said_;
};

}  // namespace quorate::cluster
