#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace quorate::mail::auth {

struct AccountRecord {
    std::uint64_t id = 0;  // never reused
    std::string address;   // canonical "local@domain": domain as of canonical_domain(), local part
                           // as created, compared without case
    bool enabled = true;
    std::uint64_t quota_bytes = 0;     // 0: unlimited
    std::uint64_t quota_messages = 0;  // 0: unlimited
    std::int64_t created = 0;          // seconds since 1970
    std::vector<std::string>
        secrets;  // "{SCHEME}..." each; the first is what `verify` uses, SCRAM ones are for SCRAM
};

struct AliasRecord {
    std::string address;               // "local@domain", or "@domain": catch-all
    std::vector<std::string> targets;  // local addresses
};

struct DomainRecord {
    std::string name;  // as of canonical_domain()
    bool enabled = true;
};

// What an address means here.
struct LocalRecipients {
    struct Target {
        std::uint64_t account = 0;
        std::string address;  // canonical
        std::string detail;   // what stood after '+'
        std::uint64_t quota_bytes = 0;
        std::uint64_t quota_messages = 0;
    };
    std::vector<Target> targets;  // without repetitions
};
enum class NoRecipient { kNotLocal, kUnknownUser, kDisabled, kAliasLoop };
using Resolution = std::variant<LocalRecipients, NoRecipient>;

// Domains, accounts and aliases: held in memory, kept in one SQLite database; every change is on
// stable storage when the call returns. Order of resolution: exact address, address without
// +detail, catch-all.
//
// Thread rule: any thread; a change blocks readers while it is written. Errors: auth::errc (exists,
// not_found, invalid_address, domain_unknown, in_use, ...). Limits: alias depth 10, 1,000 targets
// per resolution, local part 64 octets, domain 255 (RFC 5321 4.5.3.1).
class Directory {
public:
    static Result<std::unique_ptr<Directory>> open(const std::string& path);
    virtual ~Directory() = default;

    virtual Resolution resolve(std::string_view address) const = 0;
    virtual bool is_local_domain(std::string_view domain) const = 0;
    virtual std::optional<AccountRecord> account(std::string_view address) const = 0;
    virtual std::optional<AccountRecord> account(std::uint64_t id) const = 0;
    // By address; `pattern` with '*' and '?', empty for all; at most `limit` after `after`.
    struct Page {
        std::string pattern;
        std::string after;
        std::size_t limit = 1000;
    };
    virtual std::vector<AccountRecord> accounts(const Page& page) const = 0;
    virtual std::vector<DomainRecord> domains() const = 0;
    virtual std::vector<AliasRecord> aliases(const Page& page) const = 0;

    virtual Status add_domain(std::string_view name) = 0;
    virtual Status remove_domain(std::string_view name) = 0;  // only when empty
    virtual Result<AccountRecord> add_account(AccountRecord record) = 0;
    // By id; address and time of creation stay as they are.
    virtual Status update_account(const AccountRecord& record) = 0;
    virtual Status remove_account(std::uint64_t id) = 0;
    // Creates or replaces. Targets are in domains of ours, but need not exist yet: returns those
    // that mean nobody at present. alias_loop when it could never reach anybody, whatever is
    // created.
    virtual Result<std::vector<std::string>> set_alias(AliasRecord record) = 0;
    virtual Status remove_alias(std::string_view address) = 0;
};

}  // namespace quorate::mail::auth
