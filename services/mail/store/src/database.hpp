#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sqlite_vfs.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace quorate::mail::store {

// One prepared statement, borrowed from its Database for one execution; resets itself at the end.
// Bound text must live until then. Columns count from 0, parameters from 1.
class Query {
public:
    Query(sqlite3* db, sqlite3_stmt* statement, const std::string& path)
        : db_(db), statement_(statement), path_(path) {}
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    template <class... Values>
    Query& bind(const Values&... values) {
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }
    // True: a row is there.
    Result<bool> step();
    // For statements without rows.
    Status run();

    std::int64_t integer(int column) const;
    std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    std::uint32_t number32(int column) const { return static_cast<std::uint32_t>(integer(column)); }
    std::string_view blob(int column) const;  // valid until the next step

private:
    void bind_one(int index, std::string_view blob);
    void bind_one(int index, std::int64_t value);
    void bind_one(int index, std::uint64_t value) {
        bind_one(index, static_cast<std::int64_t>(value));
    }
    void bind_one(int index, std::uint32_t value) {
        bind_one(index, static_cast<std::int64_t>(value));
    }
    void bind_one(int index, std::int32_t value) {
        bind_one(index, static_cast<std::int64_t>(value));
    }

    sqlite3* db_;
    sqlite3_stmt* statement_;
    const std::string& path_;
};

// A connection to an account's database. One caller at a time. Errors: volume_full, damaged,
// otherwise std::errc::io_error.
class Database {
public:
    // The file must exist (schema.hpp creates it).
    static Result<std::unique_ptr<Database>> open(const SqliteVfs& vfs, const std::string& path);
    // One without a file, made by `schema`; `path` is what errors call it.
    static Result<std::unique_ptr<Database>> make_in_memory(const char* schema, std::string path);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // `sql` must be a literal: its address is the key of the statement cache. A statement may not
    // be asked for while it is in use.
    Query query(const char* sql);

    Status begin();
    Status commit();
    void rollback();
    bool in_transaction() const { return in_transaction_; }
    // Gives unused pages back.
    void release_memory();
    // See SqliteVfs::read_ahead.
    void read_ahead(bool on);
    const std::string& path() const { return path_; }
    bool in_memory() const { return doubt_ == nullptr; }

private:
    Database(sqlite3* db, std::string path, const Doubt* doubt)
        : db_(db), path_(std::move(path)), doubt_(doubt) {}
    // Of SQLite's WAL into the database.
    void checkpoint(const char* schema, int mode);
    static int on_wal_commit(void* self, sqlite3* db, const char* schema, int frames);

    sqlite3* db_;
    std::string path_;
    const Doubt* doubt_;  // nothing: in memory
    std::map<const char*, sqlite3_stmt*> statements_;
    bool in_transaction_ = false;
    int wal_frames_ = 0;
};

}  // namespace quorate::mail::store
