#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quorum/header.hpp"
#include "quorum/voter.hpp"
#include "sim/event_queue.hpp"

namespace quorate::quorum::simulator {

// What is wrong with a node's path to a disk.
struct Path {
    bool hung = false;      // nothing ends until it is over
    bool mute = false;      // no reading does
    bool failing = false;   // everything ends with an error, done or not
    bool refusing = false;  // everything ends with an error, and nothing is done
    bool losing = false;    // writes are reported and never arrive
    sim::Time slow{0};      // I/O takes up to so long
    sim::Time tardy{0};     // what was read is reported so much later
    bool stale = false;     // pages are read once, and then from a cache
    std::map<std::uint32_t, std::string> cache;
};

// One disk as all nodes see it: an array of pages. A page is written in two halves; a reading takes
// its pages at different moments between its beginning and its end.
class Disk {
public:
    Disk(sim::EventQueue& events, Random& random, const Header& header, std::size_t nodes,
         std::function<void(std::size_t node, VoterInput input)> done);

    Path& path(std::size_t node) { return paths_[node]; }
    void heal(std::size_t node);
    void read(std::size_t node, const ReadPages& request);
    void write(std::size_t node, const WritePage& request) {
        write(node, request, lives_[node].number);
    }
    // The voter of the node is dead: what it submitted may land late, or never.
    void orphan(std::size_t node, bool power_lost);
    // A new one starts: what is left of the old lands by `until`, or never.
    void adopt(std::size_t node, sim::Time until);

    // From now on a write of the dead lands in time or never; if in part, the page stays torn.
    void leave_no_stragglers() { prompt_ = true; }

private:
    struct Delay {
        sim::Time half;
        sim::Time whole;
        sim::Time reported;
    };
    void write(std::size_t node, const WritePage& request, std::uint64_t life);
    Delay draw(const Path& path);
    bool gone(std::size_t node, std::uint64_t life) const;
    void land(std::size_t node, std::uint64_t life, std::uint32_t page, std::size_t from,
              const std::string& bytes);
    std::string sample(std::size_t node, std::uint32_t first, std::uint32_t count);
    void report(std::size_t node, std::uint64_t life, sim::Time after, VoterInput input);

    struct Life {
        std::uint64_t number = 1;
        std::map<std::uint64_t, sim::Time> orphans_until;  // of each life that is over
        bool power_lost = false;
    };
    sim::EventQueue& events_;
    Random& random_;
    bool prompt_ = false;
    std::vector<std::string> pages_;
    std::vector<Path> paths_;
    std::vector<Life> lives_;
    std::vector<std::vector<std::function<void()>>> held_back_;
    std::function<void(std::size_t, VoterInput)> done_;
};

}  // namespace quorate::quorum::simulator
