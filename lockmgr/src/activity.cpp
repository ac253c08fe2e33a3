#include "manager.hpp"

// When a tree is to move: who uses it how much, window by window (dlm.md has OpenVMS's rule).
namespace quorate::lockmgr {
namespace {

constexpr std::int64_t kWindow = 1000;  // milliseconds
constexpr std::size_t kMovesAtOnce = 5;
constexpr std::uint32_t kSixteenths = 16;
constexpr std::uint32_t kLead = 10;     // operations per window
constexpr std::uint8_t kStreak = 3;     // windows
constexpr std::int64_t kCalm = 60'000;  // after which former moves are forgotten
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kNextFew = 100;  // milliseconds, until other trees may begin to move
constexpr std::size_t kNotedAtOnce = 2000;
constexpr std::size_t kNotedMax = 1'000'000;

}  // namespace

void LockManager::Impl::watch(std::uint32_t tree) {
    if (!std::exchange(more(store.trees[tree]).watched, true)) {
        watched.push_back(tree);
        next_scan = next_scan != 0 ? next_scan : ms() + kWindow;
    }
}

void LockManager::Impl::scan_activity() {
    for (const auto index : std::exchange(watched, {})) {
        auto& tree = store.trees[index];
        if (tree.root == 0 || !tree.more) {
            continue;
        }
        auto& activity = tree.more->activity;
        for (auto& one : activity) {
            one.average += 2 * std::exchange(one.count, 0) - one.average / 8;
        }
        const bool quiet = std::ranges::all_of(
            activity, [](const Activity& one) { return one.average < kSixteenths / 2; });
        if (tree.state != TreeState::kLocal || quiet) {
            activity.clear();
            tree.more->watched = false;
            continue;
        }
        watched.push_back(index);
        consider_move(index);
    }
    next_scan = watched.empty() ? 0 : ms() + kWindow;
}

bool LockManager::Impl::may_move(const Tree& tree) const {
    return complete && !frozen && !anybody_pending() && !moving(tree) &&
           tree.locks <= options.move_locks_max && moves.size() < kMovesAtOnce;
}

bool LockManager::Impl::may_master(std::uint32_t index) const {
    const auto& party = parties[index];
    return index != kSelf && party.member && (party.weight != 0 || parties[kSelf].weight == 0);
}

// For how long it stays where it is doubles with every move.
bool LockManager::Impl::settled(const MasterState& state) const {
    return ms() - state.arrived >= options.residence.count() << state.moves;
}

// OpenVMS's rules: a user of greater weight gets the tree, of users of the same weight the one that
// uses it much more than this node, by cost and benefit, with a share that excludes nodes that use
// it alike; who uses it alone gets it from nodes of any weight.
void LockManager::Impl::consider_move(std::uint32_t index) {
    auto& tree = store.trees[index];
    auto& state = *tree.more;
    if (!may_move(tree)) {
        return;
    }
    if (ms() - state.arrived > kCalm) {
        state.moves = 0;
    }
    const auto weight_of = [&](const Activity& one) { return parties[one.party].weight; };
    const Activity* best = nullptr;
    std::uint32_t own = 0;
    std::uint64_t total = 0;
    for (const auto& one : state.activity) {
        total += one.average;
        if (one.party == kSelf) {
            own = one.average;
        } else if (may_master(one.party) &&
                   (best == nullptr || std::pair(weight_of(one), one.average) >
                                           std::pair(weight_of(*best), best->average))) {
            best = &one;
        }
    }
    if (best == nullptr) {
        state.streak = 0;
        return;
    }
    const auto own_weight = parties[kSelf].weight;
    const bool alone = own == 0 && best->average == total;
    const bool heavier = weight_of(*best) > own_weight && best->average != 0;
    const bool leads = weight_of(*best) == own_weight && best->average * 10ULL > total * 6 &&
                       best->average >= own + kLead * kSixteenths &&
                       best->average - own > tree.locks;
    if (!leads && !alone && !heavier) {
        state.streak = 0;
        return;
    }
    state.streak = state.candidate == best->party ? static_cast<std::uint8_t>(state.streak + 1) : 1;
    state.candidate = best->party;
    if ((alone || state.streak >= kStreak) && settled(state)) {
        state.streak = 0;
        start_move(index, best->party);
    }
}

// ---- each minute: what one other node uses alone, however seldom, moves there

void LockManager::Impl::note_user(std::uint32_t index, std::uint32_t party) {
    auto& state = more(store.trees[index]);
    if (state.noted) {
        state.shared = state.shared || state.user != party;
    } else if (noted.size() < kNotedMax) {
        noted.push_back(index);
        state.noted = true;
        state.user = party;
        state.shared = false;
        next_users = next_users != 0 ? next_users : ms() + kMinute;
    }
}

// Some trees at a time, and some moves.
void LockManager::Impl::scan_users() {
    for (auto left = kNotedAtOnce; left != 0 && !noted.empty(); --left) {
        const auto index = noted.back();
        auto& tree = store.trees[index];
        const bool here =
            tree.root != 0 && tree.more && tree.state == TreeState::kLocal && !tree.idle;
        if (here && moves.size() >= kMovesAtOnce && !frozen) {
            next_users = ms() + kNextFew;
            return;
        }
        noted.pop_back();
        if (tree.root == 0 || !tree.more) {
            continue;
        }
        auto& state = *tree.more;
        state.noted = false;
        if (here && may_move(tree) && !state.shared && may_master(state.user) && settled(state)) {
            start_move(index, state.user);
        }
    }
    next_users = noted.empty() ? 0 : ms() + 1;
}

}  // namespace quorate::lockmgr
