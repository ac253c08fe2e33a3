#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// The disks that nodes use, and their replacement as `quorumctl replace` does it: each step is
// taken when all nodes' pages, as one of them reads them, say that they took the one before.
namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
// More are never in use at once; so a number soon belongs to another disk.
constexpr std::size_t kNumbers = 4;

Uuid disk_uuid(std::size_t disk) { return {0xd, disk}; }
DiskNumber number_of(std::size_t disk) {
    return DiskNumber(static_cast<std::uint8_t>(disk % kNumbers));
}
}  // namespace

void World::format_disk() {
    const auto disk = disks_.size();
    Header header;
    header.cluster = kCluster;
    header.disk = disk_uuid(disk);
    header.index = static_cast<std::uint8_t>(disk % scenario_.disks);
    header.count = static_cast<std::uint8_t>(scenario_.disks);
    header.timing = scenario_.timing;
    disks_.push_back(std::make_unique<Disk>(events_, random_, header, scenario_.nodes,
                                            [this](std::size_t node, VoterInput input) {
                                                feed(node, Channel::kDisk, std::move(input));
                                            }));
}

UseDisks World::use_of(const Used& used) const {
    UseDisks use;
    use.step = used.step;
    for (const auto disk : used.current) {
        use.current.push_back({number_of(disk), disk_uuid(disk)});
    }
    for (const auto disk : used.next) {
        use.next.push_back({number_of(disk), disk_uuid(disk)});
    }
    return use;
}

Disk& World::disk_of(std::size_t node, DiskNumber number) {
    const auto& used = hosts_[node].used;
    auto found = used.current.front();
    for (const auto* list : {&used.current, &used.next}) {
        for (const auto disk : *list) {
            found = number_of(disk) == number ? disk : found;
        }
    }
    return *disks_[found];
}

void World::replace_later() {
    events_.after(between(replacements_, milliseconds(200), seconds(3)), [this] {
        if (!healed_) {
            if (const auto asker = replacements_.below(hosts_.size()); all_there(asker)) {
                replace_step();
            }
            witness();
            replace_later();
        }
    });
}

bool World::all_there(std::size_t asker) const {
    const bool reached =
        std::ranges::all_of(hosts_, [](const Host& host) { return host.voter != nullptr; });
    if (!reached || !runs(asker)) {
        return false;
    }
    const auto& host = hosts_[asker];
    const auto status = host.voter->status(host.clock.exact(events_.now()));
    return std::ranges::all_of(status.steps, [&](const auto& one) {
        return one.trusted && one.step >= used_.step && !status.silent.has(one.node);
    });
}

void World::replace_step() {
    if (used_.next.empty()) {
        used_.next = used_.current;
        *std::ranges::min_element(used_.next) = disks_.size();  // the oldest goes
        format_disk();
    } else {
        used_.current = std::exchange(used_.next, {});
    }
    ++used_.step;
    trace(0, fmt::format("---- disks: step {}", used_.step));
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        events_.after(between(replacements_, milliseconds(1), seconds(2)),
                      [this, node, used = used_] { configure_disks(node, used); });
    }
}

// Reached only while its voter is there; the command is repeated.
void World::configure_disks(std::size_t node, const Used& used) {
    if (hosts_[node].voter) {
        hosts_[node].used = used;
        feed(node, Channel::kOther, use_of(used));
    } else {
        events_.after(milliseconds(500), [this, node, used] { configure_disks(node, used); });
    }
}

// ---- what must come along

void World::witness() {
    ++told_;
    const Witness word{{0x5e, 1}, {0x11, 1}, told_, told_, told_, 1};
    const auto node = replacements_.below(hosts_.size());
    if (hosts_[node].voter) {
        hosts_[node].words.insert(told_);
        feed(node, Channel::kOther, WitnessChanged{told_, word});
    }
}

void World::on(std::size_t node, const WitnessWritten& output) {
    auto& host = hosts_[node];
    host.words.erase(output.number);
    if (!output.full) {
        trace(node, fmt::format("witness {}", output.number));
        host.witnessed = std::max(host.witnessed, output.number);
    }
}

// A voter that dies while it writes may leave a torn page, and takes along what stood there.
void World::forget_words(std::size_t node) {
    auto& host = hosts_[node];
    if (!std::exchange(host.words, {}).empty()) {
        host.witnessed = 0;
    }
}

void World::on(std::size_t, const ReadDone& output) {
    const auto known = together(output.own, output.others);
    recalled_ = known.empty() ? 0 : known.front().generation;
}

// What a voter said was on the disk all nodes know, whatever became of it and of its disk.
std::string World::recall() {
    constexpr auto kWithin = seconds(3);
    const auto asker = replacements_.below(hosts_.size());
    feed(asker, Channel::kOther, ReadAnew{told_ + 1});
    const auto begun = events_.now();
    while (!recalled_ && events_.now() < begun + kWithin && oracle_->breach().empty()) {
        events_.run_until(events_.now() + milliseconds(50));
    }
    const auto witnessed = std::ranges::max_element(hosts_, {}, &Host::witnessed)->witnessed;
    if (recalled_.value_or(0) >= witnessed || !oracle_->breach().empty()) {
        return {};
    }
    return fmt::format("node {} knows generation {} of a set, and {} was on the disk", asker + 1,
                       recalled_.value_or(0), witnessed);
}

}  // namespace quorate::quorum::simulator
