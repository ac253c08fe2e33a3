#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "lockmgr/client/lock_client.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing {

// The locks of one opener of a set, at clusterd's lock manager. They outlive this process as
// orphans: those of an opener that died are kept until the others know of its death
// (docs/protocols/shadow-cluster.md). What is asked for a lock while an earlier request for it
// waits takes that one's place. Thread rule: io thread.
class SetLocks {
public:
    using Feed = std::function<void(SetInput)>;
    SetLocks(boost::asio::io_context& io, lockmgr::LockDomain domain, Id128 set, Feed feed);
    // All are given up.
    ~SetLocks();
    SetLocks(const SetLocks&) = delete;
    SetLocks& operator=(const SetLocks&) = delete;

    // Answered by Locked or LockDenied, and Blocking while somebody waits for it.
    void ask(const Lock& lock);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the coroutines of its locks
};

}  // namespace quorate::shadowing
