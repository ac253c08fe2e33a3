#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/assert.hpp"
#include "histories.hpp"

// All that three lock managers can come to with one resource: every order of what their clients
// ask, of messages, of one crash, of the views and of the takeover after it.
namespace quorate::lockmgr::model {

struct Model {
    std::string name;
    std::array<Histories::Modes, kNodes> modes{};
    std::array<std::size_t, kNodes> locks{};  // that a node's client asks for
    bool gives_up = true;                     // what it holds; if not, never
    std::array<bool, kNodes> may_crash{};     // one of them, once
    std::array<bool, kNodes> may_drain{};     // one of them, once
    // A way on which so many packets wait between two nodes is not gone further.
    std::size_t lane_max = 12;
    bool may_be_cut = false;  // some ways are longer than that
    std::size_t states_max = 300'000'000;
    // Each state that is reached again, by another way, is looked at: may the same follow? If not,
    // content.cpp leaves out what matters.
    bool compare = false;
};

struct Outcome {
    std::string breach;  // and how it came about; empty: there is none
    std::size_t states = 0;
    std::size_t steps = 0;
    std::size_t ends = 0;  // states in which nothing is left to do
    std::size_t cut = 0;   // by lane_max
    std::size_t depth = 0;
    bool complete = true;  // false: states_max
};

struct Packet {
    std::uint32_t number = 0;
    bool later = false;  // of the view after the crash
};

// Packets in order, without memory of their own elsewhere: states are copied all the time.
class Lane {
public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    const Packet& front() const { return packets_[0]; }
    const Packet& operator[](std::size_t place) const { return packets_[place]; }
    void push(Packet packet) {
        QUORATE_ASSERT(size_ < packets_.size());
        packets_[size_++] = packet;
    }
    void pop() {
        std::copy(packets_.begin() + 1, packets_.begin() + size_, packets_.begin());
        --size_;
    }
    void clear() { size_ = 0; }
    void drop_earlier() {
        const auto* end = packets_.data() + size_;
        const auto* kept = std::remove_if(packets_.data(), packets_.data() + size_,
                                          [](const Packet& one) { return !one.later; });
        size_ -= static_cast<std::uint32_t>(end - kept);
    }

private:
    std::uint32_t size_ = 0;
    std::array<Packet, 15> packets_{};
};

// The states that were reached, by a hash of 64 bits.
class Seen {
public:
    // False: it was there.
    bool insert(std::uint64_t key);
    std::size_t size() const { return size_; }

private:
    std::size_t size_ = 0;
    std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1U << 16U);
};

class Search {
public:
    explicit Search(const Model& model);
    Outcome run();

private:
    struct State {
        std::array<std::uint32_t, kNodes> history{};
        // What is under way, by sender and receiver.
        std::array<std::array<Lane, kNodes>, kNodes> lanes;
        std::uint8_t lost = kNodes;  // crashed
        std::uint8_t drains = kNodes;
        std::uint8_t committed = 0;  // bits of nodes, of the view after the crash
        std::uint8_t told = 0;       // may take over
    };
    struct Step {
        std::uint32_t node = 0;
        Input input;
        bool crash = false;
    };

    std::uint64_t key_of(const State& state) const;
    std::uint64_t key_of_link(const State& state, std::size_t from, std::size_t to) const;
    State beginning();
    std::vector<Step> steps_of(const State& state) const;
    void client_steps(const State& state, std::uint32_t node, std::vector<Step>& steps) const;
    void view_steps(const State& state, std::uint32_t node, std::vector<Step>& steps) const;
    State take(const State& state, const Step& step);
    void carry(State& state, std::uint32_t node) const;
    void crash(State& state, std::uint32_t node) const;

    bool alive(const State& state, std::size_t node) const { return state.lost != node; }
    const History& at(const State& state, std::size_t node) const {
        return (*histories_[node])[state.history[node]];
    }
    std::string breach_of(const State& before, const State& state, const Step& step) const;
    std::string conflict_in(const State& state) const;
    std::string token_breach(const State& before, const State& state, const Step& step) const;
    std::string stuck(const State& state) const;
    std::string copies_differ(const State& state) const;
    bool quiet(const State& state) const;
    bool crowded(const State& state) const;
    std::uint64_t key_of_next(const State& state, const std::vector<Step>& steps);
    std::string text_of(const Step& step) const;

    Model model_;
    std::vector<cluster::View> views_;
    Packets packets_;
    std::vector<std::unique_ptr<Histories>> histories_;
};

}  // namespace quorate::lockmgr::model
