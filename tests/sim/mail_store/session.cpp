#include "session.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::mail::store {

Session::Session(std::unique_ptr<View> view, const ModelMailbox& box)
    : view_(std::move(view)), shown_(box.messages), next_(box.uid_next) {
    keywords_ = view_->keywords().size();
    for (const auto& message : shown_) {
        told_[message.uid] = flags_of(message);
    }
}

void Session::changed_by_itself(Uid uid, const ModelMailbox& box) {
    if (const auto* message = box.find(uid)) {
        told_[uid] = flags_of(*message);
    }
}

std::string Session::sync(bool expunges, const ModelMailbox* box) {
    const auto changes = view_->sync(expunges);
    if (box == nullptr) {
        return view_->gone() ? "" : "the view of a deleted mailbox does not know it";
    }
    if (!expunges && !changes.expunged.empty()) {
        return "sync() reports expunges that it was asked to keep";
    }
    auto problem = apply_expunges(changes, *box);
    if (problem.empty() && expunges) {
        for (const auto& message : shown_) {
            if (box->find(message.uid) == nullptr) {
                return fmt::format("sync() does not report that uid {} was expunged", message.uid);
            }
        }
    }
    if (problem.empty()) {
        problem = apply_growth(changes, *box);
    }
    if (problem.empty()) {
        problem = apply_flags(changes, *box);
    }
    if (problem.empty() && (view_->keywords().size() > keywords_) != changes.keywords) {
        problem = "sync() and the list of keywords disagree";
    }
    keywords_ = view_->keywords().size();
    return problem;
}

std::string Session::apply_expunges(const View::Changes& changes, const ModelMailbox& box) {
    for (const auto position : changes.expunged) {
        if (position >= shown_.size()) {
            return fmt::format("sync() expunges position {} of {}", position, shown_.size());
        }
        const auto uid = shown_[position].uid;
        if (box.find(uid) != nullptr) {
            return fmt::format("sync() expunges uid {}, which is alive", uid);
        }
        shown_.erase(shown_.begin() + position);
        told_.erase(uid);
    }
    return {};
}

std::string Session::apply_growth(const View::Changes& changes, const ModelMailbox& box) {
    const auto before = shown_.size();
    for (const auto& message : box.messages) {
        if (message.uid >= next_) {
            shown_.push_back(message);
            told_[message.uid] = flags_of(message);
        }
    }
    next_ = box.uid_next;
    const bool grew = shown_.size() > before;
    if (changes.exists.has_value() != grew || (grew && *changes.exists != shown_.size())) {
        return fmt::format("sync() reports {} messages, should be {}",
                           changes.exists ? std::to_string(*changes.exists) : "no new",
                           shown_.size());
    }
    return {};
}

std::string Session::apply_flags(const View::Changes& changes, const ModelMailbox& box) {
    const std::set<std::uint32_t> reported(changes.flags.begin(), changes.flags.end());
    if (!reported.empty() && *reported.rbegin() >= shown_.size()) {
        return "sync() reports flags of a position that is not there";
    }
    for (std::uint32_t i = 0; i < shown_.size(); ++i) {
        const auto* now = box.find(shown_[i].uid);
        if (now == nullptr) {
            continue;
        }
        auto& told = told_[now->uid];
        if (told != flags_of(*now) && !reported.contains(i)) {
            return fmt::format("sync() does not report the new flags of uid {}", now->uid);
        }
        told = flags_of(*now);
    }
    return {};
}

std::string Session::check(Account& account, const ModelMailbox* box, Random& random) {
    if (view_->size() != shown_.size()) {
        return fmt::format("the view has {} messages, its session knows {}", view_->size(),
                           shown_.size());
    }
    std::optional<std::uint32_t> first_unseen;
    for (std::uint32_t i = 0; i < shown_.size(); ++i) {
        const auto& shown = view_->at(i);
        const auto* now = box != nullptr ? box->find(shown_[i].uid) : nullptr;
        if (shown.uid != shown_[i].uid || view_->expunged(i) != (now == nullptr) ||
            view_->lower_bound(shown.uid) != i) {
            return fmt::format("position {} shows uid {}{}, should be {}", i, shown.uid,
                               view_->expunged(i) ? " as expunged" : "", shown_[i].uid);
        }
        if (!first_unseen && (shown.flags & kSeen) == 0) {
            first_unseen = i;
        }
    }
    if (view_->first_unseen() != first_unseen) {
        return "the first unseen message is another";
    }
    if (shown_.empty()) {
        return {};
    }
    const auto i = static_cast<std::uint32_t>(random.below(shown_.size()));
    const auto* now = box != nullptr ? box->find(shown_[i].uid) : nullptr;
    if (now != nullptr) {
        return difference(account, *view_, i, *now);
    }
    const auto read = read_message(account, *view_, i);
    if (!read) {
        return fmt::format("uid {}, expunged elsewhere: {}", shown_[i].uid,
                           read.error().to_string());
    }
    return *read->text == *shown_[i].text ? "" : "the text of an expunged message is another";
}

}  // namespace quorate::mail::store
