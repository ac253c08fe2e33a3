#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "messages.hpp"

namespace quorate::cluster {

struct PingOptions {
    std::size_t count = 5;
    std::size_t bytes = 100;
    std::size_t at_once = 1;  // under way at the same time
};

// Messages that come back, over the circuits and by the way that all messages take. They come back
// once and in order, or the run fails. What a change of the view made void is sent again. Thread
// rule: io thread.
class Ping {
public:
    Ping(boost::asio::io_context& io, Messages& messages);

    // Round trips. Errors: errc::refused when it is no member or leaves; errc::damaged when an
    // answer is not the one that is due; kTimedOut when none comes for 10 s.
    boost::asio::awaitable<Result<std::vector<std::chrono::microseconds>>> ping(
        MemberId to, PingOptions options);

private:
    struct Run;

    void send(std::uint64_t id, Run& run, std::uint64_t number);
    void send_on(std::uint64_t id, Run& run);
    void on_message(MemberId from, std::string_view payload);
    void on_answer(std::uint64_t id, Run& run, std::uint64_t number, std::string_view filling);
    void on_view(const View& view);

    boost::asio::io_context& io_;
    Messages& messages_;
    std::map<std::uint64_t, Run*> runs_;  // in the frames of ping()
    std::uint64_t last_ = 0;
};

}  // namespace quorate::cluster
