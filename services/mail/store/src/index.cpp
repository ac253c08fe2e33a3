#include "index.hpp"

#include <algorithm>
#include <iterator>

#include "base/text.hpp"
#include "view.hpp"

namespace quorate::mail::store {

std::uint32_t Index::lower_bound(Uid uid) const {
    const auto at =
        std::lower_bound(messages.begin(), messages.end(), uid,
                         [](const Message& message, Uid wanted) { return message.uid < wanted; });
    return static_cast<std::uint32_t>(at - messages.begin());
}

std::optional<std::uint32_t> Index::find(Uid uid) const {
    const auto at = lower_bound(uid);
    if (at == messages.size() || messages[at].uid != uid) {
        return std::nullopt;
    }
    return at;
}

bool Index::is_dead(std::uint32_t at) const {
    return !dead.empty() && std::binary_search(dead.begin(), dead.end(), at);
}

void Index::kill(std::span<const std::uint32_t> ascending) {
    std::vector<std::uint32_t> merged;
    merged.reserve(dead.size() + ascending.size());
    std::set_union(dead.begin(), dead.end(), ascending.begin(), ascending.end(),
                   std::back_inserter(merged));
    dead = std::move(merged);
}

void Index::purge() {
    seen_before_ -= static_cast<std::uint32_t>(
        std::lower_bound(dead.begin(), dead.end(), seen_before_) - dead.begin());
    auto next = dead.begin();
    std::uint32_t kept = 0;
    for (std::uint32_t at = 0; at < messages.size(); ++at) {
        if (next != dead.end() && *next == at) {
            ++next;
        } else {
            messages[kept++] = messages[at];
        }
    }
    messages.resize(kept);
    dead.clear();
    dead.shrink_to_fit();
}

std::uint32_t Index::next_unseen(std::uint32_t from, std::uint32_t end) {
    const auto is_seen = [this](std::uint32_t at) { return (messages[at].flags & kSeen) != 0; };
    while (seen_before_ < messages.size() && is_seen(seen_before_)) {
        ++seen_before_;
    }
    for (from = std::max(from, seen_before_); from < end && is_seen(from); ++from) {
    }
    return std::min(from, end);
}

void Mailbox::purge_index() {
    if (!index || index->dead.empty()) {
        return;
    }
    if (std::all_of(views.begin(), views.end(),
                    [](const ViewImpl* view) { return view->hides_all_dead(); })) {
        for (auto* view : views) {
            view->before_purge();
        }
        index->purge();
    }
}

std::optional<unsigned> Mailbox::keyword_bit(std::string_view keyword) const {
    for (unsigned i = 0; i < keywords.size(); ++i) {
        if (iequals(keywords[i], keyword)) {
            return kFirstKeyword + i;
        }
    }
    return std::nullopt;
}

}  // namespace quorate::mail::store
