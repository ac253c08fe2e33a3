#include "disk_model.hpp"

#include <algorithm>

namespace quorate::shadowing::simulator {

void Disk::power_off() {
    on_ = false;
    sessions_.clear();
    for (const auto lbn : dirty_) {
        auto& block = data_[lbn];
        if (random_.one_in(2)) {
            block.durable = block.seen;
        }
        block.seen = block.durable;
    }
    dirty_.clear();
    ++meta_changes_;
    for (auto& meta : meta_) {
        if (meta.dirty) {
            // Sectors of 512 octets, each by itself.
            const bool whole = !random_.one_in(3);
            const bool kept = random_.one_in(2);
            for (std::size_t at = 0; at < meta.seen.size(); at += 512) {
                if (whole ? kept : random_.one_in(2)) {
                    meta.durable.replace(at, 512, meta.seen, at, 512);
                }
            }
            meta.seen = meta.durable;
            meta.dirty = false;
        }
    }
}

void Disk::power_on() {
    on_ = true;
    life_ = random_.next();
}

Outcome Disk::admit(Opener opener, std::uint64_t closings_then, bool opens) {
    if (!on_ || closings(opener) != closings_then) {
        return Outcome::kFailed;
    }
    if (fenced_.contains(opener)) {
        return Outcome::kRefused;
    }
    if (opens) {
        sessions_[opener] = life_;
        return Outcome::kOk;
    }
    const auto it = sessions_.find(opener);
    return it != sessions_.end() && it->second == life_ ? Outcome::kOk : Outcome::kFailed;
}

void Disk::write(std::uint64_t lbn, std::uint64_t value) {
    data_[lbn].seen = value;
    dirty_.insert(lbn);
    bad_.erase(lbn);
}

void Disk::flush() {
    if (!lies_) {
        for (const auto lbn : dirty_) {
            data_[lbn].durable = data_[lbn].seen;
        }
        dirty_.clear();
    }
    sync_meta();
}

void Disk::flush(const Extent& extent) {
    for (auto lbn = extent.lbn; lbn < extent.end() && !lies_; ++lbn) {
        data_[lbn].durable = data_[lbn].seen;
        dirty_.erase(lbn);
    }
}

void Disk::sync_meta() {
    for (auto& meta : meta_) {
        if (meta.dirty) {
            meta.durable = meta.seen;
            meta.dirty = false;
            ++meta_changes_;
        }
    }
}

bool Disk::is_unreadable(const Extent& extent) const {
    const auto it = bad_.lower_bound(extent.lbn);
    return it != bad_.end() && *it < extent.end();
}

void Disk::clear_log() {
    for (auto at = kLabels; at < meta_.size(); ++at) {
        set_meta(at, std::string(kIntentOctets, '\0'));
    }
}

}  // namespace quorate::shadowing::simulator
