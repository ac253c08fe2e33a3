#include "recovery.hpp"

#include <algorithm>
#include <array>

#include "base/crc32c.hpp"
#include "full.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "schema.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::size_t kBatchBytes = 4 << 20;
constexpr std::string_view kParkedPrefix = "redo-";

Status create_super(Volume& volume, Super& super) {
    // Both copies, so that later writes need no space.
    for (super.sequence = 1; super.sequence <= 2; ++super.sequence) {
        QUORATE_CHECK(write_super(volume, super));
    }
    super.sequence = 2;
    return volume.flush_folder("journal");
}

bool creates_account(std::string_view ops) {
    OpReader reader(ops);
    Op op;
    while (true) {
        const auto more = reader.next(op);
        if (!more || !*more) {
            return false;
        }
        const auto* box = std::get_if<OpMailbox>(&op);
        if (box != nullptr && box->id == kFirstMailbox) {
            return true;
        }
    }
}

bool removes_account(std::string_view ops) {
    OpReader reader(ops);
    Op op;
    const auto more = reader.next(op);
    return more && *more && std::holds_alternative<OpAccountRemoved>(op);
}

}  // namespace

Result<Super> read_or_create_super(Volume& volume, Random& random) {
    auto found = read_super(volume);
    if (found && *found) {
        return **found;
    }
    if (!found) {
        // Both copies bad: the first start was cut short, or damage.
        QUORATE_TRY(const auto segments, list_segments(volume));
        QUORATE_TRY(const auto accounts, volume.list("accounts"));
        if (found.error().code != errc::damaged || !segments.empty() || !accounts.empty()) {
            return tl::unexpected(found.error());
        }
    }
    Super super;
    super.store = Id128::random(random);
    super.redo_offset = kSegmentHeaderBytes;
    if (auto created = create_super(volume, super); !created) {
        auto& error = created.error();
        return fail(is_full(error.code) ? make_error_code(errc::volume_full) : error.code,
                    std::move(error.detail));
    }
    return super;
}

Status Recovery::run(const Scan& scan) {
    std::map<AccountId, Changes> by_account;
    for (const auto& change : scan.changes) {
        by_account[change.account].push_back(&change);
    }
    for (const auto& [id, changes] : by_account) {
        auto done = redo_account(id, changes);
        if (!done && done.error().code == errc::damaged) {
            context_.log.error("account_damaged", "account", id.value(), "reason",
                               done.error().to_string());
            done = park(id, changes);
        }
        QUORATE_CHECK(done);
    }
    return {};
}

Result<std::string> Recovery::read_ops(const FoundChange& change) {
    if (!file_ || open_segment_ != change.segment) {
        QUORATE_TRY(file_, context_.volume.open(segment_path(change.segment), {}));
        open_segment_ = change.segment;
    }
    std::string ops(change.size, '\0');
    QUORATE_TRY(const auto got, file_->read(change.offset, ops));
    if (got != ops.size()) {
        return fail(errc::damaged, segment_path(change.segment) + ": shrinks while it is read");
    }
    return ops;
}

// The journal has all of the account, and its database may never have been flushed: from nothing.
Status Recovery::remake_database(AccountId id) {
    const auto path = account_database(id);
    QUORATE_CHECK(context_.volume.remove(path + "-wal"));
    QUORATE_CHECK(context_.volume.remove(path + ".new"));
    return context_.volume.remove(path);
}

Status Recovery::redo_account(AccountId id, const Changes& changes) {
    auto account = AccountImpl::for_redo(context_, id);
    std::vector<AccountImpl::Pending> batch;
    std::size_t bytes = 0;
    bool full = false;
    for (const auto* change : changes) {
        QUORATE_TRY(auto ops, read_ops(*change));
        if (change == changes.front() && creates_account(ops) && !mutated("database_not_remade")) {
            QUORATE_CHECK(remake_database(id));
        }
        if (removes_account(ops)) {
            account->abandon();
            return context_.volume.remove_tree(account_folder(id));
        }
        ++replayed_;
        bytes += ops.size();
        batch.push_back({change->lsn, std::move(ops)});
        if (bytes >= kBatchBytes || change == changes.back()) {
            auto done = account->redo(std::move(batch));
            if (!done && done.error().code != errc::volume_full) {
                account->abandon();
                return done;
            }
            full = !done;
            batch.clear();
            bytes = 0;
        }
    }
    if (full) {
        QUORATE_CHECK(account->load_redone());
        waiting_.push_back(std::move(account));
    }
    return {};
}

// As frames, as they stand in the journal.
Status Recovery::park(AccountId id, const Changes& changes) {
    const auto path = account_folder(id) + "/" + std::string(kParkedPrefix) +
                      std::to_string(changes.front()->lsn);
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(auto file, context_.volume.open(path, mode));
    QUORATE_CHECK(file->truncate(0));
    std::uint64_t offset = 0;
    for (const auto* change : changes) {
        QUORATE_TRY(const auto ops, read_ops(*change));
        FrameHeader header;
        header.type = FrameType::kChange;
        header.lsn = change->lsn;
        header.data_bytes = change->size;
        header.data_crc = crc32c(ops);
        std::string meta;
        ByteWriter(meta).u64(id.value());
        header.meta_bytes = static_cast<std::uint16_t>(meta.size());
        auto frame = encode(header, meta) + ops;
        frame.resize(header.frame_bytes());
        const std::array<std::string_view, 1> pieces = {frame};
        QUORATE_CHECK(file->write(offset, pieces));
        offset += frame.size();
    }
    QUORATE_CHECK(file->flush());
    return context_.volume.flush_folder(account_folder(id));
}

Result<bool> has_parked_changes(Volume& volume, AccountId id) {
    QUORATE_TRY(const auto names, volume.list(account_folder(id)));
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.starts_with(kParkedPrefix); });
}

}  // namespace quorate::mail::store
