#include "mail/auth/directory.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include <fmt/core.h>

#include "base/text.hpp"
#include "directory_database.hpp"
#include "mail/auth/address.hpp"
#include "mail/auth/errc.hpp"

namespace quorate::mail::auth {
namespace {

constexpr int kAliasDepth = 10;
constexpr std::size_t kTargetsMax = 1000;
constexpr std::size_t kAliasTargetsMax = 1000;

// '*' any run, '?' one character; ASCII without case.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() &&
                   (pattern[p] == '?' || to_lower(pattern[p]) == to_lower(text[t]))) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

class DirectoryImpl final : public Directory {
public:
    explicit DirectoryImpl(std::unique_ptr<DirectoryDatabase> database)
        : database_(std::move(database)) {}

    Status load() {
        QUORATE_TRY(const auto domains, database_->domains());
        // Keys are made anew: a version before may have had another canonical form.
        for (const auto& domain : domains) {
            domains_[canonical_domain(domain.name).value_or(domain.name)] = domain;
        }
        QUORATE_TRY(auto accounts, database_->accounts());
        for (auto& account : accounts) {
            remember(std::move(account));
        }
        QUORATE_TRY(auto aliases, database_->aliases());
        for (auto& alias : aliases) {
            auto key = alias_key(alias.address);
            aliases_[std::move(key)] = std::move(alias);
        }
        return {};
    }

    Resolution resolve(std::string_view address) const override {
        const std::shared_lock lock(mutex_);
        const auto parts = split_address(address);
        if (!parts || !domains_.contains(parts->domain)) {
            return NoRecipient::kNotLocal;
        }
        Expansion expansion;
        expand(*parts, 0, expansion);
        if (!expansion.found.targets.empty()) {
            return std::move(expansion.found);
        }
        return expansion.reason;
    }

    bool is_local_domain(std::string_view domain) const override {
        const std::shared_lock lock(mutex_);
        const auto canonical = canonical_domain(domain);
        return canonical && domains_.contains(*canonical);
    }

    std::optional<AccountRecord> account(std::string_view address) const override {
        const std::shared_lock lock(mutex_);
        const auto parts = split_address(address);
        const auto* found = parts ? find(parts->key()) : nullptr;
        return found == nullptr ? std::nullopt : std::optional(*found);
    }

    std::optional<AccountRecord> account(std::uint64_t id) const override {
        const std::shared_lock lock(mutex_);
        const auto found = keys_.find(id);
        return found == keys_.end() ? std::nullopt : std::optional(accounts_.at(found->second));
    }

    std::vector<AccountRecord> accounts(const Page& page) const override {
        return select<AccountRecord>(accounts_, page);
    }
    std::vector<AliasRecord> aliases(const Page& page) const override {
        return select<AliasRecord>(aliases_, page);
    }

    std::vector<DomainRecord> domains() const override {
        const std::shared_lock lock(mutex_);
        std::vector<DomainRecord> records;
        for (const auto& [name, record] : domains_) {
            records.push_back(record);
        }
        return records;
    }

    Status add_domain(std::string_view name) override {
        const std::unique_lock lock(mutex_);
        const auto canonical = canonical_domain(name);
        if (!canonical) {
            return fail(errc::invalid_address, printable(name, 80));
        }
        if (domains_.contains(*canonical)) {
            return fail(errc::exists, *canonical);
        }
        const DomainRecord record{*canonical, true};
        QUORATE_CHECK(database_->put_domain(record));
        domains_[*canonical] = record;
        return {};
    }

    Status remove_domain(std::string_view name) override {
        const std::unique_lock lock(mutex_);
        const auto key = canonical_domain(name).value_or(std::string(name));
        const auto found = domains_.find(key);
        if (found == domains_.end()) {
            return fail(errc::not_found, printable(name, 80));
        }
        const auto suffix = "@" + key;
        const auto within = [&](const auto& item) { return item.first.ends_with(suffix); };
        if (std::any_of(accounts_.begin(), accounts_.end(), within) ||
            std::any_of(aliases_.begin(), aliases_.end(), within)) {
            return fail(errc::in_use, key + " has accounts or aliases");
        }
        QUORATE_CHECK(database_->remove_domain(found->second.name));
        domains_.erase(found);
        return {};
    }

    Result<AccountRecord> add_account(AccountRecord record) override {
        const std::unique_lock lock(mutex_);
        const auto parts = split_address(record.address);
        if (!parts) {
            return fail(errc::invalid_address, printable(record.address, 80));
        }
        if (!domains_.contains(parts->domain)) {
            return fail(errc::domain_unknown, parts->domain);
        }
        if (accounts_.contains(parts->key()) || aliases_.contains(parts->key())) {
            return fail(errc::exists, parts->to_string());
        }
        QUORATE_CHECK(check_secrets(record));
        record.address = parts->to_string();
        QUORATE_TRY(record.id, database_->insert_account(record));
        remember(record);
        return record;
    }

    Status update_account(const AccountRecord& record) override {
        const std::unique_lock lock(mutex_);
        const auto found = keys_.find(record.id);
        if (found == keys_.end()) {
            return fail(errc::not_found, record.address);
        }
        QUORATE_CHECK(check_secrets(record));
        QUORATE_CHECK(database_->update_account(record));
        auto& kept = accounts_[found->second];
        kept.enabled = record.enabled;
        kept.quota_bytes = record.quota_bytes;
        kept.quota_messages = record.quota_messages;
        kept.secrets = record.secrets;
        return {};
    }

    Status remove_account(std::uint64_t id) override {
        const std::unique_lock lock(mutex_);
        const auto found = keys_.find(id);
        if (found == keys_.end()) {
            return fail(errc::not_found, fmt::format("account id {}", id));
        }
        QUORATE_CHECK(database_->remove_account(id));
        accounts_.erase(found->second);
        keys_.erase(found);
        return {};
    }

    Result<std::vector<std::string>> set_alias(AliasRecord record) override {
        const std::unique_lock lock(mutex_);
        QUORATE_TRY(const auto key, check_alias(record.address));
        if (accounts_.contains(key)) {
            return fail(errc::exists, record.address + " is an account");
        }
        QUORATE_TRY(const auto targets, check_targets(record));
        std::set<std::string> followed{key};
        if (std::none_of(targets.begin(), targets.end(), [&](const SplitAddress& target) {
                return may_arrive(target, 1, followed);
            })) {
            return fail(errc::alias_loop, record.address);
        }
        QUORATE_CHECK(database_->put_alias(record));
        aliases_[key] = std::move(record);
        return without_recipient(targets);
    }

    Status remove_alias(std::string_view address) override {
        const std::unique_lock lock(mutex_);
        const auto found = aliases_.find(alias_key(address));
        if (found == aliases_.end()) {
            return fail(errc::not_found, printable(address, 80));
        }
        QUORATE_CHECK(database_->remove_alias(found->second.address));
        aliases_.erase(found);
        return {};
    }

private:
    struct Expansion {
        LocalRecipients found;
        NoRecipient reason = NoRecipient::kUnknownUser;
        std::set<std::uint64_t> seen;
        // Aliases that were followed; true while they are. A second time gives nothing new, and
        // aliases that name each other many times would take forever.
        std::map<const AliasRecord*, bool> followed;
    };

    // The database keeps one secret per line.
    static Status check_secrets(const AccountRecord& record) {
        for (const auto& secret : record.secrets) {
            if (secret.empty() || secret.find('\n') != std::string::npos) {
                return fail(errc::bad_secret,
                            record.address + ": empty secret or a line end in it");
            }
        }
        return {};
    }

    const AccountRecord* find(const std::string& key) const {
        const auto found = accounts_.find(key);
        return found == accounts_.end() ? nullptr : &found->second;
    }

    void expand(const SplitAddress& address, int depth, Expansion& expansion) const {
        if (depth > kAliasDepth || expansion.found.targets.size() >= kTargetsMax) {
            expansion.reason = NoRecipient::kAliasLoop;
            return;
        }
        if (found_as(address, "", depth, expansion)) {
            return;
        }
        const auto plus = address.local.find('+');
        if (plus != std::string::npos && plus > 0) {
            const SplitAddress base{address.local.substr(0, plus), address.domain};
            if (found_as(base, address.local.substr(plus + 1), depth, expansion)) {
                return;
            }
        }
        const auto catch_all = aliases_.find("@" + address.domain);
        if (catch_all != aliases_.end()) {
            follow(catch_all->second, depth, expansion);
        }
    }

    bool found_as(const SplitAddress& address, std::string detail, int depth,
                  Expansion& expansion) const {
        const auto key = address.key();
        if (const auto* account = find(key)) {
            const auto domain = domains_.find(address.domain);
            if (!account->enabled || !domain->second.enabled) {
                expansion.reason = NoRecipient::kDisabled;
            } else if (expansion.seen.insert(account->id).second) {
                expansion.found.targets.push_back({account->id, account->address, std::move(detail),
                                                   account->quota_bytes, account->quota_messages});
            }
            return true;
        }
        const auto alias = aliases_.find(key);
        if (alias == aliases_.end()) {
            return false;
        }
        follow(alias->second, depth, expansion);
        return true;
    }

    void follow(const AliasRecord& alias, int depth, Expansion& expansion) const {
        const auto [entry, first] = expansion.followed.emplace(&alias, true);
        if (!first) {
            if (entry->second) {
                expansion.reason = NoRecipient::kAliasLoop;
            }
            return;
        }
        for (const auto& target : alias.targets) {
            const auto parts = split_address(target);
            if (parts && domains_.contains(parts->domain)) {
                expand(*parts, depth + 1, expansion);
            }
        }
        expansion.followed[&alias] = false;
    }

    static std::string alias_key(std::string_view address) {
        if (address.starts_with('@')) {
            const auto domain = canonical_domain(address.substr(1));
            return "@" + domain.value_or(to_lower(address.substr(1)));
        }
        const auto parts = split_address(address);
        return parts ? parts->key() : to_lower(address);
    }

    // Makes the address canonical and gives its key.
    Result<std::string> check_alias(std::string& address) const {
        const bool catch_all = address.starts_with('@');
        const auto parts = split_address(catch_all ? "x" + address : address);
        if (!parts) {
            return fail(errc::invalid_address, printable(address, 80));
        }
        if (!domains_.contains(parts->domain)) {
            return fail(errc::domain_unknown, parts->domain);
        }
        address = catch_all ? "@" + parts->domain : parts->to_string();
        return to_lower(address);
    }

    // Makes the targets canonical.
    Result<std::vector<SplitAddress>> check_targets(AliasRecord& record) const {
        if (record.targets.empty() || record.targets.size() > kAliasTargetsMax) {
            return fail(errc::too_many, "an alias has 1 to 1000 targets");
        }
        std::vector<SplitAddress> targets;
        for (auto& target : record.targets) {
            auto parts = split_address(target);
            if (!parts) {
                return fail(errc::invalid_address, printable(target, 80));
            }
            if (!domains_.contains(parts->domain)) {
                return fail(errc::domain_unknown, parts->to_string());
            }
            target = parts->to_string();
            targets.push_back(std::move(*parts));
        }
        return targets;
    }

    // Whether mail may arrive there, now or when names are created that are not there yet. Aliases
    // in `followed` do not count: what they lead to was counted.
    bool may_arrive(const SplitAddress& address, int depth, std::set<std::string>& followed) const {
        const auto plus = address.local.find('+');
        const bool detailed = plus != std::string::npos && plus > 0;
        const auto base = detailed ? address.local.substr(0, plus) : address.local;
        for (const auto& key : {address.key(), SplitAddress{base, address.domain}.key()}) {
            if (depth > kAliasDepth || followed.contains(key)) {
                return false;
            }
            if (accounts_.contains(key)) {
                return true;
            }
            const auto alias = aliases_.find(key);
            if (alias != aliases_.end()) {
                followed.insert(key);
                const auto& targets = alias->second.targets;
                return std::any_of(targets.begin(), targets.end(), [&](const auto& target) {
                    const auto parts = split_address(target);
                    return parts && domains_.contains(parts->domain) &&
                           may_arrive(*parts, depth + 1, followed);
                });
            }
        }
        return true;
    }

    std::vector<std::string> without_recipient(const std::vector<SplitAddress>& targets) const {
        std::vector<std::string> without;
        for (const auto& target : targets) {
            Expansion expansion;
            expand(target, 0, expansion);
            if (expansion.found.targets.empty()) {
                without.push_back(target.to_string());
            }
        }
        return without;
    }

    void remember(AccountRecord record) {
        const auto parts = split_address(record.address);
        auto key = parts ? parts->key() : to_lower(record.address);
        keys_[record.id] = key;
        accounts_[std::move(key)] = std::move(record);
    }

    template <class Record, class Map>
    std::vector<Record> select(const Map& map, const Page& page) const {
        const std::shared_lock lock(mutex_);
        std::vector<Record> records;
        for (auto it = map.upper_bound(to_lower(page.after));
             it != map.end() && records.size() < page.limit; ++it) {
            if (page.pattern.empty() || matches(page.pattern, it->first)) {
                records.push_back(it->second);
            }
        }
        return records;
    }

    mutable std::shared_mutex mutex_;
    std::unique_ptr<DirectoryDatabase> database_;
    std::map<std::string, DomainRecord> domains_;
    std::map<std::string, AccountRecord> accounts_;  // by SplitAddress::key()
    std::unordered_map<std::uint64_t, std::string> keys_;
    std::map<std::string, AliasRecord> aliases_;
};

}  // namespace

Result<std::unique_ptr<Directory>> Directory::open(const std::string& path) {
    QUORATE_TRY(auto database, DirectoryDatabase::open(path));
    auto directory = std::make_unique<DirectoryImpl>(std::move(database));
    QUORATE_CHECK(directory->load());
    return std::unique_ptr<Directory>(std::move(directory));
}

}  // namespace quorate::mail::auth
