#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "io/event.hpp"
#include "messages.hpp"

namespace quorate::cluster {

// Messages that come back, over the circuits and by the way that all messages take. A ping that a
// change of the view made void is sent again. Thread rule: io thread.
class Ping {
public:
    Ping(boost::asio::io_context& io, Messages& messages);

    // One after the other. Errors: errc::refused when it is no member or leaves; kTimedOut.
    boost::asio::awaitable<Result<std::vector<std::chrono::microseconds>>> ping(MemberId to,
                                                                                std::size_t count,
                                                                                std::size_t bytes);

private:
    struct Waiting;

    void on_message(MemberId from, std::string_view payload);
    void on_view(const View& view);

    boost::asio::io_context& io_;
    Messages& messages_;
    std::map<std::uint64_t, Waiting*> waiting_;  // by number, in the frames of ping()
    std::uint64_t last_ = 0;
};

}  // namespace quorate::cluster
