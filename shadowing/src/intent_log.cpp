#include "shadowing/intent_log.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "mutation.hpp"

namespace quorate::shadowing {

IntentLog::IntentLog(IntentOptions options, const std::optional<IntentBlock>& last)
    : options_(options) {
    QUORATE_ASSERT(options_.hot_max >= 1 && options_.hot_max <= kMaxHotRegions);
    if (last) {
        block_ = *last;
    }
    block_.set = options.set;
    block_.slot = options.slot;
    block_.opener = options.opener;
    block_.region_shift = options.region_shift;
}

void IntentLog::keep_changes(std::uint64_t since, std::uint64_t set_blocks) {
    options_.set_blocks = set_blocks;
    const auto shift = changed_shift_for(set_blocks, options_.region_shift);
    if (block_.changes_since != since || (since != 0 && shift > block_.changed_shift)) {
        begin_changes(block_, since, shift);
        refresh_ = true;
    }
}

// What a member that is away lacks stands in the log or in the map.
void IntentLog::leave_out(std::uint32_t region) {
    if (block_.changes_since != 0 && !mutated("forget_changes")) {
        mark_changed(block_, region);
    }
}

std::pair<std::uint32_t, std::uint32_t> IntentLog::span(Extent extent) const {
    QUORATE_ASSERT(extent.blocks > 0);
    return {static_cast<std::uint32_t>(extent.lbn >> options_.region_shift),
            static_cast<std::uint32_t>((extent.end() - 1) >> options_.region_shift)};
}

bool IntentLog::fits(Extent extent) const {
    const auto [first, last] = span(extent);
    std::size_t more = 0;
    for (auto region = first; region <= last; ++region) {
        const auto it = regions_.find(region);
        more += it == regions_.end() || it->second.writes == 0 ? 1 : 0;
    }
    QUORATE_ASSERT(last - first < options_.hot_max);
    return busy_ + more <= options_.hot_max;
}

void IntentLog::admit(const Waiting& write) {
    const auto [first, last] = span(write.extent);
    for (auto region = first; region <= last; ++region) {
        const auto [it, is_new] = regions_.try_emplace(region);
        wanted_ += is_new ? 1 : 0;
        busy_ += it->second.writes++ == 0 ? 1 : 0;
    }
}

bool IntentLog::is_hot(Extent extent) const {
    const auto [first, last] = span(extent);
    for (auto region = first; region <= last; ++region) {
        if (regions_.at(region).state != State::kHot) {
            return false;
        }
    }
    return true;
}

bool IntentLog::begin(Ticket ticket, Extent extent) {
    QUORATE_ASSERT(!closing_);
    const Waiting write{ticket, extent};
    if (!waiting_.empty() || !fits(extent)) {
        waiting_.push_back(write);
        return false;
    }
    admit(write);
    if (is_hot(extent) || mutated("data_before_intent")) {
        return true;
    }
    for_durable_.push_back(write);
    return false;
}

void IntentLog::end(BootTime now, Extent extent) {
    ++ended_;
    const auto [first, last] = span(extent);
    for (auto number = first; number <= last; ++number) {
        auto& region = regions_.at(number);
        region.last_ended = ended_;
        region.idle_since = now;
        if (--region.writes == 0) {
            --busy_;
            const auto at = closing_ ? BootTime::min() : now + options_.clear_after;
            check_at_ = check_at_ ? std::min(*check_at_, at) : at;
        }
    }
    admit_waiting();
}

void IntentLog::admit_waiting() {
    while (!waiting_.empty() && fits(waiting_.front().extent)) {
        const auto write = waiting_.front();
        waiting_.pop_front();
        admit(write);
        if (is_hot(write.extent)) {
            ready_.push_back(write.ticket);
        } else {
            for_durable_.push_back(write);
        }
    }
}

bool IntentLog::is_idle(BootTime now, const Region& region) const {
    return closing_ || now - region.idle_since >= options_.clear_after;
}

// Leaves out what was not used for longest until the rest fits. False: a flush is needed first.
bool IntentLog::make_room() {
    auto surplus_left = surplus();
    if (surplus_left == 0) {
        return true;
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> candidates;
    for (const auto& [number, region] : regions_) {
        if (is_clean(region) || (region.writes == 0 && mutated("clear_without_flush"))) {
            candidates.emplace_back(region.last_ended, number);
        }
    }
    if (candidates.size() < surplus_left) {
        return false;
    }
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(surplus_left);
    std::nth_element(candidates.begin(), end - 1, candidates.end());
    std::for_each(candidates.begin(), end, [&](const auto& one) {
        leave_out(one.second);
        regions_.erase(one.second);
    });
    return true;
}

bool IntentLog::leave_out_idle(BootTime now) {
    const auto before = regions_.size();
    idle_unflushed_ = false;
    check_at_.reset();
    for (auto it = regions_.begin(); it != regions_.end();) {
        const auto& region = it->second;
        if (region.writes != 0) {
            ++it;
        } else if (!is_idle(now, region)) {
            const auto at = region.idle_since + options_.clear_after;
            check_at_ = check_at_ ? std::min(*check_at_, at) : at;
            ++it;
        } else if (is_clean(region) || mutated("clear_without_flush")) {
            leave_out(it->first);
            it = regions_.erase(it);
        } else {
            idle_unflushed_ = true;
            ++it;
        }
    }
    return regions_.size() != before;
}

void IntentLog::close() {
    closing_ = true;
    check_at_ = BootTime::min();
}

std::optional<IntentBlock> IntentLog::next(BootTime now, std::uint64_t epoch) {
    if (under_way_) {
        return std::nullopt;
    }
    // A new member cannot wait for the flush that would make room: it may be what the flush needs.
    const bool room = make_room();
    const bool left_out = room && (check_at_ && *check_at_ <= now) && leave_out_idle(now);
    const bool enters = room && wanted_ > 0;
    if (!left_out && !enters && !refresh_) {
        return std::nullopt;
    }
    ++block_.sequence;
    block_.epoch = epoch;
    block_.regions.clear();
    auto block = block_;
    for (auto& [number, region] : regions_) {
        if (region.state == State::kWanted && !room) {
            continue;
        }
        if (!mutated("clear_in_flight") || region.state != State::kHot) {
            block.regions.push_back(number);
        }
        if (region.state == State::kWanted) {
            region.state = State::kEntering;
            --wanted_;
        }
    }
    under_way_ = true;
    ++blocks_;
    refresh_ = false;
    return block;
}

void IntentLog::written() {
    QUORATE_ASSERT(under_way_);
    under_way_ = false;
    for (auto& [number, region] : regions_) {
        if (region.state == State::kEntering) {
            region.state = State::kHot;
        }
    }
    std::erase_if(for_durable_, [&](const Waiting& write) {
        if (!is_hot(write.extent)) {
            return false;
        }
        ready_.push_back(write.ticket);
        return true;
    });
}

void IntentLog::refresh() { refresh_ = true; }

void IntentLog::flushed(std::uint64_t mark) {
    covered_ = std::max(covered_, mark);
    if (idle_unflushed_) {
        check_at_ = BootTime::min();
    }
}

bool IntentLog::wants_flush() const {
    if (idle_unflushed_ || surplus() == 0) {
        return idle_unflushed_;
    }
    const auto clean =
        std::ranges::count_if(regions_, [&](const auto& entry) { return is_clean(entry.second); });
    return static_cast<std::size_t>(clean) < surplus();
}

}  // namespace quorate::shadowing
