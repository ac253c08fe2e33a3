#include <algorithm>

#include "set_impl.hpp"

// Reads, writes and flushes of clients.
namespace quorate::shadowing {
namespace {

constexpr std::int64_t kOtherSite = 1'000'000;  // more than any cost

}  // namespace

void Set::Impl::on(const Submit& input) {
    const bool is_flush = input.kind == RequestKind::kFlush;
    asked_at = moment.now;
    if (dismounting) {
        out.emplace_back(Reply{input.request, ReplyStatus::kUnavailable, {}});
        return;
    }
    if (!is_flush && (input.extent.blocks == 0 || input.extent.end() < input.extent.lbn ||
                      (has_current && input.extent.end() > now_current.set_blocks))) {
        out.emplace_back(Reply{input.request, ReplyStatus::kOutOfRange, {}});
        return;
    }
    if (is_flush) {
        flush_waiting.push_back({input.request, moment.now});
        wake_at(moment.now + options.mount_verification);
        return;
    }
    if (input.kind == RequestKind::kRead) {
        auto& read = reads[input.request];
        read.extent = input.extent;
        read.arrived = moment.now;
        begin_read(input.request);
        return;
    }
    auto& write = writes[input.request];
    write.extent = input.extent;
    write.zero = input.kind == RequestKind::kZero;
    write.fua = input.fua;
    write.arrived = moment.now;
    wake_at(moment.now + options.mount_verification);
    if (mounted) {
        admit_write(input.request, write);
    }
}

// ---- reads

void Set::Impl::begin_read(RequestId id) {
    auto& read = reads.at(id);
    read.stalled = false;
    if (!mounted || !is_active()) {
        stall_read(id, read);
        return;
    }
    read.tried = read.unreadable;
    if (is_merging(read.extent)) {
        read_by_job(id, read);
        return;
    }
    ask_read(id, read);
}

void Set::Impl::read_by_job(RequestId id, ReadRequest& read) {
    read.hedge_at = moment.now + options.mount_verification;
    Job job;
    job.extent = read.extent;
    job.readers.push_back(id);
    add_job(std::move(job));
}

// Of the members that have the stretch, the one that is likely to answer first.
void Set::Impl::ask_read(RequestId id, ReadRequest& read) {
    std::optional<DeviceIndex> best;
    std::int64_t best_score = 0;
    bool all_unreadable = true;
    for (const auto& [member, index] : current(true, true)) {
        // Not below its fence either: there a target may have what the last source has lost with
        // its cache, and nobody is to see what will be gone.
        if (!is_source(member->role) && !mutated("read_above_fence")) {
            continue;
        }
        all_unreadable &= read.unreadable[index];
        const auto& device = devices[index];
        if (read.tried[index] || device.suspect) {
            continue;
        }
        const auto score = std::int64_t{device.read_cost} + device.queue +
                           expected_us(device) / 1000 + (is_elsewhere(device) ? kOtherSite : 0);
        if (!best || score < best_score) {
            best = index;
            best_score = score;
        }
    }
    read.hedge_at = moment.now + options.hedge_after;
    wake_at(read.hedge_at);
    if (best) {
        read.tried.set(*best);
        read.ops.insert(ask(*best, Purpose::kRead, id.value(), ReadData{{}, *best, read.extent}));
    } else if (all_unreadable && read.extent.blocks > 1) {
        read_by_job(id, read);  // not all at the same block, perhaps
    } else if (all_unreadable) {
        reply_read(id, ReplyStatus::kUnreadable, std::nullopt);
    } else {
        stall_read(id, read);
    }
}

void Set::Impl::read_done(OpId id, const Op& op, Outcome outcome) {
    const auto it = reads.find(RequestId(op.owner));
    const bool ok = outcome == Outcome::kOk;
    if (it == reads.end() || it->second.ops.erase(id) == 0) {
        if (ok) {
            drop(id);
        }
        return;
    }
    auto& read = it->second;
    // The member may have left meanwhile, or a merge may have become due.
    const bool settled = !is_merging(read.extent) || mutated("read_across_loss");
    const bool valid = is_active() && is_current(op) && settled;
    if (ok && valid) {
        if (read.unreadable.any()) {
            Job repair;
            repair.extent = read.extent;
            add_job(std::move(repair));
        }
        reply_read(it->first, ReplyStatus::kOk, id);
        return;
    }
    if (ok) {
        drop(id);
    }
    if (outcome == Outcome::kUnreadable && is_current(op)) {
        read.unreadable.set(op.device);
        if (is_active()) {
            ask_read(it->first, read);
            return;
        }
    }
    stall_read(it->first, read);
}

void Set::Impl::reply_read(RequestId id, ReplyStatus status, std::optional<OpId> data) {
    reads.erase(id);
    out.emplace_back(Reply{id, status, data});
}

// ---- writes

void Set::Impl::admit_write(RequestId id, WriteRequest& write) {
    for (const auto& [other_id, other] : writes) {
        if (other_id != id && other.admitted && other.extent.overlaps(write.extent)) {
            return;
        }
    }
    write.admitted = true;
    write.hot = intent->begin(id.value(), write.extent);
    restless.insert(id);
}

void Set::Impl::admit_blocked() {
    for (auto& [id, write] : writes) {
        if (!write.admitted) {
            admit_write(id, write);
        }
    }
}

bool Set::Impl::may_begin_writes() const {
    return stall == Hold::kShared && !stall_blocking && !stall_wanted;
}

void Set::Impl::progress_writes() {
    if (!intent) {
        return;
    }
    for (const auto ticket : intent->take_ready()) {
        const auto it = writes.find(RequestId(ticket));
        it->second.hot = true;
        restless.insert(it->first);
    }
    for (const auto id : std::exchange(restless, {})) {
        if (const auto it = writes.find(id); it != writes.end()) {
            progress(id, it->second);
        }
    }
}

// Sources first: what a copy takes from a source after a target was written is never older than
// what the target has.
void Set::Impl::progress(RequestId id, WriteRequest& write) {
    if (!write.hot) {
        return;
    }
    if (write.given_up) {
        drop_write(id, write);
        return;
    }
    if (!write.begun) {
        if (!may_begin_writes()) {
            restless.insert(id);
            return;
        }
        write.begun = true;
        ++begun;
    }
    const auto ask_device = [&](DeviceIndex device) {
        const DataOf data{true, id.value()};
        if (write.zero) {
            ask(device, Purpose::kWrite, id.value(), ZeroData{{}, device, write.extent, write.fua});
        } else {
            ask(device, Purpose::kWrite, id.value(),
                WriteData{{}, device, write.extent, data, write.fua});
        }
    };
    const bool sources = spread(write.members, current(true, false), ask_device);
    Currents targets;
    for (const auto& one : current(false, true)) {
        if (sources || write.extent.end() <= one.member->fence || mutated("parallel_target")) {
            targets.add(one);
        } else if (!mutated("keep_target")) {
            write.members.done[one.device] = 0;  // a source has come after it was written
        }
    }
    if (spread(write.members, targets, ask_device) && sources) {
        complete(id, write);
    }
}

void Set::Impl::complete(RequestId id, const WriteRequest& write) {
    --begun;
    out.emplace_back(Reply{id, ReplyStatus::kOk, {}});
    drop_write(id, write);
}

void Set::Impl::drop_write(RequestId id, const WriteRequest& write) {
    intent->end(moment.now, write.extent);
    writes.erase(id);
    admit_blocked();
}

// Those that no member may have fail in the end; what a member may have is not taken back.
void Set::Impl::look_at_writes() {
    std::vector<RequestId> gone;
    for (auto& [id, write] : writes) {
        const auto until = write.arrived + options.mount_verification;
        if (write.begun || write.given_up) {
            continue;
        }
        if (until > moment.now) {
            wake_at(until);
            continue;
        }
        out.emplace_back(Reply{id, ReplyStatus::kUnavailable, {}});
        write.given_up = true;
        if (!write.admitted) {
            gone.push_back(id);
        }
    }
    for (const auto id : gone) {
        writes.erase(id);
    }
}

// ---- the write-intent log

void Set::Impl::progress_intent() {
    if (!intent) {
        return;
    }
    while (true) {
        if (!intent_block) {
            intent_block = intent->next(moment.now, moment.lease.epoch);
            intent_members = {};
        }
        if (!intent_block) {
            break;
        }
        const bool all = spread(intent_members, current(true, true), [&](DeviceIndex device) {
            ask(device, Purpose::kIntent, intent_block->sequence,
                WriteIntent{{}, device, *intent_block});
        });
        if (!all) {
            break;
        }
        intent_block.reset();
        intent->written();
    }
    if (const auto deadline = intent->deadline()) {
        wake_at(std::max(*deadline, moment.now));
    }
}

// ---- flushes

std::uint64_t Set::Impl::want_flush() {
    flush_wanted = true;
    return flush_rounds + 1;
}

// Every flush that is wanted already may concern what was lost; if there is none, the next says so.
void Set::Impl::report_lost_cache() {
    lost_cache = true;
    auto requests = std::exchange(flush_waiting, {});
    if (flush) {
        requests.insert(requests.end(), flush->requests.begin(), flush->requests.end());
        flush->requests.clear();
    }
    for (const auto& one : requests) {
        out.emplace_back(Reply{one.request, ReplyStatus::kLost, {}});
        lost_cache = false;
    }
}

void Set::Impl::look_at_flushes() {
    const auto give_up = [&](std::vector<WaitingFlush>& waiting) {
        std::erase_if(waiting, [&](const WaitingFlush& one) {
            const auto until = one.arrived + options.mount_verification;
            if (until > moment.now) {
                wake_at(until);
                return false;
            }
            out.emplace_back(Reply{one.request, ReplyStatus::kUnavailable, {}});
            return true;
        });
    };
    give_up(flush_waiting);
    if (flush) {
        give_up(flush->requests);
    }
}

// One round at a time; what comes meanwhile shares the next.
void Set::Impl::progress_flush() {
    while (true) {
        if (!flush) {
            if (flush_waiting.empty() && !flush_wanted && !(intent && intent->wants_flush())) {
                return;
            }
            if (!intent && !flush_wanted) {
                return;  // not mounted yet
            }
            flush_wanted = false;
            flush.emplace();
            flush->number = ++flush_rounds;
            flush->mark = intent ? intent->mark() : 0;
            if (mounted) {
                flush->requests = std::exchange(flush_waiting, {});
            }
        }
        const bool all = spread(flush->members, current(true, true), [&](DeviceIndex device) {
            ask(device, Purpose::kFlush, flush->number, FlushDevice{{}, device});
        });
        if (!all) {
            return;
        }
        if (intent) {
            intent->flushed(flush->mark);
        }
        for (const auto& one : flush->requests) {
            const auto status = lost_cache ? ReplyStatus::kLost : ReplyStatus::kOk;
            out.emplace_back(Reply{one.request, status, {}});
        }
        lost_cache = lost_cache && flush->requests.empty();
        flushed_rounds = flush->number;
        flush.reset();
    }
}

}  // namespace quorate::shadowing
