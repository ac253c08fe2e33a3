#include "disks.hpp"

#include <algorithm>

namespace quorate::quorum {

void Disks::use(const UseDisks& disks) {
    const auto before = std::exchange(all_, {});
    sets_.clear();
    for (const auto* set : {&disks.current, &disks.next}) {
        std::vector<DiskNumber> numbers;
        for (const auto& disk : *set) {
            numbers.push_back(disk.number);
            const auto known = std::ranges::find(all_, disk.number, &DiskUsed::number);
            if (known == all_.end()) {
                all_.push_back(disk);
            }
        }
        if (!numbers.empty()) {
            sets_.push_back(std::move(numbers));
        }
    }
    for (const auto& disk : before) {
        const auto same = [&](const DiskUsed& one) {
            return one.number == disk.number && one.uuid == disk.uuid;
        };
        if (std::ranges::none_of(all_, same)) {
            forget(disk.number);
        }
    }
}

// The number may be that of another disk some day.
void Disks::forget(DiskNumber disk) {
    for (auto& page : pages_) {
        page.on_disk[disk.value()] = 0;
        page.busy[disk.value()] = false;
        page.side[disk.value()] = 0;
    }
    std::erase_if(writing_, [&](const auto& one) { return one.second.disk == disk; });
    std::erase_if(reading_, [&](const auto& one) { return one.second.disk == disk; });
}

bool Disks::majority(DiskSet disks) const {
    return !sets_.empty() && std::ranges::all_of(sets_, [&](const auto& set) {
        const auto count = std::ranges::count_if(set, [&](auto disk) { return disks.has(disk); });
        return static_cast<std::size_t>(count) > set.size() / 2;
    });
}

// ---- writing

void Disks::write(BootTime now, PageKind kind, std::uint64_t sequence, std::string bytes) {
    auto& own = page(kind);
    own.sequence = sequence;
    own.bytes = std::move(bytes);
    for (const auto& disk : all_) {
        if (!own.busy[disk.number.value()]) {
            submit(now, kind, disk.number);
        }
    }
}

void Disks::submit(BootTime now, PageKind kind, DiskNumber disk) {
    auto& own = page(kind);
    const IoId id(next_++);
    own.busy[disk.value()] = true;
    const auto side = own.side[disk.value()];
    writing_[id] = {kind, disk, own.sequence, now};
    outputs_.push_back(WritePage{id, disk, page_of(self_, kind, side), own.bytes});
}

bool Disks::has(PageKind kind, std::uint64_t sequence) const {
    DiskSet disks;
    for (const auto& disk : all_) {
        if (page(kind).on_disk[disk.number.value()] >= sequence) {
            disks.add(disk.number);
        }
    }
    return majority(disks);
}

std::optional<Disks::WriteDone> Disks::written(BootTime now, const PageWritten& done,
                                               DiskSet counted) {
    const auto it = writing_.find(done.id);
    if (it == writing_.end()) {
        return std::nullopt;
    }
    const auto write = it->second;
    writing_.erase(it);
    auto& own = page(write.kind);
    own.busy[write.disk.value()] = false;
    own.written_at[write.disk.value()] = now;
    if (done.ok) {
        // First: what is submitted next must not come over it.
        found(write.kind, write.disk, own.side[write.disk.value()]);
    }
    // What was wanted meanwhile; a failure is repeated with the next content only.
    const bool used = std::ranges::find(all_, write.disk, &DiskUsed::number) != all_.end();
    if (used && own.sequence > write.sequence) {
        submit(now, write.kind, write.disk);
    }
    if (!done.ok) {
        return std::nullopt;
    }
    own.on_disk[write.disk.value()] = std::max(own.on_disk[write.disk.value()], write.sequence);
    WriteDone result{write.kind, write.disk, write.submitted};
    DiskSet newer;
    for (const auto& disk : all_) {
        if (counted.has(disk.number) && own.on_disk[disk.number.value()] >= write.sequence) {
            newer.add(disk.number);
        }
    }
    if (write.sequence > own.completed && majority(newer)) {
        own.completed = write.sequence;
        result.completed = true;
    }
    return result;
}

// ---- reading

void Disks::read(BootTime now, std::uint32_t pages) {
    round_.number++;
    round_.submitted = now;
    round_.begun = {};
    round_.done = {};
    round_.own = page(PageKind::kHeartbeat).completed;
    round_.witness = page(PageKind::kWitness).completed;
    round_.over = false;
    for (const auto& disk : all_) {
        const bool busy = std::ranges::any_of(
            reading_, [&](const auto& one) { return one.second.disk == disk.number; });
        if (!busy) {
            const IoId id(next_++);
            reading_[id] = {disk.number, now, round_.number,
                            page(PageKind::kHeartbeat).on_disk[disk.number.value()]};
            round_.begun.add(disk.number);
            outputs_.push_back(ReadPages{id, disk.number, 0, pages});
        }
    }
}

std::optional<Disks::ReadEnded> Disks::read_ended(const PagesRead& done) {
    const auto it = reading_.find(done.id);
    if (it == reading_.end()) {
        return std::nullopt;
    }
    const ReadEnded ended{it->second.disk, it->second.submitted, it->second.round, done.ok,
                          it->second.own};
    reading_.erase(it);
    return ended;
}

}  // namespace quorate::quorum
