#include "history.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace quorate::shadowing::simulator {

void History::widen(std::uint64_t lbn, std::uint64_t value) {
    blocks_[lbn].possible.insert(value);
    for (auto& [id, read] : reads_) {
        if (lbn >= read.extent.lbn && lbn < read.extent.end()) {
            read.allowed[lbn - read.extent.lbn].insert(value);
        }
    }
}

void History::write_begins(Opener opener, std::uint64_t id, Extent extent, std::uint64_t value) {
    auto& write = writes_[id];
    write = {opener, extent, value, losses_, {}};
    for (auto lbn = extent.lbn; lbn < extent.end(); ++lbn) {
        auto& block = blocks_[lbn];
        write.at.push_back(block.log.size());
        block.log.push_back(value);
        block.open.insert(opener);
        widen(lbn, value);
    }
}

void History::write_acknowledged(std::uint64_t id, bool durable) {
    const auto& write = writes_.at(id);
    ++acknowledged_;
    for (auto lbn = write.extent.lbn; lbn < write.extent.end(); ++lbn) {
        auto& block = blocks_[lbn];
        if (write.losses == losses_) {
            block.possible = {write.value};
        }
        if (write.losses == losses_) {
            block.acknowledged = write.at[lbn - write.extent.lbn];
        }
        if (durable) {
            block.durable = std::max(block.durable, block.acknowledged);
        }
        block.open.erase(write.opener);
        ++block.writes;
    }
    writes_.erase(id);
}

void History::read_begins(std::uint64_t id, Extent extent) {
    auto& read = reads_[id];
    read.extent = extent;
    read.losses = losses_;
    for (auto lbn = extent.lbn; lbn < extent.end(); ++lbn) {
        const auto& block = blocks_[lbn];
        read.allowed.push_back(block.possible);
        read.writes.push_back(block.writes);
    }
}

void History::read_ends(std::uint64_t id, const std::vector<std::uint64_t>& values) {
    const auto read = reads_.at(id);
    reads_.erase(id);
    for (std::size_t i = 0; i < values.size(); ++i) {
        ++checked_;
        const auto lbn = read.extent.lbn + i;
        auto& block = blocks_[lbn];
        if (!read.allowed[i].contains(values[i])) {
            breach_ = fmt::format("block {} read as {}, possible: {}", lbn, values[i],
                                  fmt::join(read.allowed[i], " "));
            return;
        }
        // Nobody writes there any more; if the last writer was lost meanwhile, what he left stays.
        const bool undisturbed = block.writes == read.writes[i] && read.losses == losses_;
        if (block.open.empty() && undisturbed && block.possible.contains(values[i])) {
            block.possible = {values[i]};
        }
    }
}

void History::flush_begins(std::uint64_t id) {
    auto& flush = flushes_[id];
    for (const auto& block : blocks_) {
        flush.push_back(block.acknowledged);
    }
}

void History::flush_acknowledged(std::uint64_t id) {
    const auto& flush = flushes_.at(id);
    for (std::size_t i = 0; i < flush.size(); ++i) {
        auto& block = blocks_[i];
        block.durable = std::max(block.durable, flush[i]);
        const std::set<std::uint64_t> left(
            block.log.begin() + static_cast<std::ptrdiff_t>(block.durable), block.log.end());
        std::erase_if(block.possible, [&](std::uint64_t value) { return !left.contains(value); });
    }
    flushes_.erase(id);
}

void History::opener_died(Opener opener) {
    std::erase_if(writes_, [&](const auto& entry) { return entry.second.opener == opener; });
}

void History::declared_lost(Opener opener) {
    for (auto& block : blocks_) {
        block.open.erase(opener);
    }
}

void History::caches_lost() {
    ++losses_;
    for (std::size_t lbn = 0; lbn < blocks_.size(); ++lbn) {
        auto& block = blocks_[lbn];
        for (auto i = block.durable; i < block.log.size(); ++i) {
            widen(lbn, block.log[i]);
        }
        block.acknowledged = block.durable;
    }
}

void History::write_refused(std::uint64_t id) {
    const auto it = writes_.find(id);
    if (it == writes_.end()) {
        return;
    }
    for (auto lbn = it->second.extent.lbn; lbn < it->second.extent.end(); ++lbn) {
        blocks_[lbn].open.erase(it->second.opener);
    }
    writes_.erase(it);
}

bool History::is_writing(Extent extent) const {
    return std::ranges::any_of(
        writes_, [&](const auto& entry) { return entry.second.extent.overlaps(extent); });
}

std::string History::possible(std::uint64_t lbn) const {
    return fmt::format("{}", fmt::join(blocks_[lbn].possible, " "));
}

}  // namespace quorate::shadowing::simulator
