#include "event_log.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json/serialize.hpp>

#include "io/time.hpp"
#include "unix_time.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;

constexpr std::size_t kKept = 1000;
constexpr std::chrono::milliseconds kKeepAlive{10'000};

}  // namespace

void EventLog::add(std::string_view kind, std::string_view text, Epoch epoch, json::object more) {
    json::object event{{"number", ++newest_},
                       {"time", unix_seconds(io::wall_now())},
                       {"kind", kind},
                       {"text", text},
                       {"epoch", epoch.value()}};
    for (auto& field : more) {
        event.emplace(field.key(), std::move(field.value()));
    }
    events_.push_back(std::move(event));
    if (events_.size() > kKept) {
        events_.pop_front();
    }
    // Wakes those who wait now; who comes later looks first.
    added_.set();
    added_.reset();
}

json::array EventLog::recent() const { return json::array(events_.begin(), events_.end()); }

std::string EventLog::lines_after(std::uint64_t& seen) const {
    const auto missing = newest_ - std::min(seen, newest_);
    const auto count = std::min<std::uint64_t>(missing, events_.size());
    std::string lines;
    for (auto i = events_.size() - count; i < events_.size(); ++i) {
        lines += json::serialize(events_[i]);
        lines += '\n';
    }
    seen = newest_;
    return lines;
}

boost::asio::awaitable<std::string> EventLog::next(std::uint64_t& seen) {
    auto lines = lines_after(seen);
    if (lines.empty() && !closed_) {
        auto woken = co_await added_.wait(io::after(kKeepAlive));
        static_cast<void>(woken);
        lines = lines_after(seen);
    }
    if (lines.empty() && !closed_) {
        lines.push_back('\n');
    }
    co_return lines;
}

void EventLog::close() {
    closed_ = true;
    added_.set();
    added_.reset();
}

}  // namespace quorate::cluster
