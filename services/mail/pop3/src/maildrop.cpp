#include "maildrop.hpp"

#include <fmt/core.h>

#include "base/assert.hpp"

namespace quorate::mail::pop3 {

void Maildrop::open(MaildropOpened opened) {
    uid_validity_ = opened.uid_validity;
    items_ = std::move(opened.messages);
    unmark_all();
}

const MaildropOpened::Item* Maildrop::find(std::uint64_t number) const {
    if (number == 0 || number > items_.size() || deleted_[number - 1]) {
        return nullptr;
    }
    return &items_[number - 1];
}

void Maildrop::mark_deleted(std::uint64_t number) {
    const auto* item = find(number);
    QUORATE_ASSERT(item != nullptr);
    octets_ -= item->size;
    deleted_[number - 1] = true;
    ++deleted_count_;
}

void Maildrop::unmark_all() {
    deleted_.assign(items_.size(), false);
    deleted_count_ = 0;
    octets_ = 0;
    for (const auto& item : items_) {
        octets_ += item.size;
    }
}

std::vector<store::Uid> Maildrop::deleted() const {
    std::vector<store::Uid> uids;
    uids.reserve(deleted_count_);
    for (std::size_t i = 0; i < items_.size(); ++i) {
        if (deleted_[i]) {
            uids.push_back(items_[i].uid);
        }
    }
    return uids;
}

std::string Maildrop::total() const {
    return fmt::format("{} message{} ({} octets)", count(), count() == 1 ? "" : "s", octets_);
}

std::string Maildrop::scan_listing(std::uint64_t number) const {
    return fmt::format("{} {}", number, items_[number - 1].size);
}

std::string Maildrop::unique_id_listing(std::uint64_t number) const {
    return fmt::format("{} {}.{}", number, uid_validity_, items_[number - 1].uid);
}

std::string Maildrop::scan_listings() const {
    std::string lines;
    for (std::uint64_t number = 1; number <= items_.size(); ++number) {
        if (!deleted_[number - 1]) {
            lines += scan_listing(number) + "\r\n";
        }
    }
    return lines;
}

std::string Maildrop::unique_id_listings() const {
    std::string lines;
    for (std::uint64_t number = 1; number <= items_.size(); ++number) {
        if (!deleted_[number - 1]) {
            lines += unique_id_listing(number) + "\r\n";
        }
    }
    return lines;
}

}  // namespace quorate::mail::pop3
