#pragma once

#include <map>
#include <memory>
#include <vector>

#include "account_impl.hpp"
#include "context.hpp"
#include "journal_scan.hpp"
#include "super.hpp"

namespace quorate::mail::store {

// The super block of the volume's store; makes a store when there is none. Errors: damaged,
// unsupported_version, volume_full.
Result<Super> read_or_create_super(Volume& volume, Random& random);

// Puts what the journal has and the account databases lack into these.
class Recovery {
public:
    explicit Recovery(Context& context) : context_(context) {}

    Status run(const Scan& scan);
    std::uint64_t replayed() const { return replayed_; }
    // Accounts whose databases could not take everything, because the volume is full: loaded.
    std::vector<std::shared_ptr<AccountImpl>> waiting() { return std::move(waiting_); }

private:
    using Changes = std::vector<const FoundChange*>;

    Result<std::string> read_ops(const FoundChange& change);
    Status remake_database(AccountId id);
    Status redo_account(AccountId id, const Changes& changes);
    Status park(AccountId id, const Changes& changes);

    Context& context_;
    std::uint32_t open_segment_ = 0;
    std::unique_ptr<File> file_;
    std::uint64_t replayed_ = 0;
    std::vector<std::shared_ptr<AccountImpl>> waiting_;
};

// Changes that a damaged database could not take are kept beside it; while they are there the
// account is refused.
Result<bool> has_parked_changes(Volume& volume, AccountId id);

}  // namespace quorate::mail::store
