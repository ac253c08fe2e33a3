#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"

namespace quorate::quorum {

// Keeps what a voter has seen of others' boots (Remember) for the voters after it, also of later
// boots. A loss of power may cost the newest of it.
class SeenFile {
public:
    SeenFile(io::Scope& scope, io::ThreadPool& pool) : scope_(scope), pool_(pool) {}

    // What was kept last; empty: nothing. Blocking, at the start.
    Result<std::string> load() const;
    void keep(std::string bytes);

private:
    boost::asio::awaitable<void> write();

    io::Scope& scope_;
    io::ThreadPool& pool_;
    std::optional<std::string> newest_;
    bool writing_ = false;
};

}  // namespace quorate::quorum
