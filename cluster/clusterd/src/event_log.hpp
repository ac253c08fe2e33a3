#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cluster/view.hpp"
#include "io/event.hpp"

namespace quorate::cluster {

// What happened, for the operator: the newest 1,000 events in memory, numbered from 1 at each
// start. docs/protocols/control.md has the kinds. Thread rule: io thread.
class EventLog {
public:
    explicit EventLog(boost::asio::io_context& io) : added_(io) {}

    // `more` is what belongs to the kind.
    void add(std::string_view kind, std::string_view text, Epoch epoch,
             boost::json::object more = {});

    boost::json::array recent() const;
    std::uint64_t newest() const { return newest_; }

    // The events after number `seen`, a line each; moves `seen`. Waits for the next one, but not
    // for ever: an empty line comes when nothing happens, so that a reader who is gone is noticed.
    // Empty once close() was called.
    boost::asio::awaitable<std::string> next(std::uint64_t& seen);
    void close();

private:
    std::string lines_after(std::uint64_t& seen) const;

    std::deque<boost::json::object> events_;
    std::uint64_t newest_ = 0;
    io::Event added_;
    bool closed_ = false;
};

}  // namespace quorate::cluster
