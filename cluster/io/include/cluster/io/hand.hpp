#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"

namespace quorate::cluster {

// The privileged half of clusterd, as the other half sees it: a process forked before root is given
// up, which runs an operator's commands and replaces corosync.conf, and nothing else. The half that
// faces the network never has root.
//
// Thread rule: start() before threads and before the io_context is used, the rest on the io thread.
// Limit: 16 requests at once, 1 MiB of output each (the rest is dropped and said so).
class Hand {
public:
    static Result<std::unique_ptr<Hand>> start(boost::asio::io_context& io, std::string conf_path);
    ~Hand();

    struct Outcome {
        std::uint32_t exit_code = 0;  // see HandDone
        std::string output;
        bool truncated = false;
    };
    // Errors: too many at once, the hand is gone.
    boost::asio::awaitable<Result<Outcome>> run(std::vector<std::string> words,
                                                std::chrono::milliseconds timeout);
    boost::asio::awaitable<Status> replace_conf(std::string text);

private:
    class Impl;
    explicit Hand(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::cluster
