#include "compaction.hpp"

#include <algorithm>
#include <set>

#include "account_impl.hpp"
#include "base/bytes.hpp"
#include "journal_scan.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "store_impl.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kStepBytes = 8ULL << 20;

bool is_large(std::uint32_t segment) { return segment >= kLargeSegment; }

// What follows the last frame of a sealed segment: nothing, or what is left of its reservation.
Result<bool> only_zeros_behind(File& file, std::uint64_t offset) {
    std::string buffer;
    while (true) {
        buffer.resize(1 << 20);
        QUORATE_TRY(const auto got, file.read(offset, buffer));
        buffer.resize(got);
        if (buffer.find_first_not_of('\0') != std::string::npos) {
            return false;
        }
        if (got == 0) {
            return true;
        }
        offset += got;
    }
}

}  // namespace

Result<bool> Compactor::step() {
    std::lock_guard lock(mutex_);
    if (!job_) {
        const auto segment = choose();
        if (!segment) {
            return false;
        }
        auto examined = examine(*segment);
        if (!examined && examined.error().code == errc::damaged) {
            context_.log.error("body_file_kept", "file", body_file_path(*segment), "reason",
                               examined.error().to_string());
            context_.usage.keep(*segment);
            return true;
        }
        return examined;
    }
    auto moved = job_->living.empty() ? finish() : move_some();
    if (!moved && moved.error().code == errc::damaged) {
        context_.log.error("body_file_kept", "file", body_file_path(job_->segment), "reason",
                           moved.error().to_string());
        context_.usage.keep(job_->segment);
        context_.relocations.reopen(job_->segment);
        job_.reset();
        moved = {};
    }
    QUORATE_CHECK(moved);
    return true;
}

// Of a file that has to be looked at, or is worth it.
std::optional<std::uint32_t> Compactor::choose() {
    const auto current = context_.journal.current_segment();
    const auto first_needed =
        mutated("redo_segments_compacted") ? current : std::min(store_.redo_segment(), current);
    for (; next_segment_ < first_needed; ++next_segment_) {
        context_.usage.found(next_segment_);
    }
    // With little space left, less gain is worth the work.
    const std::uint64_t part = context_.reserve.whole() ? 2 : 8;
    for (const auto& [segment, entry] : context_.usage.all()) {
        if (entry.kept || (!is_large(segment) && segment >= first_needed)) {
            continue;
        }
        if (!entry.examined || entry.dead >= entry.total / part) {
            return segment;
        }
    }
    return std::nullopt;
}

Result<bool> Compactor::examine(std::uint32_t segment) {
    Job job;
    job.segment = segment;
    std::uint64_t total = 0;
    QUORATE_TRY(job.owners, owners(segment, total));
    QUORATE_CHECK(collect(job));
    std::uint64_t living = 0;
    for (const auto& [offset, body] : job.living) {
        living += body.ref.size;
    }
    const auto dead = total - std::min(total, living);
    context_.usage.counted(segment, dead, total);
    const bool worth = is_large(segment)
                           ? living == 0
                           : living == 0 || dead >= total / (context_.reserve.whole() ? 2 : 8);
    if (is_large(segment) && !worth) {
        context_.usage.removed(segment);  // until something in it dies
    }
    if (worth) {
        // From here nobody can begin to refer to one of its bodies, so this list is complete.
        context_.relocations.close(segment);
        job.living.clear();
        if (auto collected = collect(job); !collected) {
            context_.relocations.reopen(segment);
            return tl::unexpected(std::move(collected).error());
        }
        job_ = std::move(job);
    }
    return true;
}

Result<std::vector<AccountId>> Compactor::owners(std::uint32_t segment, std::uint64_t& total) {
    const auto path = body_file_path(segment);
    QUORATE_TRY(auto file, context_.volume.open(path, {}));
    QUORATE_TRY(total, file->size());
    if (is_large(segment)) {
        return large_.owners(segment);
    }
    QUORATE_TRY(const auto header, read_segment_header(*file));
    std::set<AccountId> owners;
    const auto collect_owners = [&](const FoundFrame& frame) {
        if (frame.header.type == FrameType::kBody) {
            ByteReader meta(frame.meta);
            while (!meta.at_end()) {
                owners.insert(AccountId(meta.u64()));
            }
        }
        return Status();
    };
    const WalkPlace start{kSegmentHeaderBytes, header.first_lsn};
    QUORATE_TRY(const auto end, walk_segment(*file, header, start, /*data=*/false, collect_owners));
    QUORATE_TRY(const bool clean, only_zeros_behind(*file, end.place.offset));
    if (!clean) {
        return fail(errc::damaged,
                    path + " offset " + std::to_string(end.place.offset) + ": no frame");
    }
    return std::vector<AccountId>(owners.begin(), owners.end());
}

Status Compactor::collect(Job& job) {
    for (const auto owner : job.owners) {
        QUORATE_TRY(const auto account, store_.existing_account(owner));
        if (!account) {
            continue;
        }
        QUORATE_TRY(const auto bodies, account->bodies_in(job.segment));
        for (const auto& body : bodies) {
            auto& living = job.living[body.ref.offset];
            living.ref = body.ref;
            living.owners.emplace_back(owner, body.id);
        }
    }
    return {};
}

Status Compactor::move_some() {
    std::map<AccountId, std::vector<std::pair<BodyId, BodyRef>>> moved;
    std::uint64_t bytes = 0;
    auto next = job_->living.begin();
    Status status;
    for (; next != job_->living.end() && bytes < kStepBytes && status; ++next) {
        status = move_one(next->second, moved);
        bytes += next->second.ref.size;
    }
    for (const auto& [id, bodies] : moved) {
        QUORATE_TRY(const auto account, store_.existing_account(id));
        std::vector<AccountImpl::LiveBody> live;
        for (const auto& [body, ref] : bodies) {
            live.push_back({body, ref});
        }
        if (account) {
            QUORATE_CHECK(account->relocate(live));
        }
    }
    QUORATE_CHECK(status);
    job_->living.erase(job_->living.begin(), next);
    return {};
}

Status Compactor::move_one(const Living& body,
                           std::map<AccountId, std::vector<std::pair<BodyId, BodyRef>>>& moved) {
    QUORATE_TRY(auto bytes, context_.bodies.read(body.ref, 0, body.ref.size));
    std::vector<AccountId> owners;
    for (const auto& [account, id] : body.owners) {
        if (owners.empty() || owners.back() != account) {
            owners.push_back(account);
        }
    }
    std::vector<std::string> pieces;
    pieces.push_back(std::move(bytes));
    QUORATE_TRY(const auto ref,
                context_.journal.put_body(std::move(pieces), owners, Journal::Need::kEssential));
    for (const auto& [account, id] : body.owners) {
        if (!mutated("move_not_recorded")) {
            moved[account].emplace_back(id, ref);
        }
    }
    context_.relocations.moved(body.ref, ref);
    return {};
}

// Nothing living was found, or all of it was moved: looks once more, then removes the file.
Status Compactor::finish() {
    QUORATE_CHECK(collect(*job_));
    if (!job_->living.empty()) {
        return {};
    }
    if (!mutated("compaction_not_awaited")) {
        QUORATE_CHECK(context_.journal.wait_durable(context_.journal.newest()));
    }
    const auto segment = job_->segment;
    context_.bodies.forget(segment);
    QUORATE_CHECK(context_.volume.remove(body_file_path(segment)));
    context_.usage.removed(segment);
    job_.reset();
    context_.log.info("body_file_removed", "file", body_file_path(segment));
    return {};
}

}  // namespace quorate::mail::store
