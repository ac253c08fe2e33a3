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
        if (!frozen) {
            consider_move(index);
        }
    }
    next_scan = watched.empty() ? 0 : ms() + kWindow;
}

// OpenVMS's rule of cost and benefit, with a share that excludes nodes that use it alike, and a
// residence that doubles with every move.
void LockManager::Impl::consider_move(std::uint32_t index) {
    auto& tree = store.trees[index];
    auto& state = *tree.more;
    if (!complete || anybody_pending() || moving(tree) || tree.locks > options.move_locks_max ||
        moves.size() >= kMovesAtOnce) {
        return;
    }
    if (ms() - state.arrived > kCalm) {
        state.moves = 0;
    }
    const Activity* best = nullptr;
    std::uint32_t own = 0;
    std::uint64_t total = 0;
    for (const auto& one : state.activity) {
        total += one.average;
        const auto& party = parties[one.party];
        if (one.party == kSelf) {
            own = one.average;
        } else if (party.member && (party.weight != 0 || parties[kSelf].weight == 0) &&
                   (best == nullptr || one.average > best->average)) {
            best = &one;
        }
    }
    const bool alone = best != nullptr && own == 0 && best->average == total;
    const bool leads = best != nullptr && best->average * 10ULL > total * 6 &&
                       best->average >= own + kLead * kSixteenths &&
                       best->average - own > tree.locks;
    if (!leads && !alone) {
        state.streak = 0;
        return;
    }
    state.streak = state.candidate == best->party ? static_cast<std::uint8_t>(state.streak + 1) : 1;
    state.candidate = best->party;
    const bool settled = ms() - state.arrived >= options.residence.count() << state.moves;
    if ((alone || state.streak >= kStreak) && settled) {
        state.streak = 0;
        start_move(index, best->party);
    }
}

}  // namespace quorate::lockmgr
