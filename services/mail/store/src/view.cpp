#include "view.hpp"

#include <algorithm>
#include <iterator>

#include "account_impl.hpp"

namespace quorate::mail::store {

ViewImpl::ViewImpl(std::shared_ptr<AccountImpl> account, std::shared_ptr<Mailbox> box,
                   bool read_only, std::function<void()> on_change)
    : account_(std::move(account)),
      box_(std::move(box)),
      on_change_(std::move(on_change)),
      end_(static_cast<std::uint32_t>(box_->index->messages.size())),
      keywords_seen_(static_cast<std::uint32_t>(box_->keywords.size())),
      read_only_(read_only) {
    hidden_ = box_->index->dead;
    box_->views.push_back(this);
    claim_recent(1);
    recent_count_ = count_recent();
}

ViewImpl::~ViewImpl() { account_->view_closed(*box_, this); }

std::uint32_t ViewImpl::lower_bound(Uid uid) const {
    return position_of(std::min(box_->index->lower_bound(uid), end_));
}

// hidden_[k] hides one index at or below the k-th following visible one: the number hidden before
// a position is the first k with hidden_[k] - k > position.
std::uint32_t ViewImpl::index_of(std::uint32_t position) const {
    std::uint32_t low = 0;
    auto high = static_cast<std::uint32_t>(hidden_.size());
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        if (hidden_[middle] - middle > position) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return position + low;
}

std::uint32_t ViewImpl::position_of(std::uint32_t index) const {
    if (hidden_.empty()) {
        return index;
    }
    const auto before = std::lower_bound(hidden_.begin(), hidden_.end(), index);
    return index - static_cast<std::uint32_t>(before - hidden_.begin());
}

bool ViewImpl::is_recent(Uid uid) const {
    return std::any_of(recent_.begin(), recent_.end(), [uid](const UidRange& range) {
        return range.first <= uid && uid <= range.last;
    });
}

std::optional<std::uint32_t> ViewImpl::first_unseen() const {
    for (std::uint32_t from = 0;; ++from) {
        from = box_->index->next_unseen(from, end_);
        if (from == end_) {
            return std::nullopt;
        }
        if (!std::binary_search(hidden_.begin(), hidden_.end(), from)) {
            return position_of(from);
        }
    }
}

bool ViewImpl::recent(std::uint32_t position) const { return is_recent(at(position).uid); }

// The first session that may change the mailbox takes what is recent; others see it as recent too
// until then.
void ViewImpl::claim_recent(Uid first) {
    first = std::max(first, box_->recent_from);
    const Uid last = box_->counters.uid_next - 1;
    if (first > last) {
        return;
    }
    if (!recent_.empty() && recent_.back().last + 1 == first) {
        recent_.back().last = last;
    } else {
        recent_.push_back({first, last});
    }
    if (!read_only_) {
        box_->recent_from = last + 1;
        account_->recent_claimed(*box_);
    }
}

std::uint32_t ViewImpl::count_recent() const {
    std::uint32_t count = 0;
    for (const auto& range : recent_) {
        const auto& index = *box_->index;
        for (auto at = index.lower_bound(range.first);
             at < end_ && index.messages[at].uid <= range.last; ++at) {
            count += std::binary_search(hidden_.begin(), hidden_.end(), at) ? 0 : 1;
        }
    }
    return count;
}

void ViewImpl::touch(std::span<const Uid> uids) {
    touched_.insert(touched_.end(), uids.begin(), uids.end());
    if (touched_.size() > 2 * static_cast<std::size_t>(end_) + 64) {
        std::sort(touched_.begin(), touched_.end());
        touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    }
}

void ViewImpl::notify() {
    mark_changed();
    if (on_change_) {
        on_change_();
    }
}

bool ViewImpl::hides_all_dead() const {
    const auto& dead = box_->index->dead;
    const auto shown = std::lower_bound(dead.begin(), dead.end(), end_) - dead.begin();
    return hidden_.size() == static_cast<std::size_t>(shown);
}

void ViewImpl::before_purge() {
    end_ -= static_cast<std::uint32_t>(hidden_.size());
    hidden_.clear();
    hidden_.shrink_to_fit();
}

View::Changes ViewImpl::sync(bool expunges) {
    Changes changes;
    if (!has_changes()) {
        return changes;
    }
    const auto lock = account_->lock();
    if (box_->gone) {
        changed_.store(false, std::memory_order_relaxed);
        return changes;  // shows for ever what it showed
    }
    changed_.store(false, std::memory_order_relaxed);
    if (expunges) {
        report_expunges(changes);
    }
    const auto old_end = end_;
    grow(changes);
    report_flags(changes, old_end);
    if (box_->keywords.size() > keywords_seen_) {
        keywords_seen_ = static_cast<std::uint32_t>(box_->keywords.size());
        changes.keywords = true;
    }
    if (changes.exists || !changes.expunged.empty()) {
        if (const auto count = count_recent(); count != recent_count_) {
            recent_count_ = count;
            changes.recent = count;
        }
    }
    if (!hides_all_dead()) {
        mark_changed();
    }
    box_->purge_index();
    return changes;
}

void ViewImpl::report_expunges(Changes& changes) {
    std::vector<std::uint32_t> news;
    const auto& dead = box_->index->dead;
    const auto shown = std::lower_bound(dead.begin(), dead.end(), end_);
    std::set_difference(dead.begin(), shown, hidden_.begin(), hidden_.end(),
                        std::back_inserter(news));
    changes.expunged.reserve(news.size());
    for (std::uint32_t i = 0; i < news.size(); ++i) {
        changes.expunged.push_back(position_of(news[i]) - i);
    }
    hidden_.assign(dead.begin(), shown);
}

// What came and went before this view saw it is never shown.
void ViewImpl::grow(Changes& changes) {
    const auto& index = *box_->index;
    const auto old_end = end_;
    const auto old_size = size();
    end_ = static_cast<std::uint32_t>(index.messages.size());
    if (end_ == old_end) {
        return;
    }
    hidden_.insert(hidden_.end(), std::lower_bound(index.dead.begin(), index.dead.end(), old_end),
                   index.dead.end());
    claim_recent(index.messages[old_end].uid);
    if (size() > old_size) {
        changes.exists = size();
    }
}

void ViewImpl::report_flags(Changes& changes, std::uint32_t old_end) {
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const auto uid : touched_) {
        const auto at = box_->index->find(uid);
        if (at && *at < old_end && !box_->index->is_dead(*at)) {
            changes.flags.push_back(position_of(*at));
        }
    }
    touched_.clear();
    touched_.shrink_to_fit();
}

}  // namespace quorate::mail::store
