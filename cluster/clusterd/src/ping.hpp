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

// Messages that come back, over the circuits and by the way that all messages take. A ping that a
// change of the view made void is sent again. Thread rule: io thread.
class Ping {
public:
    Ping(boost::asio::io_context& io, Messages& messages);

    // One after the other. Errors: errc::refused when it is no member or leaves; kTimedOut
    // when an answer takes 10 s.
    boost::asio::awaitable<Result<std::vector<std::chrono::microseconds>>> ping(MemberId to,
                                                                                std::size_t count,
                                                                                std::size_t bytes);

private:
    struct Run;
    using Runs = std::map<std::uint64_t, Run*>;  // by the number that is under way

    void ask(std::uint64_t number, Run& run);
    void send(std::uint64_t number, Run& run);
    void on_message(MemberId from, std::string_view payload);
    void on_answer(Runs::iterator found, std::string_view filling);
    void on_view(const View& view);

    boost::asio::io_context& io_;
    Messages& messages_;
    Runs runs_;  // in the frames of ping()
    std::uint64_t last_ = 0;
};

}  // namespace quorate::cluster
