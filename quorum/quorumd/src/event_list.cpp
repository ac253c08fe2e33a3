#include "event_list.hpp"

#include <chrono>

#include <boost/json/object.hpp>

namespace quorate::quorum {
namespace {
constexpr std::size_t kKept = 500;
}

void EventList::add(WallTime now, std::string_view kind, std::string_view text) {
    events_.push_back({++newest_, now, std::string(kind), std::string(text)});
    if (events_.size() > kKept) {
        events_.pop_front();
    }
}

boost::json::array EventList::recent() const {
    boost::json::array list;
    for (const auto& event : events_) {
        list.push_back(boost::json::object{
            {"number", event.number},
            {"time", std::chrono::duration_cast<std::chrono::seconds>(event.time.time_since_epoch())
                         .count()},
            {"kind", event.kind},
            {"text", event.text}});
    }
    return list;
}

}  // namespace quorate::quorum
