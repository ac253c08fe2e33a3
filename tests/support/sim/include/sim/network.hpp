#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/event_queue.hpp"

namespace quorate::sim {

// Machines joined by several rings. A connection is like TCP: bytes arrive in order or not at all;
// while its link is cut they wait, and after a while the connection breaks, at each end at its own
// time. Connections delay and overtake each other freely.
class Network {
public:
    using Connection = std::uint64_t;
    struct Sink {
        std::function<void(Connection, std::size_t node, std::string bytes)> bytes;
        std::function<void(Connection, std::size_t node)> closed;
    };
    struct Options {
        Time delay_min{50};
        Time delay_max{2000};
        std::uint64_t slow_one_in = 50;  // a delivery that takes up to slow_max
        Time slow_max = milliseconds(60);
        Time break_after = milliseconds(900);  // a stalled connection
    };

    Network(EventQueue& events, Random& random, Options options, Sink sink)
        : events_(events), random_(random), options_(options), sink_(std::move(sink)) {}

    // ---- links

    void cut(std::size_t ring, std::size_t a, std::size_t b) { cut_.insert(link(ring, a, b)); }
    void heal(std::size_t ring, std::size_t a, std::size_t b) { cut_.erase(link(ring, a, b)); }
    void heal_all() { cut_.clear(); }
    bool connected(std::size_t ring, std::size_t a, std::size_t b) const {
        return a == b || !cut_.contains(link(ring, a, b));
    }

    // ---- connections

    Connection open(std::size_t ring, std::size_t a, std::size_t b) {
        const auto id = next_++;
        connections_[id] = {ring, a, b, {}};
        return id;
    }
    bool is_open(Connection id, std::size_t node) const {
        const auto it = connections_.find(id);
        return it != connections_.end() && !it->second.half(node).closed;
    }
    void send(Connection id, std::size_t from, std::string bytes) {
        const auto it = connections_.find(id);
        if (it == connections_.end() || it->second.half(from).closed) {
            return;
        }
        auto& lane = it->second.lane_from(from);
        lane.ready = std::max(lane.ready, events_.now() + delay());
        lane.waiting.push_back(std::move(bytes));
        events_.at(lane.ready, [this, id, from] { arrive(id, from); });
    }
    // By one end; the other learns of it later.
    void close(Connection id, std::size_t by) {
        const auto it = connections_.find(id);
        if (it == connections_.end()) {
            return;
        }
        it->second.half(by).closed = true;
        close_end(id, it->second.other(by), delay());
    }
    // A machine is gone or its processes are: its ends close at once, the others later.
    void close_all(std::size_t node) {
        for (auto& [id, connection] : connections_) {
            if (connection.a == node || connection.b == node) {
                close(id, node);
            }
        }
    }

    // Some of the machine's connections, at both ends; what was under way is lost.
    void break_some(std::size_t node) {
        for (auto& [id, connection] : connections_) {
            if ((connection.a == node || connection.b == node) && random_.one_in(2)) {
                close_end(id, connection.a, delay());
                close_end(id, connection.b, delay());
            }
        }
    }

private:
    struct Lane {
        Time ready{0};
        std::deque<std::string> waiting;
        bool closed = false;  // the sending end
        Time stalled_since{-1};
    };
    struct Ends {
        std::size_t ring = 0;
        std::size_t a = 0;
        std::size_t b = 0;
        Lane lanes[2];
        std::size_t other(std::size_t node) const { return node == a ? b : a; }
        Lane& lane_from(std::size_t node) { return lanes[node == a ? 0 : 1]; }
        Lane& half(std::size_t node) { return lane_from(node); }
        const Lane& half(std::size_t node) const { return lanes[node == a ? 0 : 1]; }
    };
    using Link = std::tuple<std::size_t, std::size_t, std::size_t>;
    static Link link(std::size_t ring, std::size_t a, std::size_t b) {
        return {ring, std::min(a, b), std::max(a, b)};
    }

    Time delay() {
        const bool slow = options_.slow_one_in != 0 && random_.one_in(options_.slow_one_in);
        return between(random_, options_.delay_min, slow ? options_.slow_max : options_.delay_max);
    }

    void arrive(Connection id, std::size_t from) {
        const auto it = connections_.find(id);
        if (it == connections_.end()) {
            return;
        }
        auto& ends = it->second;
        auto& lane = ends.lane_from(from);
        const auto to = ends.other(from);
        if (lane.waiting.empty() || ends.half(to).closed) {
            return;
        }
        if (!connected(ends.ring, ends.a, ends.b)) {
            stall(id, from, lane);
            return;
        }
        lane.stalled_since = Time(-1);
        auto bytes = std::move(lane.waiting.front());
        lane.waiting.pop_front();
        sink_.bytes(id, to, std::move(bytes));
    }

    void stall(Connection id, std::size_t from, Lane& lane) {
        if (lane.stalled_since < Time(0)) {
            lane.stalled_since = events_.now();
        }
        if (events_.now() - lane.stalled_since > options_.break_after) {
            close_end(id, from, Time(0));
            close_end(id, connections_[id].other(from), between(random_, Time(0), seconds(1)));
            return;
        }
        events_.after(milliseconds(50), [this, id, from] { arrive(id, from); });
    }

    void close_end(Connection id, std::size_t node, Time after) {
        events_.after(after, [this, id, node] {
            const auto it = connections_.find(id);
            if (it == connections_.end()) {
                return;
            }
            auto& half = it->second.half(node);
            if (!std::exchange(half.closed, true)) {
                sink_.closed(id, node);
            }
            if (it->second.lanes[0].closed && it->second.lanes[1].closed) {
                connections_.erase(it);
            }
        });
    }

    EventQueue& events_;
    Random& random_;
    Options options_;
    Sink sink_;
    std::set<Link> cut_;
    std::map<Connection, Ends> connections_;
    Connection next_ = 1;
};

}  // namespace quorate::sim
