#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lockmgr/lock_manager.hpp"

namespace quorate::support {

// Lock managers whose messages travel in rounds: all that is under way arrives, one hop later. What
// happens is written down: "2 n3->n1 granted ..." is the second message of the longest way, and
// what a client hears of it follows.
class ScriptCluster {
public:
    void start(std::uint32_t node, std::uint32_t weight);
    void crash(std::uint32_t node);
    // To all of `nodes`, or to those in `at`.
    void commit(std::uint64_t epoch, const std::vector<std::uint32_t>& nodes,
                const std::vector<std::uint32_t>& lost, const std::set<std::uint32_t>& at);
    void allow_takeover(std::uint32_t lost);
    void lose_quorum(std::uint32_t node);
    void drain(std::uint32_t node, bool on);
    void open(std::uint32_t node, std::uint32_t client, std::uint32_t priority);
    void close(std::uint32_t node, std::uint32_t client);

    struct Request {
        std::string name;
        std::string parent;  // label
        lockmgr::LockMode mode{};
        std::uint32_t flags = 0;
        std::string value;
    };
    void lock(const std::string& label, std::uint32_t node, std::uint32_t client,
              const Request& request);
    void convert(const std::string& label, const Request& request);
    void unlock(const std::string& label, const Request& request);
    void cancel(const std::string& label);

    // Until nothing is under way, at most so many hops.
    void run(std::size_t hops);
    void pass(std::chrono::milliseconds time);
    // Keeps what is on the way, or lets it go on.
    void hold(std::uint32_t from, std::uint32_t to) { held_.insert({from, to}); }
    void let_go(std::uint32_t from, std::uint32_t to) { held_.erase({from, to}); }

    std::string directory(std::string_view name) const;
    std::string show(std::string_view name) const;
    std::string taken() { return std::exchange(text_, {}); }

private:
    struct Machine {
        std::unique_ptr<lockmgr::LockManager> manager;
        cluster::MemberId life;
        std::uint32_t weight = 1;
        std::uint64_t epoch = 0;
    };
    struct Handle {
        std::uint32_t node = 0;
        std::uint32_t client = 0;
        lockmgr::LockId lock;
    };
    struct Packet {
        std::uint64_t epoch = 0;
        std::string bytes;
    };
    using Lane = std::pair<std::uint32_t, std::uint32_t>;

    void give(std::uint32_t node, const lockmgr::LockInput& input);
    void on(std::uint32_t node, const lockmgr::Completion& output);
    void on(std::uint32_t node, const lockmgr::BlockingEvent& output);
    void on(std::uint32_t node, const lockmgr::Waiting& output);
    void on(std::uint32_t node, const lockmgr::Suspended& output);
    void on(std::uint32_t node, const lockmgr::Resumed& output);
    void on(std::uint32_t node, const lockmgr::Revoked& output);
    void on(std::uint32_t node, const lockmgr::Send& output);
    void on(std::uint32_t node, const lockmgr::Drained& output);
    void on(std::uint32_t node, const lockmgr::Note& output);
    void tell(std::uint32_t node, std::string_view what);
    std::string label_of(std::uint32_t node, lockmgr::LockId lock) const;
    lockmgr::RequestId fresh(const std::string& label);
    void arrive(const Lane& lane, std::size_t hop);

    std::map<std::uint32_t, Machine> machines_;
    std::map<Lane, std::deque<Packet>> lanes_;
    std::set<Lane> held_;
    std::map<std::string, Handle> handles_;
    std::map<std::uint64_t, std::string> asked_;  // labels by request
    std::uint64_t requests_ = 0;
    std::uint64_t lives_ = 0;
    MonoTime now_{std::chrono::seconds(100)};
    std::string text_;
};

}  // namespace quorate::support
