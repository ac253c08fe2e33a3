#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "cluster/io/corosync.hpp"
#include "io/event.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"
#include "io/time.hpp"
#include "nodes.hpp"

namespace quorate::cluster {

// Corosync's own view of votes and rings, for the operator, and the nodes that corosync.conf has by
// now: asked when somebody wants to see it, on a worker, because it may block. Thread rule: io
// thread.
class Survey {
public:
    struct Findings {
        std::optional<VoteInfo> votes;                         // nothing: Corosync does not answer
        std::map<std::uint32_t, std::vector<LinkInfo>> links;  // by node id
    };
    struct Subject {
        std::uint32_t node = 0;  // this one; 0: there is no Corosync to ask
        std::string conf_path;
    };
    Survey(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& workers, Nodes& nodes,
           Subject subject)
        : scope_(scope),
          workers_(workers),
          nodes_(nodes),
          subject_(std::move(subject)),
          done_(io) {}

    // At most a second old if Corosync answers soon, else what it said last. The reference stays
    // good until the caller waits again.
    boost::asio::awaitable<void> refresh();
    const Findings& findings() const { return findings_; }

private:
    boost::asio::awaitable<void> look();

    io::Scope& scope_;
    io::ThreadPool& workers_;
    Nodes& nodes_;
    Subject subject_;
    Findings findings_;
    MonoTime looked_;
    bool looking_ = false;
    io::Event done_;
};

}  // namespace quorate::cluster
