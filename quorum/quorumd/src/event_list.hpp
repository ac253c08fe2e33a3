#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "base/clock.hpp"

namespace quorate::quorum {

// What happened, for the operator: the newest 500 events in memory, numbered from 1 at each start.
class EventList {
public:
    void add(WallTime now, std::string_view kind, std::string_view text);
    boost::json::array recent() const;

private:
    struct Event {
        std::uint64_t number = 0;
        WallTime time;
        std::string kind;
        std::string text;
    };
    std::deque<Event> events_;
    std::uint64_t newest_ = 0;
};

}  // namespace quorate::quorum
