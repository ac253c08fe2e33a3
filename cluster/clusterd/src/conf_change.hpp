#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "conf_file.hpp"
#include "io/thread_pool.hpp"
#include "nodes.hpp"

namespace quorate::cluster {

// A change of corosync.conf on all its nodes or on none: computed from the running one, put on each
// node that the old one names, then read again by Corosync everywhere at once.
// If a node refuses or does not answer, those that have it already get the old one back.
//
// Errors: errc::refused; `detail` names the node that refused and why, and those that could not be
// rolled back. Thread rule: io thread; one change at a time.
class ConfChange {
public:
    ConfChange(Nodes& nodes, io::ThreadPool& workers) : nodes_(nodes), workers_(workers) {}

    struct Wanted {
        ConfFile::Text old;  // as this node read it
        std::string text;
        std::string except;  // a node that keeps the old one; empty: none
    };
    // Takes what is wanted out of it.
    boost::asio::awaitable<Status> make(Wanted& wanted);

private:
    boost::asio::awaitable<Status> replace_all();
    boost::asio::awaitable<Status> put_new(const std::string& node);
    boost::asio::awaitable<Status> put_old(const std::string& node);
    boost::asio::awaitable<Status> put(const std::string& node, PeerRequest request);
    boost::asio::awaitable<Status> give_up(std::string why);

    Nodes& nodes_;
    io::ThreadPool& workers_;
    std::optional<Wanted> wanted_;   // the change under way
    std::vector<std::string> done_;  // nodes that have it
};

}  // namespace quorate::cluster
