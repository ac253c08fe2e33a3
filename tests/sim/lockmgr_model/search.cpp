#include "search.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "message_text.hpp"
#include "table.hpp"

namespace quorate::lockmgr::model {
namespace {

using Kind = Input::Kind;

cluster::View view_without(std::size_t lost) {
    cluster::View view;
    view.epoch = cluster::Epoch(lost == kNodes ? 1 : 2);
    view.quorate = true;
    for (std::uint32_t node = 0; node < kNodes; ++node) {
        const cluster::MemberId life{NodeId(node + 1), cluster::Incarnation(node + 11)};
        if (node == lost) {
            view.lost.push_back(life);
            continue;
        }
        view.members.emplace_back().id = life;
        view.members.back().directory_weight = 1;
    }
    view.coordinator = view.members.front().id.node;
    return view;
}

std::uint8_t bit(std::size_t node) { return static_cast<std::uint8_t>(1U << node); }

}  // namespace

bool Seen::insert(std::uint64_t key) {
    key = key != 0 ? key : 1;
    auto at = key & (slots_.size() - 1);
    while (slots_[at] != 0) {
        if (slots_[at] == key) {
            return false;
        }
        at = (at + 1) & (slots_.size() - 1);
    }
    slots_[at] = key;
    if (++size_ * 3 > slots_.size() * 2) {
        const auto old = std::exchange(slots_, std::vector<std::uint64_t>(slots_.size() * 2));
        size_ = 0;
        for (const auto one : old) {
            if (one != 0) {
                insert(one);
            }
        }
    }
    return true;
}

Search::Search(const Model& model) : model_(model) {
    views_.push_back(view_without(kNodes));
    for (std::size_t lost = 0; lost < kNodes; ++lost) {
        views_.push_back(view_without(lost));
    }
    for (std::uint32_t node = 0; node < kNodes; ++node) {
        histories_.push_back(
            std::make_unique<Histories>(node, model_.modes[node], views_, packets_));
    }
}

// What decides what the three can still come to.
std::uint64_t Search::key_of(const State& state) const {
    std::uint64_t hash = mix(1 + (state.lost | state.drains << 8U | state.committed << 16U |
                                  static_cast<std::uint64_t>(state.told) << 24U));
    const auto add = [&](std::uint64_t value) { hash = mix(hash ^ value) + 0x9e3779b97f4a7c15; };
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (alive(state, node)) {
            add(at(state, node).content);
            for (std::size_t to = 0; to < kNodes; ++to) {
                if (to != node && alive(state, to)) {
                    add(key_of_link(state, node, to));
                }
            }
        } else if (state.told == 0) {
            for (const auto& use : at(state, node).uses) {
                add(use.slot == Slot::kHeld ? 1 : 0);
            }
        }
    }
    // Tokens that a grant to come is compared with.
    std::array<bool, kModes> due{};
    for (std::size_t node = 0; node < kNodes; ++node) {
        for (std::size_t slot = 0; alive(state, node) && slot < model_.locks[node]; ++slot) {
            const auto is = at(state, node).uses[slot].slot;
            const bool open = is == Slot::kIdle || is == Slot::kAsked;
            due[index_of(model_.modes[node][slot])] =
                due[index_of(model_.modes[node][slot])] || open;
        }
    }
    for (std::size_t mode = 0; mode < kModes; ++mode) {
        std::uint64_t newest = 0;
        for (std::size_t node = 0; due[mode] && node < kNodes; ++node) {
            for (const auto& use : at(state, node).uses) {
                const bool granted = use.slot == Slot::kHeld || use.slot == Slot::kGivenUp;
                if (granted && !compatible(mode_of(mode), use.mode)) {
                    newest = std::max(newest, use.token);
                }
            }
        }
        add(newest);
    }
    return hash;
}

std::uint64_t Search::key_of_link(const State& state, std::size_t from, std::size_t to) const {
    std::uint64_t hash = 7;
    const auto& lane = state.lanes[from][to];
    for (std::size_t i = 0; i < lane.size(); ++i) {
        hash = mix(hash ^ packets_[lane[i].number].content ^ (lane[i].later ? 1 : 0)) + 1;
    }
    const auto& link = at(state, from).links[to];
    const auto missing = link.sent - at(state, to).links[from].received;
    QUORATE_ASSERT(missing <= link.count);
    return mix(hash ^ histories_[from]->content_of_last(link, missing));
}

// ---- steps

// All are members of a view and have spoken.
Search::State Search::beginning() {
    State state;
    for (std::uint32_t node = 0; node < kNodes; ++node) {
        state = take(state, {node, {Kind::kCommit, 0, 0}, false});
        state = take(state, {node, {Kind::kOpen, 0, 0}, false});
    }
    for (bool any = true; any;) {
        any = false;
        for (const auto& step : steps_of(state)) {
            if (!any && step.input.kind == Kind::kDeliver && !step.crash) {
                state = take(state, step);
                any = true;
            }
        }
    }
    return state;
}

void Search::client_steps(const State& state, std::uint32_t node, std::vector<Step>& steps) const {
    const auto& uses = at(state, node).uses;
    for (std::uint32_t slot = 0; slot < model_.locks[node]; ++slot) {
        const bool next = slot == 0 || uses[slot - 1].slot != Slot::kIdle;
        if (uses[slot].slot == Slot::kIdle && next && state.drains != node) {
            steps.push_back({node, {Kind::kAsk, 0, slot}, false});
        } else if (uses[slot].slot == Slot::kHeld && model_.gives_up) {
            steps.push_back({node, {Kind::kGiveUp, 0, slot}, false});
        }
    }
}

void Search::view_steps(const State& state, std::uint32_t node, std::vector<Step>& steps) const {
    if (state.lost == kNodes) {
        if (model_.may_crash[node]) {
            steps.push_back({node, {}, true});
        }
    } else if ((state.committed & bit(node)) == 0) {
        steps.push_back({node, {Kind::kCommit, 0, state.lost + 1U}, false});
    } else if ((state.told & bit(node)) == 0) {
        steps.push_back({node, {Kind::kTakeOver, state.lost, 0}, false});
    }
    if (state.drains == kNodes && model_.may_drain[node]) {
        steps.push_back({node, {Kind::kDrain, 0, 0}, false});
    }
}

std::vector<Search::Step> Search::steps_of(const State& state) const {
    std::vector<Step> steps;
    for (std::uint32_t node = 0; node < kNodes; ++node) {
        if (!alive(state, node)) {
            continue;
        }
        client_steps(state, node, steps);
        for (std::uint32_t from = 0; from < kNodes; ++from) {
            const auto& lane = state.lanes[from][node];
            // What a peer sent in the next view waits for this node to be in it.
            if (!lane.empty() && lane.front().later == ((state.committed & bit(node)) != 0)) {
                steps.push_back({node, {Kind::kDeliver, from, lane.front().number}, false});
            }
        }
        view_steps(state, node, steps);
    }
    return steps;
}

// What was sent in the view before to a node that has left it is lost.
void Search::carry(State& state, std::uint32_t node) const {
    const bool later = (state.committed & bit(node)) != 0;
    for (const auto& sent : at(state, node).sent) {
        if (alive(state, sent.to) && (later || (state.committed & bit(sent.to)) == 0)) {
            state.lanes[node][sent.to].push({sent.packet, later});
        }
    }
}

void Search::crash(State& state, std::uint32_t node) const {
    state.lost = static_cast<std::uint8_t>(node);
    for (std::size_t other = 0; other < kNodes; ++other) {
        state.lanes[node][other].clear();
        state.lanes[other][node].clear();
    }
}

Search::State Search::take(const State& before, const Step& step) {
    auto state = before;
    if (step.crash) {
        crash(state, step.node);
        return state;
    }
    switch (step.input.kind) {
        case Kind::kDeliver: {
            auto& lane = state.lanes[step.input.from][step.node];
            lane.pop();
            break;
        }
        case Kind::kCommit:
            if (step.input.what != 0) {
                state.committed |= bit(step.node);
                for (auto& from : state.lanes) {
                    from[step.node].drop_earlier();
                }
            }
            break;
        case Kind::kTakeOver:
            state.told |= bit(step.node);
            break;
        case Kind::kDrain:
            state.drains = static_cast<std::uint8_t>(step.node);
            break;
        case Kind::kAsk:
        case Kind::kGiveUp:
        case Kind::kOpen:
            break;
    }
    state.history[step.node] = histories_[step.node]->after(before.history[step.node], step.input);
    carry(state, step.node);
    return state;
}

// ---- what must hold

std::string Search::conflict_in(const State& state) const {
    struct Held {
        std::size_t node;
        LockMode mode;
    };
    std::vector<Held> held;
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (!alive(state, node) && state.told != 0) {
            continue;  // it may be taken over
        }
        for (const auto& use : at(state, node).uses) {
            if (use.slot != Slot::kHeld) {
                continue;
            }
            for (const auto& other : held) {
                if (!compatible(use.mode, other.mode)) {
                    return fmt::format("n{} holds {} beside n{} in {}", node + 1, name_of(use.mode),
                                       other.node + 1, name_of(other.mode));
                }
            }
            held.push_back({node, use.mode});
        }
    }
    return {};
}

// A grant has a greater token than those before it that it conflicts with.
std::string Search::token_breach(const State& before, const State& state, const Step& step) const {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        const auto& use = at(state, step.node).uses[slot];
        if (use.slot != Slot::kHeld || at(before, step.node).uses[slot].slot == Slot::kHeld) {
            continue;
        }
        for (std::size_t node = 0; node < kNodes; ++node) {
            for (const auto& other : at(before, node).uses) {
                const bool granted = other.slot == Slot::kHeld || other.slot == Slot::kGivenUp;
                if (granted && !compatible(use.mode, other.mode) && other.token >= use.token) {
                    return fmt::format("n{} gets token {:x} after n{} had {:x}", step.node + 1,
                                       use.token, node + 1, other.token);
                }
            }
        }
    }
    return {};
}

bool Search::quiet(const State& state) const {
    for (std::size_t from = 0; from < kNodes; ++from) {
        for (const auto& lane : state.lanes[from]) {
            if (!lane.empty()) {
                return false;
            }
        }
    }
    for (std::size_t node = 0; node < kNodes; ++node) {
        const bool due = state.lost != kNodes && alive(state, node);
        if (due && ((state.committed & bit(node)) == 0 || (state.told & bit(node)) == 0)) {
            return false;
        }
    }
    return true;
}

bool Search::crowded(const State& state) const {
    return std::ranges::any_of(state.lanes, [&](const auto& from) {
        return std::ranges::any_of(from,
                                   [&](const Lane& lane) { return lane.size() > model_.lane_max; });
    });
}

// Nothing is under way, and nobody holds anything: then nobody may wait.
std::string Search::stuck(const State& state) const {
    bool any_held = false;
    std::string waits;
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (!alive(state, node)) {
            continue;
        }
        for (const auto& use : at(state, node).uses) {
            any_held = any_held || use.slot == Slot::kHeld;
            if (use.slot == Slot::kAsked) {
                waits = fmt::format("n{} waits for {} although nobody holds anything", node + 1,
                                    name_of(use.mode));
            }
        }
    }
    return any_held ? std::string() : waits;
}

// Nothing is under way: each lock that its owner has is known to one master, as it is; no other is.
std::string Search::copies_differ(const State& state) const {
    std::size_t owned = 0;
    std::size_t known = 0;
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (!alive(state, node)) {
            continue;
        }
        for (const auto& use : at(state, node).uses) {
            owned += use.slot == Slot::kHeld || use.slot == Slot::kAsked ? 1U : 0U;
        }
        for (const auto& copy : at(state, node).copies) {
            const auto& uses = at(state, copy.node).uses;
            ++known;
            const bool found = std::ranges::any_of(uses, [&](const Use& use) {
                return copy.waits ? use.slot == Slot::kAsked
                                  : use.slot == Slot::kHeld && use.lock == copy.lock &&
                                        use.mode == copy.granted;
            });
            if (!found) {
                return fmt::format("n{} has a lock of n{} that it does not know", node + 1,
                                   copy.node + 1);
            }
        }
    }
    return owned == known ? std::string()
                          : fmt::format("{} locks, {} known to a master", owned, known);
}

std::string Search::breach_of(const State& before, const State& state, const Step& step) const {
    const auto& now = at(state, step.node);
    if (!now.breach.empty()) {
        return now.breach;
    }
    std::array<std::size_t, 2> masters{};
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (alive(state, node) && at(state, node).master) {
            ++masters[(state.committed & bit(node)) != 0 ? 1 : 0];
        }
    }
    if (masters[0] > 1 || masters[1] > 1) {
        return "two masters in one view";
    }
    auto breach = conflict_in(state);
    if (breach.empty() && !step.crash) {
        breach = token_breach(before, state, step);
    }
    if (breach.empty() && quiet(state)) {
        breach = stuck(state);
        breach = breach.empty() ? copies_differ(state) : breach;
    }
    return breach;
}

std::string Search::text_of(const Step& step) const {
    const auto node = step.node + 1;
    if (step.crash) {
        return fmt::format("n{} crashes", node);
    }
    switch (step.input.kind) {
        case Kind::kDeliver:
            return fmt::format("n{}->n{} {}", step.input.from + 1, node,
                               simulator::text_of_packet(packets_[step.input.what].bytes));
        case Kind::kAsk:
            return fmt::format("n{} asks for {}", node,
                               name_of(model_.modes[step.node][step.input.what]));
        case Kind::kGiveUp:
            return fmt::format("n{} gives up {}", node,
                               name_of(model_.modes[step.node][step.input.what]));
        case Kind::kCommit:
            return fmt::format("n{} is in the next view", node);
        case Kind::kTakeOver:
            return fmt::format("n{} may take over from n{}", node, step.input.from + 1);
        case Kind::kDrain:
            return fmt::format("n{} drains", node);
        case Kind::kOpen:
            break;
    }
    return {};
}

// ---- the search

// What can follow, whatever the order of the steps.
std::uint64_t Search::key_of_next(const State& state, const std::vector<Step>& steps) {
    std::uint64_t all = steps.size();
    for (const auto& step : steps) {
        const auto next = take(state, step);
        all += mix(key_of(next) + (breach_of(state, next, step).empty() ? 0 : 1));
    }
    return all;
}

Outcome Search::run() {
    struct Frame {
        State state;
        std::vector<Step> steps;
        std::size_t next = 0;
    };
    Outcome outcome;
    Seen seen;
    std::unordered_map<std::uint64_t, std::uint64_t> nexts;
    std::vector<Frame> way;
    const auto enter = [&](State state, std::uint64_t key) {
        auto steps = steps_of(state);
        outcome.ends += steps.empty() ? 1U : 0U;
        if (model_.compare) {
            nexts[key] = key_of_next(state, steps);
        }
        way.push_back({std::move(state), std::move(steps), 0});
        outcome.depth = std::max(outcome.depth, way.size());
    };
    const auto first = beginning();
    seen.insert(key_of(first));
    enter(first, key_of(first));
    while (!way.empty() && outcome.breach.empty()) {
        auto& frame = way.back();
        if (frame.next == frame.steps.size()) {
            way.pop_back();
            continue;
        }
        const auto step = frame.steps[frame.next++];
        ++outcome.steps;
        auto state = take(frame.state, step);
        outcome.breach = breach_of(frame.state, state, step);
        if (seen.size() >= model_.states_max) {
            outcome.complete = false;
            break;
        }
        const auto key = key_of(state);
        if (!outcome.breach.empty()) {
            break;
        }
        if (!seen.insert(key)) {
            if (model_.compare && nexts.contains(key) &&
                nexts[key] != key_of_next(state, steps_of(state))) {
                outcome.breach = "what follows is not what followed the same before";
            }
        } else if (crowded(state)) {
            ++outcome.cut;
        } else {
            enter(std::move(state), key);
        }
    }
    outcome.states = seen.size();
    for (const auto& frame : way) {
        if (!outcome.breach.empty()) {
            outcome.breach += "\n  " + text_of(frame.steps[frame.next - 1]);
        }
    }
    return outcome;
}

}  // namespace quorate::lockmgr::model
