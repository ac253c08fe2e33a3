#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "mail/store/account.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

struct StoreOptions {
    std::uint64_t segment_bytes = 64ULL << 20;
    std::uint64_t checkpoint_bytes = 512ULL << 20;  // journal kept for redo at most
    std::size_t open_accounts = 1024;               // databases kept open when nobody uses them
    std::uint64_t random_seed = 0;  // of object ids, another at each start; 0: from the system
    // Seconds since 1970, for save dates and UIDVALIDITY. Any thread. Empty: the system's clock.
    std::function<std::int64_t()> now;
};

// All mail of one node: journal, body files, account databases. See docs/formats/mail-journal.md.
//
// Thread rule: Store is thread-safe; each Account is not (see there). One internal thread writes
// and flushes the journal, one makes checkpoints. Crash rule: a change is redone at open if its
// record reached the volume; a change whose Lsn was reported durable has.
class Store {
public:
    // Recovers: replays the journal into the account databases it touches.
    static Result<std::unique_ptr<Store>> open(Volume& volume, StoreOptions options, Logger log);
    virtual ~Store() = default;

    // Writes a body once, for one or several accounts (compaction asks these whether they still
    // need it). `pieces` are taken over. Fails with volume_full before anything is written. The
    // body is durable with the Lsn of the append that uses it.
    virtual Result<BodyRef> put_body(std::vector<std::string> pieces,
                                     std::span<const AccountId> owners) = 0;

    // A body too large to be held in memory: written as it arrives to a file of its own, flushed by
    // finish().
    class LargeBody {
    public:
        virtual ~LargeBody() = default;  // unfinished: the file is removed
        virtual Status write(std::string_view bytes) = 0;
        virtual Result<BodyRef> finish(
            std::span<const AccountId> owners) = 0;  // blocks for the flush
    };
    virtual Result<std::unique_ptr<LargeBody>> begin_large_body() = 0;

    // The same object for all callers as long as one holds it. The store and the holders own it
    // together.
    virtual Result<std::shared_ptr<Account>> account(AccountId id, QuotaLimits limits) = 0;
    virtual Status remove_account(AccountId id) = 0;  // nobody may hold it

    // The journal is durable up to here. Any thread.
    virtual Lsn durable() const = 0;
    // Called on the journal's thread after each flush; it may only post. A failed flush calls it
    // once with `failed`.
    virtual void on_durable(std::function<void(Lsn durable, bool failed)> callback) = 0;
    // Commits the account's open transaction if the journal is durable up to its last_lsn(). Call
    // on the account's strand, a few times a second for accounts in `unsettled()`.
    virtual Status settle(Account& account) = 0;
    virtual std::vector<std::shared_ptr<Account>> unsettled() = 0;

    // Frees what nothing refers to any more. Runs in bounded steps; call again while it returns
    // true. Blocks: any thread but the shell's.
    virtual Result<bool> compact_step() = 0;

    struct VerifyReport {
        std::uint64_t mailboxes = 0;
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;
        std::vector<std::string>
            problems;  // each names file, offset, mailbox and uid as far as known
    };
    // Reads everything of one account, bodies included. Call on the account's strand.
    virtual Result<VerifyReport> verify(AccountId id) = 0;

    struct Statistics {
        std::uint64_t flushes = 0;
        std::uint64_t records = 0;
        std::uint64_t journal_bytes = 0;
        std::uint64_t segments = 0;
        std::uint64_t open_accounts = 0;
        std::uint64_t replayed = 0;
    };
    virtual Statistics statistics() const = 0;

    // Everything settled, databases closed, checkpoint written. Nobody may use the store during or
    // after.
    virtual Status close() = 0;
};

}  // namespace quorate::mail::store
