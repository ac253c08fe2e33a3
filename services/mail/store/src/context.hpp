#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "body_reader.hpp"
#include "doubt.hpp"
#include "journal.hpp"
#include "relocations.hpp"
#include "reserve.hpp"
#include "sqlite_vfs.hpp"
#include "usage.hpp"

namespace quorate::mail::store {

class AccountImpl;

// Which accounts have a database open, most recently used first. Any thread.
class OpenDatabases {
public:
    struct Entry {
        AccountImpl* account = nullptr;
        std::uint64_t used = 0;  // the tick of its last use
    };
    using Place = std::list<Entry>::iterator;

    explicit OpenDatabases(std::size_t limit) : limit_(limit) {}
    // `account` opened one; closes others that are not in use when there are too many.
    Place add(AccountImpl* account);
    void touch(Place place);
    void remove(Place place);
    // Closes those that were not used for some ticks.
    void tick();
    std::size_t count() const;

private:
    void close_last(std::size_t tries);

    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::list<Entry> order_;
    std::uint64_t tick_ = 0;
};

// Accounts with changes that are not committed to their databases. Any thread.
class Unsettled {
public:
    void add(std::shared_ptr<AccountImpl> account);
    void remove(AccountImpl* account);
    // Those that are quiet for some calls, or whose changes lie `lag_bytes` behind.
    std::vector<std::shared_ptr<AccountImpl>> due(std::uint64_t journal_position,
                                                  std::uint64_t lag_bytes);
    std::vector<std::shared_ptr<AccountImpl>> all() const;

private:
    struct Entry {
        std::shared_ptr<AccountImpl> account;  // owned with the store's table and the holders
        std::uint64_t seen_lsn = 0;
        unsigned quiet = 0;  // calls since
    };
    mutable std::mutex mutex_;
    std::unordered_map<AccountImpl*, Entry> entries_;
};

// What the accounts share; owned by the store, which outlives them.
struct Context {
    struct Options {
        JournalOptions journal;
        std::uint64_t reserve_bytes = 0;
        std::size_t open_databases = 0;
        std::uint64_t seed = 0;
        std::function<std::int64_t()> now;
    };
    Context(Volume& the_volume, Options options, Logger logger)
        : volume(the_volume),
          log(std::move(logger)),
          doubt(the_volume, log),
          vfs(the_volume, doubt),
          reserve(the_volume, options.reserve_bytes, log),
          journal(
              the_volume, std::move(options.journal), [this] { return reserve.release(); }, log),
          bodies(the_volume, journal, relocations),
          databases(options.open_databases),
          now(std::move(options.now)),
          random(options.seed) {}

    Id128 random_id() {
        std::lock_guard lock(random_mutex);
        return Id128::random(random);
    }

    Volume& volume;
    Logger log;
    Doubt doubt;
    SqliteVfs vfs;
    Reserve reserve;
    Journal journal;
    Relocations relocations;
    SegmentUsage usage;
    BodyReader bodies;
    OpenDatabases databases;
    Unsettled unsettled;
    std::function<std::int64_t()> now;          // seconds since 1970
    std::atomic<std::uint64_t> index_bytes{0};  // of mailboxes' indexes in memory
    std::mutex random_mutex;
    Random random;
};

}  // namespace quorate::mail::store
